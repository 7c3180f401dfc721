"""The applications that check.py tries, and how each is started."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class Application:
    name: str
    #: Arguments of Python; `{port}` is where it listens.
    command: str
    #: How the application asks, where there is a choice: see apps/.
    ask: str = ""
    processes: int = 1

    def start(self, port: int, service: str, log: Path) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "WEB_PORT": str(port),
            "WEB_SERVICE": service,
            "WEB_ASK": self.ask,
            "NO_PROXY": "*",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        command = self.command.format(port=port).split()
        # Nothing is left behind when this program is killed.
        return subprocess.Popen(
            ["timeout", "900", sys.executable, "-m", *command],
            cwd=HERE / "apps",
            env=environment,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )


STREAMLIT = (
    "streamlit run streamlit_app.py --server.port {port} --server.address 127.0.0.1 --server.headless true"
    " --server.fileWatcherType none --browser.gatherUsageStats false"
)
SHINY = "shiny run --port {port} "
UVICORN = "uvicorn fastapi_app:app --port {port} --log-level warning --workers "
GUNICORN = "gunicorn --bind 127.0.0.1:{port} --workers "

APPLICATIONS = [
    Application("Shiny, an extended task", SHINY + "shiny_core.py"),
    Application("Shiny, an output that awaits", SHINY + "shiny_core.py", "await"),
    Application("Shiny, an output that blocks", SHINY + "shiny_core.py", "block"),
    Application("Shiny Express, an extended task", SHINY + "shiny_express.py"),
    Application("Streamlit", STREAMLIT),
    Application("FastAPI, `async def` that awaits", UVICORN + "1"),
    Application("FastAPI, `def`", UVICORN + "1", "thread"),
    Application("FastAPI, `async def` that blocks", UVICORN + "1", "block"),
    Application("FastAPI, uvicorn with two workers", UVICORN + "2", processes=2),
    Application("Flask's own server", "flask --app flask_app run --port {port}"),
    Application("Flask, gunicorn with one worker", GUNICORN + "1 flask_app:app"),
    Application("Flask, gunicorn with two workers", GUNICORN + "2 flask_app:app", processes=2),
    Application(
        "Flask, gunicorn with two workers of four threads", GUNICORN + "2 --threads 4 flask_app:app", processes=2
    ),
    Application("Dash's own server", "dash_app"),
    Application("Dash, gunicorn with two workers", GUNICORN + "2 dash_app:server", processes=2),
    Application("Gradio", "gradio_app"),
    Application("Gradio, `concurrency_limit=None`", "gradio_app", "unlimited"),
]
