"""Shiny for Python, as the README says; and with an output that waits, with `await` or without."""

import common
import connectcreds
from connectcreds import sessions
from shiny import App, reactive, render, ui

page = ui.page_fluid(ui.input_action_button("again", "Again"), ui.output_text("shown"))


def server(input, output, session):
    viewer = sessions.from_shiny(session)
    session.on_ended(lambda: connectcreds.forget_session(viewer))

    if common.ASK == "await":

        @render.text
        async def shown():
            input.again()
            return await common.awaited(viewer)

    elif common.ASK == "block":

        @render.text
        def shown():
            input.again()
            return common.blocking(viewer)

    else:

        @reactive.extended_task
        async def ask():
            return await common.awaited(viewer)

        @reactive.effect
        @reactive.event(input.again, ignore_none=False)
        def start():
            ask()

        @render.text
        def shown():
            return ask.result()


app = App(page, server)
