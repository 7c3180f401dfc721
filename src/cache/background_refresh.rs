//! Background refresh: one exchange for the next token, while calls keep using one that expires soon.

#![forbid(unsafe_code)]

use std::sync::Arc;

use super::backend::Backend;
use super::broker::Handle;
use super::key::CacheKey;
use super::leader::Leader;
use super::store::{Admission, TokenCriteria};
use crate::env::EnvSnapshot;
use crate::log;
use crate::platform::fork::generation;

/// Starts the refresh, unless one is in progress or has failed recently. `env` is taken when it starts.
pub(super) fn refresh_in_background<H: Handle>(
    broker: &H,
    key: Arc<CacheKey>,
    env: impl FnOnce() -> Arc<EnvSnapshot>,
) {
    if !broker.backend.refreshes_in_background() {
        return;
    }
    let begin = || broker.in_flight();
    let admission = broker
        .cache
        .write(|cache| cache.enter_early(&key, broker.backend.now(), generation(), begin));
    let Some(Admission::Lead(in_flight, refresh_token)) = admission else {
        return;
    };
    log::debug!("Token expires soon; refreshing in the background");
    Leader::new(broker, key, in_flight.clone(), TokenCriteria::default()).spawn(env(), refresh_token);
    if let Err(why) = broker.backend.unattended(&in_flight) {
        log::warning!("Could not start the background refresh: {why}");
    }
}
