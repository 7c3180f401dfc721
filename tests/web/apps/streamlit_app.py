"""Streamlit, which runs the script on a thread of each viewer's."""

import common
import streamlit
from connectcreds import sessions

streamlit.button("Again")
streamlit.text(common.blocking(sessions.from_streamlit()))
