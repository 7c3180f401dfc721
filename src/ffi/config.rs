//! What a host sets for the whole process.

use super::{CC_OK, cc_status, shield};
use crate::config;
use crate::realm;

/// Sets how many questions the cache remembers. What is over the new bound goes at once: first what has expired, then
/// what was used least recently.
///
/// @param entries  0: back to the default, 10,000
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_cache_capacity(entries: usize) -> cc_status {
    shield((), || {
        config::set_cache_capacity(entries);
        realm::make_room();
    });
    CC_OK
}

/// Sets how long a token is kept when neither the server nor the token itself says how long it lives.
///
/// @param seconds  0: back to the default, 600
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_default_lifetime_s(seconds: u32) -> cc_status {
    config::set_default_lifetime_s(seconds);
    CC_OK
}

/// Sets whether a token is renewed in the background when it comes near its end, which never happens inside a mock. When off, the call that finds it too
/// late waits for the next one.
///
/// @param on  true is the default
/// @return CC_OK. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn cc_config_set_background_refresh(on: bool) -> cc_status {
    config::set_background_refresh(on);
    CC_OK
}
