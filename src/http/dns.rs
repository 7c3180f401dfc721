//! Name resolution on a thread whose signals are blocked: the system's resolver can not be abandoned, and the host's
//! signal handlers must not run on a thread of ours.

#![forbid(unsafe_code)]

use std::net::ToSocketAddrs;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::platform::signals::without_signals;

pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        // The port is set by the client.
        let look_up = move || (name.as_str(), 0).to_socket_addrs();
        let looked_up = without_signals(|| tokio::task::spawn_blocking(look_up));
        Box::pin(async move {
            let addresses: Addrs = Box::new(looked_up.await??);
            Ok(addresses)
        })
    }
}
