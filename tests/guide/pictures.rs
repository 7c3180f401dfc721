//! The picture of a token's life, drawn by the library's own refresh policy.
//!
//! `UPDATE_PICTURES=1 cargo test --test guide picture` draws it again.

use std::fmt::Write;

use crate::platform::clock::Moment;
use crate::refresh_policy::{Expiry, Freshness};
use crate::support::root;

const START: Moment = Moment {
    wall_ms: 1_700_000_000_000,
    monotonic_ms: 1000,
};
const LEFT: f64 = 110.0;
const WIDTH: f64 = 700.0;

/// Returns how much of its lifetime a token has left, in milliseconds, when it is first in this phase or a later one.
fn left_when(lifetime_s: i64, phase: Freshness) -> i64 {
    let rank = |freshness| match freshness {
        Freshness::Fresh => 0,
        Freshness::RefreshSoon => 1,
        Freshness::MustRefresh => 2,
        Freshness::Expired => 3,
    };
    let expiry = Expiry::new(START, lifetime_s, 0.0);
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
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 320\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>The life of a token</title>\n<rect width=\"840\" height=\"320\" fill=\"white\"/>\n",
    );
    let lives = [
        ("1 hour", 3600),
        ("10 minutes", 600),
        ("1 minute", 60),
        ("30 seconds", 30),
    ];
    for (row, (name, lifetime_s)) in lives.into_iter().enumerate() {
        let y = 40 + 60 * row;
        let at = |left_ms: i64| LEFT + WIDTH * (1.0 - left_ms as f64 / (lifetime_s * 1000) as f64);
        let early = left_when(lifetime_s, Freshness::RefreshSoon);
        let hard = left_when(lifetime_s, Freshness::MustRefresh);
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>",
            LEFT - 10.0,
            y + 17
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
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"24\" fill=\"{fill}\"/>"
            )
            .expect("text");
        }
        for left_ms in [early, hard] {
            let x = at(left_ms);
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{}</text>",
                y - 5,
                clock(left_ms)
            )
            .expect("text");
        }
    }
    for (x, fill, text) in [
        (110, "#74c08a", "returned"),
        (210, "#f0c75e", "returned, and refreshed in the background"),
        (500, "#e07b6a", "calls wait for a new one"),
    ] {
        writeln!(
            svg,
            "<rect x=\"{x}\" y=\"268\" width=\"14\" height=\"14\" fill=\"{fill}\"/><text x=\"{}\" y=\"280\">{text}</text>",
            x + 20
        )
        .expect("text");
    }
    svg + "<text x=\"110\" y=\"306\" font-size=\"11\">Each bar is one lifetime; the numbers are minutes and seconds that are left.</text>\n</svg>\n"
}

#[test]
fn the_picture_of_a_tokens_life_is_drawn_by_the_refresh_policy() {
    let path = root().join("docs/pictures/token-life.svg");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, picture()).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == picture(),
        "draw it again: UPDATE_PICTURES=1 cargo test --test guide picture"
    );
}
