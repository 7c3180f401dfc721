//! The picture: for each client, the most requests in a second over the day.

use std::fmt::Write;

use crate::server::{BUSY, HOUR_MS, OUTAGE, RESTARTS, SECOND_MS};
use crate::simulation::{DAY_MS, PROCESSES, Seen};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 62.0;
const PANEL: f64 = 74.0;
const GAP: f64 = 12.0;
/// The scale is logarithmic, from one request per second to this.
const MOST: f64 = 10_000.0;
/// Each point is the most of so many seconds.
const STEP: usize = 120;

/// Draws the days, one panel each.
pub fn svg(days: &[(&str, Seen)]) -> String {
    let height = TOP + days.len() as f64 * (PANEL + GAP) + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(
        &mut svg,
        LEFT,
        22.0,
        "start",
        "font-size=\"15\" font-weight=\"bold\"",
        &format!("A day of {PROCESSES} processes with tokens of an hour: requests per second at the server"),
    );
    text(
        &mut svg,
        LEFT,
        42.0,
        "start",
        "fill=\"#555\"",
        "The most in any second, of every two minutes. Grey: restarts (6, 18), an outage (12), only 429 (15).",
    );
    for (at, (name, seen)) in days.iter().enumerate() {
        panel(&mut svg, TOP + at as f64 * (PANEL + GAP), name, seen, at == 0);
    }
    let bottom = TOP + days.len() as f64 * (PANEL + GAP) + 6.0;
    for hour in (0..=24).step_by(3) {
        text(
            &mut svg,
            x(hour * HOUR_MS),
            bottom,
            "middle",
            "fill=\"#555\"",
            &format!("{hour}:00"),
        );
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, top: f64, name: &str, seen: &Seen, is_ours: bool) {
    let y = |requests: f64| top + PANEL * (1.0 - requests.max(1.0).log10() / MOST.log10());
    for (from, to) in RESTARTS.into_iter().chain([OUTAGE, BUSY]) {
        let width = (x(to) - x(from)).max(2.0);
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{PANEL}\" fill=\"#ddd\"/>",
            x(from)
        );
    }
    for requests in [1.0, 10.0, 100.0, 1000.0, 10_000.0] {
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#e6e6e6\"/>",
            WIDTH - RIGHT,
            y(requests)
        );
        if requests < MOST {
            let label = format!("{requests}");
            text(
                svg,
                LEFT - 6.0,
                y(requests) + 4.0,
                "end",
                "fill=\"#777\" font-size=\"9\"",
                &label,
            );
        }
    }
    let (color, weight) = if is_ours {
        ("#0b6e4f", "bold")
    } else {
        ("#8a4b08", "normal")
    };
    let style = format!("fill=\"{color}\" font-weight=\"{weight}\"");
    text(svg, LEFT - 38.0, top + PANEL / 2.0, "end", &style, name);
    let mut path = String::new();
    for (step, seconds) in seen.requests.chunks(STEP).enumerate() {
        let most = seconds.iter().copied().max().unwrap_or_default();
        let at = x((step * STEP) as i64 * SECOND_MS);
        let _ = write!(
            path,
            "{}{at:.1} {:.1}",
            if step == 0 { "M" } else { "L" },
            y(most.into())
        );
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.2\"/>"
    );
}

fn x(at_ms: i64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * at_ms as f64 / DAY_MS as f64
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, style: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{text}</text>"
    );
}
