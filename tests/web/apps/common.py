"""What the applications share. Each shows a viewer the line that `awaited()` or `blocking()` returns, and asks again
on a click.

WEB_SERVICE is the URL of a service that answers a request that has a viewer's token with the viewer's name.
"""

import itertools
import os

import connectcreds
import httpx
import requests
from connectcreds.auth import HttpxAuth, RequestsAuth

SERVICE = os.environ["WEB_SERVICE"]
#: How the application asks, where there is a choice.
ASK = os.environ.get("WEB_ASK", "")
numbers = itertools.count(1)


def blocking(session_token):
    """Waits on this thread."""
    auth = RequestsAuth(connectcreds.viewer_token, session_token, resource=SERVICE)
    try:
        return line(requests.get(SERVICE, auth=auth, timeout=30))
    except connectcreds.ConnectCredentialsError as why:
        return line(type(why).__name__)


async def awaited(session_token):
    """Leaves the event loop to others."""
    auth = HttpxAuth(connectcreds.viewer_token, session_token, resource=SERVICE)
    try:
        async with httpx.AsyncClient(auth=auth, timeout=30) as client:
            return line(await client.get(SERVICE))
    except connectcreds.ConnectCredentialsError as why:
        return line(type(why).__name__)


def line(answer):
    """Returns what the page shows, different each time: `shown: viewer-a #17 in 4711`, the last the process."""
    if not isinstance(answer, str):
        answer = answer.text if answer.status_code == 200 else f"HTTP-{answer.status_code}"
    return f"shown: {answer} #{next(numbers)} in {os.getpid()}"


#: A page for frameworks that have none of their own; its button asks `/who`.
PAGE = """<!doctype html><title>Viewers</title>
<button onclick="fetch('who').then(it => it.text()).then(it => shown.textContent = it)">Again</button>
<p id="shown">{}</p>"""
