//! The picture of a token's trip, drawn from a trip that a token makes here.
//!
//! `UPDATE_PICTURES=1 cargo test --test guide picture` draws it again.

use std::fmt::Write;

use connect_standin::{Recorded, Standin};

use crate::programs::{on, save};
use crate::support::{clean, compile, root};

/// Who takes part, from left to right.
const LANES: [&str; 4] = ["viewer", "Connect", "content", "service"];

/// An arrow from one lane to another, or a box where both are the same.
struct Step {
    from: usize,
    to: usize,
    text: String,
    /// Whether the library does it.
    ours: bool,
}

/// Returns the request that a viewer's call sends, and the first line that the program of web-servers.md prints.
fn trip() -> (Recorded, String) {
    let program = compile(&save("web-servers.md", "c", "c"));
    let connect = Standin::start();
    let viewer = connect.viewer_token("alice");
    let printed = on(&connect, clean(&program).arg(&viewer));
    let mut requests = connect.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let request = requests.remove(0);
    assert_eq!(request.param("subject_token"), Some(viewer));
    (request, printed)
}

fn steps(request: &Recorded, printed: &str) -> Vec<Step> {
    let (token, _) = printed.split_once(',').expect("a token and its expiry");
    let step = |from, to, text: &str, ours| Step {
        from,
        to,
        text: text.to_owned(),
        ours,
    };
    vec![
        step(0, 1, "opens it", false),
        step(1, 2, "session token", false),
        step(2, 2, "cached?", true),
        step(2, 1, &request.method, true),
        step(1, 3, "refreshes if necessary", false),
        step(1, 2, "access_token", true),
        step(2, 3, token, false),
        step(3, 2, "data", false),
    ]
}

fn picture(steps: &[Step]) -> String {
    let x = |lane: usize| 80 + 190 * lane;
    let y = |number: usize| 110 + 62 * number;
    let height = y(steps.len()) - 20;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 730 {height}\" font-family=\"sans-serif\" font-size=\"22\" text-anchor=\"middle\">\n\
         <title>The trip of a token</title>\n\
         <defs><marker id=\"end\" markerUnits=\"userSpaceOnUse\" markerWidth=\"14\" markerHeight=\"12\" refX=\"13\" refY=\"6\" orient=\"auto\"><path d=\"M0 0L14 6L0 12z\" fill=\"#333\"/></marker></defs>\n\
         <rect width=\"730\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let mut line = |text: String| svg.push_str(&(text + "\n"));
    for (lane, name) in LANES.into_iter().enumerate() {
        line(format!(
            "<line x1=\"{0}\" y1=\"58\" x2=\"{0}\" y2=\"{1}\" stroke=\"#bbb\" stroke-width=\"2\"/>\
             <rect x=\"{2}\" y=\"18\" width=\"140\" height=\"40\" rx=\"6\" fill=\"#dde6f0\"/>\
             <text x=\"{0}\" y=\"45\">{name}</text>",
            x(lane),
            height - 16,
            x(lane) - 70
        ));
    }
    for (index, step) in steps.iter().enumerate() {
        let (from, to, y) = (x(step.from), x(step.to), y(index));
        let colour = if step.ours { "#2f7d4b" } else { "#333" };
        let mut text = String::new();
        write!(
            text,
            "<tspan font-weight=\"bold\">{}</tspan> {}",
            index + 1,
            step.text
        )
        .expect("text");
        if from == to {
            line(format!(
                "<rect x=\"{}\" y=\"{}\" width=\"150\" height=\"34\" rx=\"6\" fill=\"#e3f2e8\" stroke=\"{colour}\"/>\
                 <text x=\"{from}\" y=\"{}\" fill=\"{colour}\">{text}</text>",
                from - 75,
                y - 24,
                y
            ));
        } else {
            let (start, end) = if from < to {
                (from + 3, to - 3)
            } else {
                (from - 3, to + 3)
            };
            line(format!(
                "<line x1=\"{start}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\" marker-end=\"url(#end)\"/>\
                 <text x=\"{}\" y=\"{}\" fill=\"{colour}\" stroke=\"white\" stroke-width=\"5\" paint-order=\"stroke\">{text}</text>",
                usize::midpoint(from, to),
                y - 9
            ));
        }
    }
    svg + "</svg>\n"
}

/// The numbered list below the picture: the text of each number.
fn numbered(page: &str) -> Vec<String> {
    let (_, after) = page
        .split_once("trip-of-a-token.svg)")
        .expect("the page shows the picture");
    let mut items: Vec<String> = Vec::new();
    for line in after.lines().skip_while(|line| !line.starts_with("1. ")) {
        if line.starts_with(&format!("{}. ", items.len() + 1)) {
            items.push(line.to_owned());
        } else if line.starts_with("   ") {
            *items.last_mut().expect("an item") += line;
        } else {
            break;
        }
    }
    items
}

#[test]
fn the_picture_of_a_tokens_trip_shows_what_is_sent() {
    let (request, printed) = trip();
    let steps = steps(&request, &printed);
    let drawn = picture(&steps);
    let path = root().join("docs/pictures/trip-of-a-token.svg");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, &drawn).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == drawn,
        "draw it again: UPDATE_PICTURES=1 cargo test --test guide picture"
    );

    let page = std::fs::read_to_string(root().join("docs/index.md")).expect("readable");
    let list = numbered(&page);
    assert_eq!(list.len(), steps.len(), "{list:?}");
    let (scheme, _) = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .expect("a key");
    for sent in [
        format!("`{} {}`", request.method, request.path),
        format!("`Authorization: {scheme} …`"),
        "`subject_token`".to_owned(),
    ] {
        assert!(list[3].contains(&sent), "{sent} is not in {}", list[3]);
    }
}
