"""Shiny Express."""

import common
import connectcreds
from connectcreds import sessions
from shiny import reactive
from shiny.express import input, render, session, ui

viewer = sessions.from_shiny(session)
# Assigned, because Express would show the value of an expression.
ended = session.on_ended(lambda: connectcreds.forget_session(viewer))
ui.input_action_button("again", "Again")


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
