"""The command: ``python -m benchmarks [--json] [--quick] [name …]``, or ``--plots FOLDER [RESULT]``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from types import ModuleType

from benchmarks.figures import Figure, table
from benchmarks.rounds import say

GROUPS = ("reading", "contention", "paths", "booking", "nationwide", "mailing", "rush", "pages")
NOTES = """\
Rate limits by address are off in the portals that are measured: all clients come from one address.
Citizens are signed in beforehand, with sessions made by the portal's own key."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or draw what was measured. A missed goal is a result, not an error."""
    options = _parser().parse_args(arguments)
    if options.plots:
        from benchmarks import plots

        result = json.loads(Path(options.names[0]).read_text() if options.names else sys.stdin.read())
        plots.draw(result, options.plots)
        return 0
    os.environ["PORTAL_LOG_LEVEL"] = "ERROR"
    # Whoever ends it ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures = []
    # What libraries print belongs to the progress; standard output is for the result alone.
    with redirect_stdout(sys.stderr):
        for figure in _measured(options.quick, options.names):
            say(table([figure]).splitlines()[1])
            figures.append(figure)
    print(
        json.dumps([f.as_json() for f in figures], indent=1)
        if options.json
        else f"{table(figures)}\n\n{NOTES}"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a list of objects and nothing else")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and less data, in a few minutes")
    parser.add_argument(
        "--plots", type=Path, metavar="FOLDER", help="draw a finished JSON result (a file, or standard input)"
    )
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"groups ({', '.join(GROUPS)}) or parts of figures' names"
    )
    return parser


def _measured(quick: bool, names: Sequence[str]) -> Iterator[Figure]:
    from benchmarks.worlds import Bench

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="thyrida-bench-")))
        bench = Bench(quick, folder, stack)
        for group in GROUPS:
            module = importlib.import_module(f"benchmarks.{group}")
            if _wanted(group, module, names):
                say(f"== {group}")
                yield from module.measure(bench)


def _wanted(group: str, module: ModuleType, names: Sequence[str]) -> bool:
    """A group is asked for by its own name, or by a part of the name of one of its figures."""
    of_figures = " ".join(module.NAMES).lower()
    return not names or any(name == group if name in GROUPS else name.lower() in of_figures for name in names)


if __name__ == "__main__":
    sys.exit(main())
