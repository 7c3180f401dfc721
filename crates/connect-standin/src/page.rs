//! The status page, as HTML and as JSON, with shortened secrets.

use crate::form;
use crate::record::Entry;
use crate::server::Server;
use serde_json::{Value, json};
use std::fmt::Write;

const LATEST: usize = 20;

pub(crate) fn status(server: &Server) -> Value {
    let latest: Vec<Value> = server.ledger.latest(LATEST).iter().map(summary).collect();
    let mut status = json!(server.ledger.counts());
    status["server"] = server.url().into();
    status["latest"] = latest.into();
    status
}

/// Describes a request in one line.
fn summary(entry: &Entry) -> Value {
    let request = &entry.recorded;
    let parameters: Vec<String> = form::pairs(&request.body)
        .iter()
        .map(|(name, value)| format!("{name}={}", shown(name, value)))
        .collect();
    json!({
        "request": format!("{} {}", request.method, request.path),
        "parameters": parameters,
        "answer": entry.outcome,
    })
}

/// Shortens a URN to its end, which tells it apart, and a secret to its beginning.
fn shown(name: &str, value: &str) -> String {
    if name == "subject_token" {
        let beginning: String = value.chars().take(20).collect();
        return if beginning == value {
            value.to_owned()
        } else {
            beginning + "…"
        };
    }
    let urn = value.starts_with("urn:");
    value
        .rsplit(':')
        .next()
        .filter(|_| urn)
        .unwrap_or(value)
        .to_owned()
}

pub(crate) fn html(server: &Server) -> String {
    let counts = server.ledger.counts();
    let mut rows = String::new();
    for (kind, count) in &counts.issued {
        row(&mut rows, &[&format!("issued: {kind}"), &count.to_string()]);
    }
    row(&mut rows, &["refused", &counts.refusals.to_string()]);
    row(&mut rows, &["exchanges in all", &counts.exchanges.to_string()]);
    row(&mut rows, &["connections", &counts.connections.to_string()]);

    let mut latest = String::new();
    for entry in server.ledger.latest(LATEST) {
        let summary = summary(&entry);
        let parameters = summary["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        let text = |name: &str| summary[name].as_str().unwrap_or_default();
        row(&mut latest, &[text("request"), &parameters, text("answer")]);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Connect stand-in</title>\n\
         <style>body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em }}\
         td {{ padding: .2em 1em .2em 0; vertical-align: top; border-top: 1px solid #ddd }}</style></head>\n\
         <body><h1>Connect stand-in</h1>\n<p>CONNECT_SERVER={}</p>\n<table>\n{rows}</table>\n\
         <h2>Latest requests</h2>\n<table>\n{latest}</table>\n</body></html>\n",
        escaped(&server.url())
    )
}

fn row(table: &mut String, cells: &[&str]) {
    table.push_str("<tr>");
    for cell in cells {
        let _ = write!(table, "<td>{}</td>", escaped(cell));
    }
    table.push_str("</tr>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
