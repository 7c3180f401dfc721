"""Flask."""

import common
import flask
from connectcreds import sessions

app = flask.Flask(__name__)


@app.get("/")
def page():
    return common.PAGE.format(common.blocking(sessions.from_flask()))


@app.get("/who")
def who():
    return common.blocking(sessions.from_flask())
