"""How long and how often a run measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    fairness_rounds: int
    cost_rounds: int
    connections: int  # of a counted run
    starts: int
    soak_connections: int
    storm_seconds: float
    kills: int


FULL = Scale(fairness_rounds=10, cost_rounds=5, connections=20_000, starts=10,
             soak_connections=1_000_000, storm_seconds=20.0, kills=100)
QUICK = Scale(fairness_rounds=2, cost_rounds=3, connections=4_000, starts=3,
              soak_connections=50_000, storm_seconds=4.0, kills=20)
