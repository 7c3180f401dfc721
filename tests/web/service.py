"""A service that knows a viewer by their token, and connect-standin, whose tokens end with the viewer's name."""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: For the requests of this program, which are to loopback alone.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Service:
    """Answers with the viewer's name, or as often as ordered with 401."""

    def __init__(self) -> None:
        self._rejections: Counter[str] = Counter()
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = service.name_of(self.headers.get("Authorization", ""))
                body = name.encode()
                self.send_response(200 if name else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def name_of(self, authorization: str) -> str:
        """Returns the viewer's name; "" for a token that is rejected."""
        encoded = authorization.rpartition("-")[2]
        try:
            name = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""
        with self._lock:
            if self._rejections[name] > 0:
                self._rejections[name] -= 1
                return ""
        return name if authorization.startswith("Bearer viewer-") else ""

    def reject(self, name: str) -> None:
        """Answers 401 to the viewer's next request."""
        with self._lock:
            self._rejections[name] += 1


def standin(path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with OPENER.open(f"{os.environ['STANDIN_URL']}/__standin__/{path}", data=data, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def order(**wanted: object) -> None:
    """Sets what the stand-in answers to the next exchange."""
    standin("order", [wanted])


def exchanges() -> int:
    return sum(each["method"] == "POST" for each in standin("requests"))


#: Another token, also for a viewer whose token has not expired.
ANOTHER = {"order": "token", "expires_in": 3600}
