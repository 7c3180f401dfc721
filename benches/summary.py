"""Prints a table of the results of one run of benches/run, and draws them in bench-cost.svg beside the results.

    python3 benches/summary.py RESULTS

RESULTS has a line for each measure: its name, its unit and its median, separated by tabs.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import sys
from pathlib import Path


#: What is shown: a title, the unit, and the measures beside each other, this library's first.
GROUPS: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "A cached token, in C",
        "ns",
        [("viewer, prepared request", "viewer-prepared"), ("service account, from the environment", "service-account-null")],
    ),
    (
        "A cached token, in Python, into a header",
        "µs",
        [
            ("libconnectcreds", "service_account_token(resource=…).authorization, into a header"),
            ("google-auth", "google-auth: before_request, into a header"),
            ("azure-identity", "azure-identity: get_token"),
        ],
    ),
    (
        "An exchange on a kept connection, http, in C",
        "µs",
        [("libconnectcreds", "exchange, http: libconnectcreds"), ("libcurl", "exchange, http: libcurl")],
    ),
    (
        "An exchange on a kept connection, https, in C",
        "µs",
        [("libconnectcreds", "exchange, https: libconnectcreds"), ("libcurl", "exchange, https: libcurl")],
    ),
    (
        "An exchange, http, in Python",
        "µs",
        [("libconnectcreds", "exchange in Python: connectcreds"), ("posit-sdk", "exchange in Python: posit-sdk")],
    ),
    (
        "The first https call of a process, with the system's authorities, in C",
        "ms",
        [("libconnectcreds", "first https call: libconnectcreds"), ("libcurl", "first https call: libcurl")],
    ),
    (
        "import, in Python",
        "ms",
        [
            ("libconnectcreds", "import connectcreds"),
            ("google-auth", "import google.oauth2.credentials"),
            ("azure-identity", "import azure.identity"),
            ("posit-sdk", "import posit.connect"),
        ],
    ),
]
UNITS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6}


def read(path: str) -> dict[str, float]:
    """Returns the measures in ns."""
    measures = {}
    for line in Path(path).read_text("utf-8").splitlines():
        name, unit, median = line.split("\t")
        measures[name] = float(median) * UNITS[unit]
    return measures


def number(value: float) -> str:
    """Formats a number with two or three figures."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    name = model.group(1).strip() if model else platform.machine()
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} processors ({name}), {datetime.date.today().isoformat()}, load {load:.1f} at the end"


def rows(measures: dict[str, float]) -> list[tuple[str, str, list[tuple[str, float]]]]:
    found = []
    for title, unit, columns in GROUPS:
        known = [(who, measures[name] / UNITS[unit]) for who, name in columns if name in measures]
        if known:
            found.append((title, unit, known))
    return found


def table(measures: dict[str, float]) -> str:
    lines = ["| what | libconnectcreds | others |", "| --- | --- | --- |"]
    for title, unit, columns in rows(measures):
        ours, *others = columns
        if ours[0] == "libconnectcreds":
            first = f"{number(ours[1])} {unit}"
            rest = ", ".join(f"{who} {number(value)} {unit}" for who, value in others)
        else:
            first, rest = ", ".join(f"{who}: {number(value)} {unit}" for who, value in columns), ""
        lines.append(f"| {title} | {first} | {rest} |")
    return "\n".join([*lines, "", f"Medians of one run on {machine()}. Compare within a row."])


def svg(measures: dict[str, float]) -> str:
    width, left, bar, gap, heading = 900, 230, 16, 14, 20
    shown = rows(measures)
    height = 40 + sum(heading + gap + bar * len(columns) for _, _, columns in shown)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    y = 14
    for title, unit, columns in shown:
        y += heading
        out.append(f'<text x="16" y="{y - 5}" font-weight="bold">{title}, {unit}</text>')
        most = max(value for _, value in columns)
        for at, (who, value) in enumerate(columns):
            length = max((width - left - 90) * value / most, 1)
            ours = at == 0 or columns[0][0] != "libconnectcreds"
            color = "#0b6e4f" if ours else "#b08d57"
            out.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end" fill="#333">{who}</text>')
            out.append(f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{bar - 4}" fill="{color}"/>')
            out.append(f'<text x="{left + length + 6:.1f}" y="{y + 12}" fill="#333">{number(value)}</text>')
            y += bar
        y += gap
    out.append(f'<text x="16" y="{y + 4}" fill="#666" font-size="11">Medians of one run on {machine()}</text>')
    return "\n".join([*out, "</svg>", ""])


def main() -> None:
    measures = read(sys.argv[1])
    print(f"\n{table(measures)}\n")
    picture = Path(sys.argv[1]).with_name("bench-cost.svg")
    picture.write_text(svg(measures), "utf-8")
    print(f"The same as bars: {picture}")


main()
