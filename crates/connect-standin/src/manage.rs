//! Paths for people, and for tests that are not written in Rust. They are outside the mount, and
//! their requests are not counted.

use crate::answer::{self, Answer};
use crate::integrations::{Integration, Listing};
use crate::order::{ConnectionOrder, Order};
use crate::page;
use crate::server::Server;
use bytes::Bytes;
use hyper::Method;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const PREFIX: &str = "/__standin__/";

pub(crate) fn is_managing(path: &str) -> bool {
    path == "/" || path.starts_with(PREFIX)
}

pub(crate) fn answer(server: &Server, parts: &Parts, body: &Bytes) -> Answer {
    let path = parts.uri.path();
    let name = path.strip_prefix(PREFIX).unwrap_or(path);
    match (&parts.method, name) {
        (&Method::GET, "/") => answer::html(200, page::html(server)),
        (&Method::GET, "status.json") => answer::json(200, &page::status(server)),
        (&Method::GET, "requests") => answer::json(200, &server.ledger.requests()),
        (&Method::POST, "order") => done(order(server, body)),
        (&Method::POST, "integrations") => done(integrations(server, body)),
        (&Method::POST, "advance") => done(advance(server, body)),
        (&Method::POST, "rotate") => done(
            server
                .vault
                .rotate_content_token()
                .map_err(|error| error.to_string()),
        ),
        (&Method::POST, "reset") => {
            server.ledger.reset();
            done(Ok(()))
        }
        _ => answer::not_found(),
    }
}

fn done(result: Result<(), String>) -> Answer {
    match result {
        Ok(()) => answer::json(200, &json!({"ok": true})),
        Err(error) => answer::json(400, &json!({"error": error})),
    }
}

fn advance(server: &Server, body: &Bytes) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Advance {
        seconds: u64,
    }
    let Advance { seconds } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    server.clock.advance(Duration::from_secs(seconds));
    Ok(())
}

/// Sets the integrations, whether they are listed, or both.
fn integrations(server: &Server, body: &Bytes) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Change {
        integrations: Option<Vec<Integration>>,
        listing: Option<Listing>,
    }
    let change: Change = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if let Some(integrations) = change.integrations {
        server.associations.set(integrations);
    }
    if let Some(listing) = change.listing {
        server.associations.set_listing(listing);
    }
    Ok(())
}

/// How to queue an order.
enum Command {
    Next(usize, Order),
    Always(Option<Order>),
    Connection(usize, ConnectionOrder),
}

/// One order or an array of orders. If one is invalid, none is queued.
fn order(server: &Server, body: &Bytes) -> Result<(), String> {
    let orders = match serde_json::from_slice(body).map_err(|error| error.to_string())? {
        Value::Array(orders) => orders,
        order => vec![order],
    };
    for command in orders.into_iter().map(command).collect::<Result<Vec<_>, _>>()? {
        match command {
            Command::Next(times, order) => server.orders.push(times, order),
            Command::Always(order) => server.orders.always(order),
            Command::Connection(times, order) => server.orders.push_connection(times, order),
        }
    }
    Ok(())
}

/// `{"always": …}` with an order or null, or an order with an optional number of `times`.
fn command(mut value: Value) -> Result<Command, String> {
    let members = value.as_object_mut().ok_or("an order is a JSON object")?;
    if let Some(order) = members.remove("always") {
        return if members.is_empty() {
            parse(order).map(Command::Always)
        } else {
            Err("always stands alone".into())
        };
    }
    let times = members.remove("times").map(parse).transpose()?.unwrap_or(1);
    if members.contains_key("connection") {
        parse(value).map(|order| Command::Connection(times, order))
    } else {
        parse(value).map(|order| Command::Next(times, order))
    }
}

fn parse<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}
