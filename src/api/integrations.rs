//! The integrations that are associated with the content, as the Connect server lists them.

#![forbid(unsafe_code)]

use std::sync::{Arc, mpsc};

use super::context::CallContext;
use super::environment::CallEnvironment;
use super::outcome::conclude;
use super::perform::{ask_unless_asking, given_or, no_time_left};
use super::request::Request;
use crate::backend::integration_lists::{Freshness, Listed};
use crate::backend::list_integrations::{self, ListInputs};
use crate::cache::key::{CacheKeyRef, Subject};
use crate::cache::single_flight::InFlight;
use crate::cache::wait::{WaitEnd, timed_out_at, wait};
use crate::config;
use crate::driver;
use crate::env::{CONTENT_GUID, EnvSnapshot};
use crate::error::Error;
use crate::mock;
use crate::oauth::integrations::Integration;
use crate::platform::cancellation::NoCancellation;
use crate::platform::fork::generation;
use crate::platform::sync::Instant;
use crate::text::hash::Part;

/// Returns the integrations that are associated with this content (`CONNECT_CONTENT_GUID`), as the server lists them.
///
/// Blocks as [`service_account_token`](crate::service_account_token) does. A list is kept for five minutes; a request with
/// [`set_force_refresh`](Request::set_force_refresh) asks the server again. The server, the API key, the timeout and the
/// cancel callback of the request are used.
///
/// # Errors
///
/// In this order: no server, no API key, no `CONNECT_CONTENT_GUID` ([`NotSupported`](crate::ErrorKind::NotSupported)); then those
/// of the request, [`Refused`](crate::ErrorKind::Refused) when the API key lacks a publisher's rights.
pub fn integrations(request: &Request) -> Result<Vec<Integration>, Error> {
    conclude(list(request)).map(|listed| listed.list.to_vec())
}

fn list(request: &Request) -> Result<Listed, Error> {
    let context = CallContext::now();
    let environment = CallEnvironment::of(&context);
    // Reads and checks the server and the API key as a call for a token does.
    let asked = CacheKeyRef {
        subject: Subject::Given(Part::new(b"")),
        subject_token_type: "",
        requested_token_type: None,
        server: given_or(&request.server, || environment.server()),
        api_key: given_or(&request.api_key, || environment.api_key()),
        api_key_required: true,
        params: &request.params,
    };
    let (server, api_key) = (asked.server()?.endpoint().clone(), asked.api_key()?);
    let env = EnvSnapshot::take();
    let timeout = request.timeout.unwrap_or_else(config::timeout);
    let deadline = Instant::now() + timeout;
    let in_flight = Arc::new(InFlight::new(generation(), deadline));
    let inputs = ListInputs {
        server,
        api_key: api_key.map(|key| key.as_ref().clone()),
        content: match &environment {
            CallEnvironment::Process => env.get(CONTENT_GUID).to_vec(),
            CallEnvironment::Mock(mocked) => mocked.content_guid().to_vec(),
        },
        env,
        in_flight: in_flight.clone(),
    };
    inputs.key()?;
    let freshness = match request.force_refresh {
        true => Freshness::New,
        false => Freshness::Kept,
    };
    let _guard = NoCancellation::new();
    let cancelled = request.cancelled.clone();
    let ask = cancelled.map(|cancelled| move || ask_unless_asking(&cancelled));
    let no_time = timeout.is_zero();
    if ask.as_ref().is_some_and(|ask| !no_time && ask()) {
        return Err(Error::cancelled());
    }
    if let CallContext::Mock(broker) = &context
        && let Some(listed) = mock::integrations::list(broker.backend(), &inputs, freshness)
    {
        return listed;
    }
    if no_time {
        let kept = list_integrations::kept(&inputs)?.filter(|_| !request.force_refresh);
        let listed = kept.map(|list| Listed { list, was_kept: true });
        return listed.ok_or_else(no_time_left);
    }
    driver::prepare()?;
    let address = inputs.server.address();
    in_flight.join(deadline);
    let (sender, result) = mpsc::channel();
    let own = in_flight.clone();
    let task = async move {
        if let Some(listed) = list_integrations::list_for_caller(inputs, freshness).await {
            // The caller may have left.
            let _ = sender.send(listed);
        }
        // The in-flight exchange only wakes the caller: its result is in the channel.
        own.complete(Err((no_time_left(), None)));
    };
    driver::spawn(&in_flight, Box::pin(task));
    let cancelled = ask.as_ref().map(|ask| ask as &(dyn Fn() -> bool + Send + Sync));
    let waited = wait(deadline, cancelled, |at_most| driver::drive(&in_flight, at_most));
    match waited {
        // This is a child that the cancel callback forked.
        Err(WaitEnd::Forked) => return list(request),
        _ if in_flight.leave() => {
            in_flight.give_up_unless_awaited();
            driver::attention_changed(&in_flight);
        }
        _ => {}
    }
    match waited {
        Err(WaitEnd::Cancelled) => Err(Error::cancelled()),
        _ => result
            .try_recv()
            .unwrap_or_else(|_| Err(timed_out_at(&address, timeout, &in_flight))),
    }
}
