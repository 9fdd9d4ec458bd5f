"""Start a program that dies with its parent: `python leash.py PARENT_PID PROGRAM ARGUMENT...`.

A parent that is killed with SIGKILL cleans nothing up. On Linux the kernel can be asked to do it: the signal
named here reaches this process when the *thread* that started it ends, and the request survives exec. A program of
its own, and not a hook between fork and exec, because Python code in a forked child of a process with threads
may hang. Elsewhere than on Linux only the ordinary clean-up of the parent ends the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(1)
    os.execvp(program[0], program)  # noqa: S606 - a program in place of this one is the purpose


if __name__ == "__main__":
    main()
