//! Routes the requests of a connection, and returns regular or ordered responses.

use crate::answer::{self, Answer};
use crate::exchange::Grant;
use crate::hold::Gate;
use crate::manage;
use crate::order::Order;
use crate::queue::Orders;
use crate::record::Recorded;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::vault::guid;
use crate::wire::{Fault, Line};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The service of one connection.
#[derive(Debug)]
pub(crate) struct Service {
    server: Arc<Server>,
    line: Arc<Line>,
    counted: Mutex<Counted>,
}

/// Whether the ledger counts the connection, as it does from the moment of accepting it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Counted {
    OnArrival,
    No,
    Yes,
}

/// A response and its fault on the wire.
struct Outcome {
    answer: Answer,
    fault: Fault,
    words: String,
}

impl Service {
    pub(crate) fn new(server: Arc<Server>, line: Arc<Line>) -> Service {
        Service {
            server,
            line,
            counted: Mutex::new(Counted::OnArrival),
        }
    }

    /// Fails only if the request does not arrive in full.
    pub(crate) async fn serve(&self, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let managing = manage::is_managing(parts.uri.path());
        self.count(managing);
        if managing {
            self.line.answer(Fault::None);
            return Ok(manage::answer(&self.server, &parts, &body));
        }

        let is_exchange = self.is_endpoint(&parts) && parts.method == Method::POST;
        let recorded = Recorded::new(&parts, &body);
        let number = self.server.ledger.arrived(recorded.clone(), is_exchange);
        let mut outcome = if is_exchange {
            self.requested(&self.server.orders, &self.server.gate, &parts, &recorded, &body)
                .await
        } else if parts.method == Method::GET && self.listed_content(&recorded.path).is_some() {
            let (orders, gate) = (&self.server.list_orders, &self.server.list_gate);
            self.requested(orders, gate, &parts, &recorded, &body).await
        } else if self.is_endpoint(&parts) {
            let mut answer = answer::text(405, "Method Not Allowed\n");
            answer::append(&mut answer, "allow", "POST");
            Outcome::plain(answer)
        } else {
            Outcome::plain(answer::not_found())
        };
        if !outcome.answer.headers().contains_key("x-request-id") {
            answer::append(&mut outcome.answer, "x-request-id", &guid());
        }

        let refused = outcome.answer.status().as_u16() >= 400;
        self.server.ledger.answered(number, outcome.words, refused);
        self.line.answer(outcome.fault);
        Ok(outcome.answer)
    }

    fn is_endpoint(&self, parts: &Parts) -> bool {
        parts.uri.path().strip_prefix(self.server.mount.as_str()) == Some(crate::ENDPOINT)
    }

    /// Excludes a connection that only manages the server from the count.
    fn count(&self, managing: bool) {
        let mut counted = self.counted.lock().expect("no holder panics");
        *counted = match (*counted, managing) {
            (Counted::OnArrival, true) => {
                self.server.ledger.not_a_connection();
                Counted::No
            }
            (Counted::No, false) => {
                self.server.ledger.connected();
                Counted::Yes
            }
            (Counted::OnArrival, false) => Counted::Yes,
            (unchanged, _) => unchanged,
        };
    }

    /// Returns the content whose integrations the path lists.
    fn listed_content<'a>(&self, path: &'a str) -> Option<&'a str> {
        let path = path.strip_prefix(self.server.mount.as_str())?;
        let path = path.strip_prefix("/__api__/v1/content/")?;
        path.strip_suffix("/oauth/integrations/associations")
    }

    /// Carries out the orders for an exchange, or for a list.
    async fn requested(
        &self,
        orders: &Orders,
        gate: &Gate,
        parts: &Parts,
        recorded: &Recorded,
        body: &Bytes,
    ) -> Outcome {
        // Dequeued on arrival, so that concurrent requests get their orders in the order of arrival.
        let mut order = orders.take();
        gate.pass().await;
        while let Some(Order::Delay { milliseconds, then }) = order {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            order = then.map(|then| *then);
        }
        match order {
            Some(Order::Silent) => std::future::pending().await,
            Some(order) => self.ordered(order, parts, recorded, body),
            None => self.ordinary(recorded, body, None),
        }
    }

    fn ordinary(&self, recorded: &Recorded, body: &Bytes, order: Option<Order>) -> Outcome {
        let authorization = recorded.header("authorization");
        if recorded.method == "GET"
            && let Some(content) = self.listed_content(&recorded.path)
        {
            let server = &self.server;
            return Outcome::plain(server.associations.list(&server.vault, authorization, content));
        }
        let content_type = recorded
            .header("content-type")
            .and_then(|value| value.split(';').next());
        if content_type.map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Outcome::plain(answer::text(415, "Unsupported Media Type\n"));
        }
        let grant = std::str::from_utf8(body)
            .map_err(|_| Refusal::invalid_request("The body is not UTF-8"))
            .and_then(|body| {
                let server = &self.server;
                Grant::check(&server.vault, &server.associations, authorization, body)
            });
        match grant {
            Err(refusal) => Outcome::refused(&refusal),
            Ok(grant) => {
                let members = match order {
                    Some(Order::Token { expires_in }) => grant.answer_with(&self.server, expires_in),
                    _ => grant.answer(&self.server),
                };
                let token = members.get("access_token").and_then(|token| token.as_str());
                self.server
                    .ledger
                    .issued(grant.kind(), token.unwrap_or_default(), &recorded.body);
                let mut answer = answer::json(200, &members);
                // RFC 6749, section 5.1.
                answer::append(&mut answer, "cache-control", "no-store");
                Outcome {
                    words: format!("200 {}", grant.kind()),
                    ..Outcome::plain(answer)
                }
            }
        }
    }

    fn ordered(&self, order: Order, parts: &Parts, recorded: &Recorded, body: &Bytes) -> Outcome {
        let cut = |left, reset| Outcome {
            fault: Fault::Cut { left, reset },
            words: format!("{} after {left} bytes", if reset { "reset" } else { "closed" }),
            ..self.ordinary(recorded, body, None)
        };
        match order {
            Order::Success(value) => Outcome::plain(answer::json(200, &value)),
            Order::Token { .. } => self.ordinary(recorded, body, Some(order)),
            Order::ConnectError { status, code, error } => {
                Outcome::refused(&Refusal::connect(status, code, &error))
            }
            Order::OldConnectError {
                status,
                error_code,
                error_message,
            } => Outcome::refused(&Refusal::old_connect(status, error_code, &error_message)),
            Order::OAuthError {
                status,
                error,
                description,
                uri,
            } => Outcome::refused(&Refusal::oauth(
                status,
                &error,
                description.as_deref(),
                uri.as_deref(),
            )),
            Order::Raw {
                status,
                headers,
                body,
            } => Outcome::plain(answer::raw(status, &headers, body)),
            Order::Redirect { status, location } => Outcome::plain(answer::raw(
                status,
                &[("location".to_owned(), location)],
                Vec::new(),
            )),
            Order::RetryAfter { status, value } => {
                let mut answer = answer::text(status, "Come back later\n");
                answer::append(&mut answer, "retry-after", &value);
                Outcome::plain(answer)
            }
            Order::Drip { milliseconds } => Outcome {
                fault: Fault::Drip(Duration::from_millis(milliseconds)),
                ..self.ordinary(recorded, body, None)
            },
            Order::CloseBeforeAnswer => cut(0, false),
            Order::ResetBeforeAnswer => cut(0, true),
            Order::CutAfter { bytes, reset } => cut(bytes, reset),
            Order::Echo { status } => Outcome::plain(answer::text(status, echo(parts, recorded))),
            Order::Endless => Outcome {
                words: "200 without end".to_owned(),
                ..Outcome::plain(answer::endless())
            },
            Order::Bytes(bytes) => Outcome {
                words: format!("{} bytes in place of an answer", bytes.len()),
                fault: Fault::Replace(bytes.into()),
                answer: answer::text(200, ""),
            },
            Order::BytesForever { bytes } => {
                // In large pieces, because a short text would cost a system call each.
                let times = (16 * 1024 / bytes.len().max(1)).max(1);
                let whole: Bytes = bytes.repeat(times).into();
                Outcome {
                    words: "bytes without end in place of an answer".to_owned(),
                    fault: Fault::Repeat {
                        left: whole.clone(),
                        whole,
                    },
                    answer: answer::text(200, ""),
                }
            }
            Order::Delay { .. } | Order::Silent => unreachable!("carried out before"),
        }
    }
}

impl Outcome {
    fn plain(answer: Answer) -> Outcome {
        let words = answer.status().to_string();
        Outcome {
            answer,
            fault: Fault::None,
            words,
        }
    }

    fn refused(refusal: &Refusal) -> Outcome {
        let member = |name| refusal.body.get(name).and_then(|value| value.as_str());
        let reason = member("error")
            .or_else(|| member("error_message"))
            .unwrap_or_default();
        let words = format!("{} {reason}", refusal.status);
        Outcome {
            words,
            ..Outcome::plain(answer::json(refusal.status, &refusal.body))
        }
    }
}

fn echo(parts: &Parts, recorded: &Recorded) -> String {
    let mut text = format!("{} {} {:?}\n", recorded.method, recorded.path, parts.version);
    for (name, value) in &recorded.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    text + "\n" + &recorded.body + "\n"
}
