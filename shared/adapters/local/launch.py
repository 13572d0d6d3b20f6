"""Run between fork and the real program: `python -I -S launch.py PARENT RLIMITS PROGRAM ARGUMENT…`.

RLIMITS look like `CPU=60,NOFILE=256`, or `-` for none. A script and not a `preexec_fn`, since Python code between fork and exec
in a process with threads can hang. It imports little because every child waits for it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
GRACE = 2  # seconds of CPU between SIGXCPU and SIGKILL
NOT_STARTED = 127  # what shells answer when a program cannot be started


def die_with_parent(parent: int) -> None:
    """Linux: be killed when the thread that started us ends, so that a killed host leaves nothing running."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(NOT_STARTED)


def be_the_first_to_go() -> None:
    """Linux: when the machine runs out of memory, the kernel shall take us and not the host."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs more than all the rest
            file.write("1000")
    except OSError:
        pass


def limit(wanted: str) -> None:
    """Set each limit, soft and hard, as far as the present hard limit allows. For CPU the hard one is higher: SIGXCPU says why it ended."""
    for pair in filter(None, wanted.strip("-").split(",")):
        name, value = pair.split("=")
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        top = int(value) + (GRACE if name == "CPU" else 0)
        allowed = top if hard == resource.RLIM_INFINITY else min(top, hard)
        resource.setrlimit(which, (min(int(value), allowed), allowed))


def main() -> None:
    """Prepare this process, then become the program."""
    parent, limits, *program = sys.argv[1:]
    die_with_parent(int(parent))
    be_the_first_to_go()
    limit(limits)
    try:
        os.execvp(program[0], program)  # noqa: S606 - there is no shell, on purpose
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]}: {error.strerror}\n")
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main()
