"""Tries web applications with two viewers in Chromium, behind a proxy that identifies them as Connect does.

Run by tests/web/run, under connect-standin: check.py RESULTS LOGS [PART OF AN APPLICATION'S NAME...]

Each viewer has a browser session of their own, whose traffic is recorded: everything that comes in it is searched for
another viewer's name and for tokens.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from applications import APPLICATIONS, HERE, Application
from playwright.async_api import Browser, Page, async_playwright
from service import ANOTHER, OPENER, Service, exchanges, order, standin

REFRESHES, CLICKS, MEASURES = 5, 10, 5
#: How long one viewer's exchange takes, in milliseconds, while the other viewer clicks.
SLOW_MS = 2000
PATIENCE_MS = 30_000
NEXT_LINE = """before => {
    const line = document.body.innerText.match(/shown: \\S+ #\\d+ in \\d+/);
    return line && line[0] != before && line[0];
}"""
LINE = re.compile(r"shown: (\S+) #(\d+) in (\d+)")
#: A session token, or a token that the stand-in issued.
SECRET = re.compile(r"user-session-\w+|viewer-\d+-\w{40}")


class WrongError(Exception):
    """A page shows what it must not."""


class Viewer:
    """A viewer's browser session."""

    def __init__(self, browser: Browser, url: str, name: str | None) -> None:
        self._browser, self._url, self.name = browser, url, name
        self.received: list[str] = []
        self.lines: list[str] = []
        self.processes: set[str] = set()
        self._reading: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._context = await self._browser.new_context()
        await self.become(self.name)
        # Fonts and scripts of other servers.
        await self._context.route(lambda url: not url.startswith(self._url), lambda route: route.abort())
        await self.new_page()

    async def become(self, name: str | None) -> None:
        """Gives the browser to somebody else; nothing of the page stays."""
        self.name = name
        self.received.clear()
        await self._context.clear_cookies()
        if name:
            await self._context.add_cookies([{"name": "viewer", "value": name, "url": self._url}])

    async def new_page(self) -> None:
        self.page: Page = await self._context.new_page()
        self.page.on("response", self._read)
        self.page.on("websocket", lambda it: it.on("framereceived", lambda frame: self.received.append(str(frame))))
        await self.page.goto(self._url)

    async def leave(self) -> None:
        self.check()
        await self.page.close()

    async def close(self) -> None:
        for task in self._reading:
            task.cancel()
        await self._context.close()

    def _read(self, response: Any) -> None:
        async def body() -> None:
            # Of a redirect, or of a page that was left.
            with contextlib.suppress(Exception):
                self.received.append(await response.text())

        task = asyncio.create_task(body())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def line(self, before: str = "") -> str:
        """Waits for a line that is not `before`, and returns it."""
        found = await self.page.wait_for_function(NEXT_LINE, arg=before, timeout=PATIENCE_MS)
        line: str = await found.json_value()
        self.lines.append(line)
        return line

    async def sees(self, *expected: str, before: str = "") -> str:
        """Waits for the next line, which has to show one of `expected`, this viewer's name by default."""
        line = await self.line(before)
        match = LINE.match(line)
        if match is None or match[1] not in (expected or (self.name,)):
            raise WrongError(f"{self.name} sees {line!r}")
        self.processes.add(match[3])
        return line

    async def click(self) -> str:
        """Asks again; returns the line as it is before."""
        before = await self.line()
        await self.page.get_by_role("button", name="Again").click()
        return before

    async def again(self, *expected: str) -> None:
        await self.sees(*expected, before=await self.click())

    def check(self) -> None:
        """Searches what the browser received for others' names and for tokens."""
        for text in self.received:
            for name in {"viewer-a", "viewer-b", "viewer-c"} - {self.name}:
                if name in text:
                    raise WrongError(f"{self.name} receives {name}: {text[:300]!r}")
            if secret := SECRET.search(text):
                raise WrongError(f"{self.name} receives {secret[0][:16]}…")


async def same_names(a: Viewer, b: Viewer) -> None:
    """Each sees their own name over refreshes and clicks, one after the other and at once."""
    await asyncio.gather(a.sees(), b.sees())
    for _ in range(REFRESHES):
        await asyncio.gather(a.page.reload(), b.page.reload())
        await asyncio.gather(a.sees(), b.sees())
    for _ in range(CLICKS):
        await asyncio.gather(a.again(), b.again())
    await a.again()
    await b.again()


async def rejections(service: Service, a: Viewer, b: Viewer) -> None:
    """A 401 gets another token of the same viewer; where there is none, the viewer sees no name."""
    before = exchanges()
    service.reject("viewer-a")
    order(**ANOTHER)
    await asyncio.gather(a.again(), b.again())
    if exchanges() == before:
        raise WrongError("the 401 led to no exchange")
    service.reject("viewer-a")
    order(order="oauth_error", status=403, error="access_denied", description=None, uri=None)
    await a.again("HTTP-401", "RefusedError")
    await b.again()
    # The library remembers the refusal for two seconds, in the process that was refused.
    await asyncio.sleep(2.5)
    await a.again()


async def comings_and_goings(browser: Browser, url: str, a: Viewer, b: Viewer) -> None:
    """A viewer leaves and comes back; another one takes over the browser; nobody is there."""
    await a.leave()
    await b.again()
    await a.new_page()
    await asyncio.gather(a.sees(), b.again())
    await a.leave()
    await a.become("viewer-c")
    await a.new_page()
    await asyncio.gather(a.sees(), b.again())
    await a.leave()
    await a.become("viewer-a")
    await a.new_page()
    await a.sees()
    nobody = Viewer(browser, url, None)
    await nobody.open()
    await nobody.sees("NotSupportedError")
    nobody.check()
    await nobody.close()


async def waits(service: Service, a: Viewer, b: Viewer) -> tuple[list[float], list[float]]:
    """Returns how long a click of one viewer takes, alone and while another viewer's exchange does; milliseconds."""

    async def click() -> float:
        before = await b.line()
        begin = time.monotonic()
        await b.page.get_by_role("button", name="Again").click()
        await b.sees(before=before)
        return (time.monotonic() - begin) * 1000

    alone, beside = [], []
    for _ in range(MEASURES):
        alone.append(await click())
        count = exchanges()
        service.reject("viewer-a")
        order(order="delay", milliseconds=SLOW_MS, then=ANOTHER)
        before = await a.click()
        while exchanges() == count:
            await asyncio.sleep(0.01)
        beside.append(await click())
        await a.sees(before=before)
    return alone, beside


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def listening(port: int, process: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise WrongError("it does not start")
        with contextlib.suppress(OSError):
            OPENER.open(url, timeout=10).close()
            return
        await asyncio.sleep(0.1)
    raise WrongError("it does not listen")


async def attempt(browser: Browser, service: Service, application: Application, log: Path) -> str:
    """Tries one application; returns its row of the table."""
    standin("reset", {})
    behind, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/"
    process = application.start(behind, service.url, log)
    proxy = subprocess.Popen([HERE / "proxy", str(port), str(behind)])
    a, b = Viewer(browser, url, "viewer-a"), Viewer(browser, url, "viewer-b")
    try:
        await listening(behind, process, f"http://127.0.0.1:{behind}/")
        await listening(port, proxy, url)
        await asyncio.gather(a.open(), b.open())
        await same_names(a, b)
        await rejections(service, a, b)
        await comings_and_goings(browser, url, a, b)
        alone, beside = await waits(service, a, b)
        a.check(), b.check()
        processes = len(a.processes | b.processes)
        if processes < application.processes:
            raise WrongError(f"{processes} processes answered, and not {application.processes}")
        await asyncio.gather(a.close(), b.close())
    finally:
        for each in (process, proxy):
            each.terminate()
            each.wait(20)
    verdict = "waits" if statistics.median(beside) - statistics.median(alone) > SLOW_MS / 4 else "goes on"
    return (
        f"| {application.name} | {processes} | {len(a.lines) + len(b.lines)} | {exchanges()} | 0 "
        f"| {milliseconds(alone)} | {milliseconds(beside)} | {verdict} |"
    )


def milliseconds(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f})"


COLUMNS = (
    "application",
    "processes",
    "lines seen",
    "exchanges",
    "of others",
    "the other's click, ms",
    f"beside an exchange of {SLOW_MS} ms",
    "the other",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}"


async def main(results: Path, logs: Path, parts: list[str]) -> int:
    wrong, rows = 0, [HEAD]
    service = Service()
    print(HEAD, flush=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for application in APPLICATIONS:
            if parts and not any(each.lower() in application.name.lower() for each in parts):
                continue
            log = logs / (re.sub(r"\W+", "-", application.name).strip("-") + ".log")
            try:
                row = await asyncio.wait_for(attempt(browser, service, application, log), 300)
            except Exception as why:
                wrong += 1
                row = f"| {application.name} | WRONG: {type(why).__name__}: {why}; {log} |"
            rows.append(row)
            print(row, flush=True)
        await browser.close()
    results.write_text("\n".join(rows) + "\n")
    return wrong


sys.exit(min(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])), 1))
