//! HTTP responses.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body as HttpBody, Frame};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(crate) type Body = Either<Full<Bytes>, Endless>;
pub(crate) type Answer = Response<Body>;

/// The beginning of a JSON string that never ends.
#[derive(Debug, Default)]
pub(crate) struct Endless {
    begun: bool,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const MORE: &[u8] = &[b'x'; 8192];
        let first = !std::mem::replace(&mut self.begun, true);
        let bytes = if first { br#"{"access_token": ""# } else { MORE };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes)))))
    }
}

/// If the ordered status is invalid, the response reports the mistake of the order.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) fn with_type(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status(code);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

pub(crate) fn json(code: u16, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("values of this crate have string keys");
    with_type(code, "application/json", body)
}

pub(crate) fn text(code: u16, body: impl Into<String>) -> Answer {
    with_type(code, "text/plain; charset=utf-8", body.into())
}

pub(crate) fn html(code: u16, body: impl Into<String>) -> Answer {
    with_type(code, "text/html; charset=utf-8", body.into())
}

pub(crate) fn endless() -> Answer {
    let mut answer = Response::new(Either::Right(Endless::default()));
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Sets exactly these header fields, except any that HTTP cannot carry.
pub(crate) fn raw(code: u16, headers: &[(String, String)], body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status(code);
    for (name, value) in headers {
        append(&mut answer, name, value);
    }
    answer
}

pub(crate) fn append(answer: &mut Answer, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::from_bytes(value.as_bytes());
    if let (Ok(name), Ok(value)) = (name, value) {
        answer.headers_mut().append(name, value);
    }
}

pub(crate) fn not_found() -> Answer {
    html(
        404,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Page not found</title></head>\n\
         <body><h1>404</h1><p>The requested page does not exist on this server.</p></body></html>\n",
    )
}
