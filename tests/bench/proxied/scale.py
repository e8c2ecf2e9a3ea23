"""How long and how often a run measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    rounds: int
    seconds: int  # of a counted run
    idle: int  # connections
    flow_bytes: int
    storm_seconds: int


FULL = Scale(rounds=5, seconds=3, idle=8000, flow_bytes=1 << 30, storm_seconds=20)
QUICK = Scale(rounds=3, seconds=1, idle=2000, flow_bytes=1 << 28, storm_seconds=5)
