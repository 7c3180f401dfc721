"""Keeps secrets out of error reports.

Error reporters such as sentry-sdk, and pytest, show the local variables of the frames in a traceback. Session tokens
and API keys are arguments of this package's functions. Before an exception leaves the package, the finished frames of
the package lose their local variables. The frame that is still running deletes its own.
"""

from __future__ import annotations

from contextlib import suppress

__tracebackhide__ = True

_PACKAGE = __name__.partition(".")[0]
# inspect.CO_GENERATOR and CO_ASYNC_GENERATOR, without the import of inspect. Clearing the frame of a suspended
# generator would close the generator, and those of `_callbacks` go on.
_GENERATORS = 0x20 | 0x200


def clear(why: BaseException) -> None:
    """Clears this package's frames in the traceback of `why`, and of the exceptions that led to it."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [why]
    while chain:
        each = chain.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        chain += each.__cause__, each.__context__
        traceback = each.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            is_ours = frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE
            if is_ours and not frame.f_code.co_flags & _GENERATORS:
                with suppress(RuntimeError):  # It is still running.
                    frame.clear()
            traceback = traceback.tb_next
