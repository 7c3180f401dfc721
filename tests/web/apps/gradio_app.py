"""Gradio, with its default of one run of an event at a time, and without."""

import os

import common
import gradio
from connectcreds import sessions


async def ask(request: gradio.Request):
    return common.line("nobody") if request is None else await common.awaited(sessions.from_gradio(request))


with gradio.Blocks() as blocks:
    again, shown = gradio.Button("Again"), gradio.HTML()
    limit = None if common.ASK == "unlimited" else "default"
    blocks.load(ask, None, shown, concurrency_limit=limit)
    again.click(ask, None, shown, concurrency_limit=limit)

blocks.launch(server_name="127.0.0.1", server_port=int(os.environ["WEB_PORT"]), quiet=True)
