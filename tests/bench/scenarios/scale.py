"""How long the chaos lasts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    kill_every: float  # s
    storm: float  # s
    dying: float  # s of GET /die and of the worker that dies at start
    hang: float  # s


FULL = Scale(kill_every=0.2, storm=20, dying=20, hang=10)
QUICK = Scale(kill_every=0.2, storm=4, dying=4, hang=4)
