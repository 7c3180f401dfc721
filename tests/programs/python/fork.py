"""Forks while six threads get and drop tokens; every child must work at once.

Usage: fork.py LIBRARY KEPT_SESSION OTHER_SESSION

Run by tests/fork.rs. An alarm ends a child that hangs.
"""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from ctypes import CDLL, POINTER, byref, c_bool, c_char_p, c_int32, c_size_t, c_uint64, c_void_p, sizeof

FORKS = 60
PATIENCE_S = 10

LIBRARY, KEPT, OTHER = sys.argv[1:]

cc = CDLL(LIBRARY)
out = POINTER(c_void_p)
for name, restype, *argtypes in [
    ("cc_request_new", c_void_p),
    ("cc_request_set_scope", c_int32, c_void_p, c_char_p),
    ("cc_request_set_force_refresh", c_int32, c_void_p, c_bool),
    ("cc_request_free", None, c_void_p),
    ("cc_viewer_token", c_int32, c_char_p, c_void_p, out, out),
    ("cc_token_access_token", c_char_p, c_void_p),
    ("cc_token_invalidate", c_bool, c_void_p),
    ("cc_token_free", None, c_void_p),
    ("cc_error_message", c_char_p, c_void_p),
    ("cc_error_free", None, c_void_p),
    ("cc_cache_clear", None),
    ("cc_cache_forget_session", None, c_char_p),
    ("cc_cache_get_stats", None, c_void_p, c_size_t),
    ("cc_config_set_cache_capacity", c_int32, c_size_t),
]:
    function = getattr(cc, name)
    function.restype, function.argtypes = restype, argtypes


class Token:
    """A viewer's token; freed with this object."""

    def __init__(self, session, scope=None, force=False):
        self._token = c_void_p()
        request, error = cc.cc_request_new(), c_void_p()
        try:
            cc.cc_request_set_scope(request, scope and scope.encode())
            cc.cc_request_set_force_refresh(request, force)
            if cc.cc_viewer_token(session.encode(), request, byref(self._token), byref(error)) != 0:
                raise RuntimeError(cc.cc_error_message(error).decode())
        finally:
            cc.cc_error_free(error)
            cc.cc_request_free(request)

    def __del__(self):
        cc.cc_token_free(self._token)

    def text(self):
        return cc.cc_token_access_token(self._token).decode()

    def invalidate(self):
        return cc.cc_token_invalidate(self._token)


def exchanges():
    stats = (c_uint64 * 8)()
    cc.cc_cache_get_stats(stats, sizeof(stats))
    return stats[3]


def in_child(work):
    """Forks a child that does `work`, and waits for it."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        try:
            work()
            os._exit(0)
        except BaseException as why:
            print(f"in a child: {why!r}", file=sys.stderr, flush=True)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"a child ended with {os.waitstatus_to_exitcode(status)}"


def live(parents, text, is_cached, generation=1):
    """Work that a child and its own child must finish at once."""
    before = exchanges()
    # At the fork, the parent may not have restored it.
    cc.cc_config_set_cache_capacity(0)
    assert Token(KEPT).text() == text
    assert not is_cached or exchanges() == before, "the parent's token is not cached here"

    before = exchanges()
    own = Token(OTHER, scope="of a child", force=True)
    assert exchanges() == before + 1
    if generation < 2:
        in_child(lambda: live(parents, text, True, generation + 1))
    assert parents.text() == text
    assert own.invalidate()
    cc.cc_cache_clear()


# Locked while the token of the kept session is not in the cache.
keep = threading.Lock()


def hit(turn):
    Token(KEPT)


def miss(turn):
    Token(OTHER, scope=str(turn))


def force(turn):
    Token(OTHER, force=True)


def forget(turn):
    Token(OTHER)
    cc.cc_cache_forget_session(OTHER.encode())


def invalidate(turn):
    Token(OTHER, scope="invalid").invalidate()


def clear_and_set_the_capacity(turn):
    with keep:
        if turn % 2 == 0:
            cc.cc_cache_clear()
        else:
            cc.cc_config_set_cache_capacity(1)
            cc.cc_config_set_cache_capacity(0)
        Token(KEPT)


class Worker(threading.Thread):
    over = False

    def __init__(self, work):
        super().__init__(name=work.__name__, daemon=True)
        self._work, self.turns, self.failure = work, 0, None

    def run(self):
        try:
            while not Worker.over:
                self._work(self.turns)
                self.turns += 1
        except BaseException as why:
            self.failure = why


def fork_with_os(parents, text):
    for index in range(FORKS):
        # In every second round the cache holds the token.
        if index % 2 == 0:
            with keep:
                in_child(lambda: live(parents, text, True))
        else:
            in_child(lambda: live(parents, text, False))


def token_in_pool(index):
    signal.alarm(PATIENCE_S)
    before = exchanges()
    texts = Token(KEPT).text(), Token(OTHER, scope=f"pool {index}", force=True).text()
    signal.alarm(0)
    return texts, exchanges() - before


def fork_with_multiprocessing(text):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        answers = pool.map_async(token_in_pool, range(40), chunksize=1).get(timeout=30)
    for (cached, own), made in answers:
        assert cached == text
        assert own != text
        assert made <= 2, "an own exchange, and the kept token when it was being cleared"


def main():
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later warn that the process has threads.
    parents = Token(KEPT)
    text = parents.text()
    works = [hit, miss, force, forget, invalidate, clear_and_set_the_capacity]
    workers = [Worker(work) for work in works]
    for worker in workers:
        worker.start()
    fork_with_os(parents, text)
    fork_with_multiprocessing(text)
    Worker.over = True
    for worker in workers:
        worker.join()
        assert worker.failure is None, f"{worker.name}: {worker.failure!r}"
        assert worker.turns >= 3, f"{worker.name} got no turn"
    assert Token(OTHER, force=True).text() == Token(OTHER).text()


main()
