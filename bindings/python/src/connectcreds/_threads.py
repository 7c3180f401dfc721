"""Threads that wait for work: as many as there are calls at a time, and daemons.

`concurrent.futures` has a bound, behind which calls that wait for a silent server would keep those back that the cache
answers; and the end of the interpreter waits for its threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

__tracebackhide__ = True

#: How long a thread waits for more work.
_PATIENCE_S = 30


class _Threads:
    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        # How many threads wait.
        self._idle = threading.Semaphore(0)

    def run(self, work: Callable[[], None]) -> None:
        self._work.put(work)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="connectcreds", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=_PATIENCE_S)
            except Empty:
                # Unless this thread is being counted on.
                if self._idle.acquire(blocking=False):
                    return
                continue
            work()
            del work
            self._idle.release()


_threads = _Threads()


def run(work: Callable[[], None]) -> None:
    """Runs `work`, which raises nothing, on another thread."""
    _threads.run(work)


def _after_fork_in_child() -> None:
    global _threads
    _threads = _Threads()  # Those before are the parent's.


os.register_at_fork(after_in_child=_after_fork_in_child)
