//! The picture of a token's life in docs/, drawn by the refresh policy.
//!
//! `UPDATE_PICTURES=1 cargo test --lib picture` draws it again.

use std::fmt::Write;
use std::path::Path;

use crate::cache::refresh_policy::{Expiry, Freshness, Renewal};
use crate::platform::clock::Moment;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1000,
};
const LEFT: f64 = 140.0;
const WIDTH: f64 = 670.0;

/// Returns how much of its lifetime a token has left, in milliseconds, when it is first in this phase or a later one.
fn left_when(lifetime_s: i64, phase: Freshness) -> i64 {
    let rank = |freshness| match freshness {
        Freshness::Fresh => 0,
        Freshness::RefreshSoon => 1,
        Freshness::MustRefresh => 2,
        Freshness::Expired => 3,
    };
    let expiry = Expiry::new(START, lifetime_s, 0.0, Renewal::Same);
    let lifetime_ms = lifetime_s * 1000;
    (0..=lifetime_ms / 100)
        .map(|step| step * 100)
        .find(|age_ms| rank(expiry.classify(START.after_ms(*age_ms), 0)) >= rank(phase))
        .map(|age_ms| lifetime_ms - age_ms)
        .expect("every token expires")
}

fn clock(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn picture() -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 470\" font-family=\"sans-serif\" font-size=\"22\">\n\
         <title>The life of a token</title>\n<rect width=\"840\" height=\"470\" fill=\"white\"/>\n",
    );
    let lives = [
        ("1 hour", 3600),
        ("10 minutes", 600),
        ("1 minute", 60),
        ("30 seconds", 30),
    ];
    for (row, (name, lifetime_s)) in lives.into_iter().enumerate() {
        let y = 40 + 72 * row;
        let at = |left_ms: i64| LEFT + WIDTH * (1.0 - left_ms as f64 / (lifetime_s * 1000) as f64);
        let early = left_when(lifetime_s, Freshness::RefreshSoon);
        let hard = left_when(lifetime_s, Freshness::MustRefresh);
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>",
            LEFT - 10.0,
            y + 25
        )
        .expect("text");
        for (from, to, fill) in [
            (lifetime_s * 1000, early, "#74c08a"),
            (early, hard, "#f0c75e"),
            (hard, 0, "#e07b6a"),
        ] {
            let (x, width) = (at(from), at(to) - at(from));
            writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"34\" fill=\"{fill}\"/>"
            )
            .expect("text");
        }
        for left_ms in [early, hard] {
            let x = at(left_ms);
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"18\">{}</text>",
                y - 6,
                clock(left_ms)
            )
            .expect("text");
        }
    }
    for (y, fill, text) in [
        (330, "#74c08a", "the token is returned"),
        (364, "#f0c75e", "it is returned, and refreshed in the background"),
        (398, "#e07b6a", "calls wait for a new one"),
    ] {
        writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"22\" height=\"22\" fill=\"{fill}\"/><text x=\"{}\" y=\"{}\">{text}</text>",
            LEFT + 34.0,
            y + 19
        )
        .expect("text");
    }
    svg + "<text x=\"140\" y=\"452\" font-size=\"18\">Each bar is a lifetime. The numbers are the minutes and seconds left.</text>\n</svg>\n"
}

#[test]
fn the_picture_of_a_tokens_life_is_drawn_by_the_refresh_policy() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/token-life.svg");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, picture()).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == picture(),
        "draw it again: UPDATE_PICTURES=1 cargo test --lib picture"
    );
}
