"""Dash: a layout and a callback."""

import common
import dash
from connectcreds import sessions

app = dash.Dash(__name__)
server = app.server
# Dash calls the function where it is assigned, too, without a viewer.
app.layout = lambda: dash.html.Div(
    [
        dash.html.Button("Again", id="again", n_clicks=0),
        dash.html.P(common.blocking(sessions.from_dash()), id="shown"),
    ]
)


@app.callback(dash.Output("shown", "children"), dash.Input("again", "n_clicks"), prevent_initial_call=True)
def update(clicks):
    return common.blocking(sessions.from_dash())


if __name__ == "__main__":
    import os

    app.run(port=os.environ["WEB_PORT"])
