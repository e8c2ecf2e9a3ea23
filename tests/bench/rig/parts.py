"""The command line of a measurement that has parts."""

import argparse
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from rig.table import Table


def run_parts(name: str, what: str, parts: dict[str, ModuleType], full: Any, quick: Any) -> int:
    """Measures the parts that were asked for and prints their table; the exit code.

    Each module has measure(table, scale), the scale being one of the two."""
    parser = argparse.ArgumentParser(prog=f"./dev bench {name}", description=what)
    parser.add_argument("--quick", action="store_true", help="shorter, less exact")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(parts)}; all")
    options = parser.parse_args()
    unknown = set(options.parts) - set(parts)
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    table = Table()
    for part, module in parts.items():
        if not options.parts or part in options.parts:
            measure: Callable[[Table], None] = functools.partial(
                module.measure, scale=quick if options.quick else full)
            table.measure(part, measure)
    print(table.markdown())
    return 0 if table.all_met else 1
