"""The table that a run prints: what was measured, what stands beside it, what was wanted."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from rig.setting import log


@dataclass
class Row:
    what: str
    measured: str
    beside: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None  # None: nothing was wanted, it is there for comparison

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "**short**", None: ""}[self.met]


@dataclass
class Table:
    rows: list[Row] = field(default_factory=list)

    def add(self, *rows: Row) -> None:
        for row in rows:
            log(f"{row.what}: {row.measured} {row.beside and f'({row.beside})'} {row.verdict}")
            self.rows.append(row)

    def measure(self, name: str, part: Callable[["Table"], None]) -> None:
        """A part that cannot be measured is a missed target; the others are measured all the same."""
        log(name)
        try:
            part(self)
        except Exception as error:  # whatever it is, it belongs into the table
            traceback.print_exc()
            self.add(Row(name, f"not measured: {str(error).splitlines()[0]}", met=False))

    @property
    def all_met(self) -> bool:
        return all(row.met is not False for row in self.rows)

    def markdown(self) -> str:
        """Columns that no row uses are left out."""
        names = ("what", "measured", "beside it", "ratio", "target", "")
        rows = [(r.what, r.measured, r.beside, r.ratio, r.target, r.verdict) for r in self.rows]
        used = [i for i in range(len(names)) if any(row[i] for row in rows)]
        lines = [[names[i] for i in used], ["---"] * len(used)]
        lines += [[row[i] for i in used] for row in rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def jain(counts: list[float]) -> float:
    """Jain's index: 1 where all are equal, 1/n where one has everything."""
    squares = sum(x * x for x in counts)
    return sum(counts) ** 2 / (len(counts) * squares) if squares else 0.0
