"""How long and how often a run measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    rounds: int
    seconds: int  # of a counted run
    idle: int  # connections
    flood_seconds: int


FULL = Scale(rounds=5, seconds=2, idle=1000, flood_seconds=8)
QUICK = Scale(rounds=3, seconds=1, idle=1000, flood_seconds=3)
