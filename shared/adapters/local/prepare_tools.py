"""Makes the tools environment ahead of its first use: `python -m shared.adapters.local.prepare_tools HOME [ENVIRONMENTS]`."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.adapters.local.heap_queue import HeapQueue
from shared.adapters.local.home import Home
from shared.adapters.local.processes import Processes
from shared.adapters.local.signals import Signals
from shared.adapters.local.uv_environments import UvEnvironments
from shared.domain.errors import ModelgateError


def main(arguments: list[str]) -> int:
    """Print the interpreter and answer 0, or print what is wrong and answer 4."""
    home = Home(Path(arguments[0]).absolute(), *(Path(folder).absolute() for folder in arguments[1:2]))
    home.make()
    processes = Processes(home.work / "prepare")
    code = Path(__file__).resolve().parents[3]
    try:
        python = UvEnvironments(home, Signals(HeapQueue()), processes, code=code).ensure_tools()
    except ModelgateError as error:
        sys.stderr.write(f"{error}\nThe log: {home.logs / 'tools.log'}\n")
        return 4
    finally:
        processes.stop_all()
    sys.stdout.write(f"{python}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
