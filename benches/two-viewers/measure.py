"""Measures one program with two viewers, as `run` calls it: measure.py PROGRAM promise|waits.

It is content of the stand-in for Connect, whose environment it has. An nginx stands where Connect stands between browsers
and content: it adds the header with the viewer's session token, on one port for each viewer. Times are taken in the page,
from the click to the change of the text. The exit status is not 0 where a viewer received the other's name, or a token.
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from playwright.sync_api import sync_playwright

VIEWERS = ("alice", "robert")
DELAY_MS = 2000
CLICKS = 8
PATIENCE = 60

NGINX = """
daemon off;
master_process off;
pid pid;
error_log error.log info;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    {servers}
}}
"""
SERVER = """
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Posit-Connect-User-Session-Token {token};
            proxy_pass http://127.0.0.1:{program};
        }}
    }}
"""

# Presses a button of the Shiny program, and gives the text that follows and the milliseconds until it was there.
PRESS = """
([button, output]) => new Promise(resolve => {
    const shown = document.querySelector(output);
    const began = performance.now();
    const observer = new MutationObserver(() => {
        observer.disconnect();
        resolve([shown.textContent, performance.now() - began]);
    });
    observer.observe(shown, {childList: true, characterData: true, subtree: true});
    document.querySelector(button).click();
})
"""
# The same for an address of the plumber program.
REQUEST = """
async address => {
    const began = performance.now();
    const text = await (await fetch(address)).text();
    return [text, performance.now() - began];
}
"""
# Starts either, and keeps what it will give.
START = "argument => { window.started = (%s)(argument).then(result => { window.done = true; return result; }); }"


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(what, condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            sys.exit(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(command, port, **options):
    process = subprocess.Popen(command, **options)
    try:
        wait_for(command[0], lambda: process.poll() is not None or listens(port))
        if process.poll() is not None:
            sys.exit(f"{command[0]} ended with {process.returncode}")
        yield
    finally:
        process.kill()
        process.wait()


def standin(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{os.environ['STANDIN_URL']}/__standin__/{path}", data, timeout=PATIENCE) as answer:
        return json.load(answer)


def exchanges():
    return sum(each["method"] == "POST" for each in standin("requests"))


class Page:
    """A viewer's page; all that its viewer receives is kept."""

    def __init__(self, context):
        self.page = context.new_page()
        self.received = []

    def answer(self, what):
        """The text that follows, and the milliseconds until it is there."""
        return self._kept(self.page.evaluate(self.script, what))

    def start(self, what):
        self.page.evaluate(START % self.script, what)

    def is_done(self):
        return self.page.evaluate("Boolean(window.done)")

    def finish(self):
        return self._kept(self.page.evaluate("window.started"))

    def _kept(self, answer):
        self.received.append(answer[0])
        return answer


class ShinyPage(Page):
    script = PRESS

    def __init__(self, context, url):
        super().__init__(context)
        self.page.on("websocket", lambda it: it.on("framereceived", lambda frame: self.received.append(str(frame))))
        self.page.goto(url)
        self.page.wait_for_function("document.querySelector('#clicked').textContent != ''", timeout=PATIENCE * 1000)

    def ask(self, number):
        return ["#ask", "#asked"]

    def click(self, number):
        return ["#click", "#clicked"]


class PlumberPage(Page):
    script = REQUEST

    def __init__(self, context, url):
        super().__init__(context)
        self.page.goto(f"{url}/clicked?number=0")

    def ask(self, number):
        return f"/asked?number={number}"

    def click(self, number):
        return f"/clicked?number={number}"


def measure(first, second):
    """The milliseconds of the second viewer's clicks during an exchange of the first one and after it, and those of the
    exchange."""
    before = exchanges()
    standin("order", {"order": "delay", "milliseconds": DELAY_MS, "then": {"order": "token", "expires_in": 3600}})
    first.start(first.ask(1))
    wait_for("the exchange", lambda: exchanges() > before)
    during, after = [], []
    for number in range(1, CLICKS + 1):
        text, taken = second.answer(second.click(number))
        assert text.split() == [str(number), VIEWERS[1]], text
        (after if first.is_done() else during).append(taken)
    text, whole = first.finish()
    assert text.split() == ["1", VIEWERS[0]], text
    return during, after, whole


def ask_together(pages):
    """Has both viewers request the same resource at the same time: each gets a token of their own."""
    second = pages[1]
    second.answer(second.ask(1))
    standin("order", [{"order": "delay", "milliseconds": 300, "then": {"order": "token", "expires_in": 3600}}] * 2)
    for each in pages:
        each.start(each.ask(2))
    for each, name in zip(pages, VIEWERS):
        text, _ = each.finish()
        assert text.split() == ["2", name], text


def encoded(name):
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def check(page, name):
    """Asserts that the viewer received their own name, not the other's, and no token, which would end with a name."""
    page.received.append(page.page.content())
    forbidden = {*VIEWERS, *map(encoded, VIEWERS)} - {name}
    assert any(name in each for each in page.received), f"{name} saw no name"
    for word in forbidden:
        assert not any(word in each for each in page.received), f"{name} received {word}"


def main(program, call):
    port, *fronts = free_ports(1 + len(VIEWERS))
    kind = {"shiny": ShinyPage, "plumber": PlumberPage}[pathlib.Path(program).stem]
    servers = "".join(
        SERVER.format(port=front, token=f"user-session-{encoded(name)}", program=port)
        for front, name in zip(fronts, VIEWERS)
    )
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "nginx.conf").write_text(NGINX.format(servers=servers))
        stack.enter_context(running(["Rscript", program, str(port), call], port))
        nginx = ["nginx", "-p", str(directory), "-c", "nginx.conf", "-e", "error.log"]
        stack.enter_context(running(nginx, fronts[0]))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        pages = [kind(browser.new_context(), f"http://127.0.0.1:{front}") for front in fronts]
        during, after, whole = measure(*pages)
        ask_together(pages)
        for page, name in zip(pages, VIEWERS):
            check(page, name)
        browser.close()
    clicks = during or after[:1]
    print(
        f"{pathlib.Path(program).stem + ', ' + call:17} the exchange {whole:5.0f} ms; the other viewer's clicks: "
        f"{len(during)} of {CLICKS} answered during it, median {statistics.median(clicks):4.0f} ms, most {max(clicks):4.0f} ms"
    )


main(*sys.argv[1:])
