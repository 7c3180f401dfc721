"""FastAPI: a handler that awaits, one on a thread, and one that blocks the event loop."""

import common
from connectcreds.fastapi import SessionToken
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse

app = FastAPI()

if common.ASK == "thread":

    @app.get("/", response_class=HTMLResponse)
    def page(viewer: SessionToken):
        return common.PAGE.format(common.blocking(viewer))

    @app.get("/who", response_class=PlainTextResponse)
    def who(viewer: SessionToken):
        return common.blocking(viewer)

else:

    async def asked(viewer):
        return common.blocking(viewer) if common.ASK == "block" else await common.awaited(viewer)

    @app.get("/", response_class=HTMLResponse)
    async def page(viewer: SessionToken):
        return common.PAGE.format(await asked(viewer))

    @app.get("/who", response_class=PlainTextResponse)
    async def who(viewer: SessionToken):
        return await asked(viewer)
