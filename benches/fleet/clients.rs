//! The rules of the clients: this library's own, and those of others as their sources state them.

use std::time::Duration;

use connectcreds::fleet::{Call, Next, Process, Response};

use crate::random::Random;
use crate::server::{LIFETIME_MS, SECOND_MS};

/// One process with one service account's token. It makes one call at a time.
pub trait Client {
    /// Makes a call.
    fn call(&mut self, now_ms: i64) -> Call;
    /// An attempt at the exchange is made.
    fn attempt(&mut self, now_ms: i64);
    /// The attempt brought this; `None`: no connection.
    fn answered(&mut self, now_ms: i64, response: Option<&Response>, random: &mut Random) -> Next;
}

/// This library: its own code.
impl Client for Process {
    fn call(&mut self, now_ms: i64) -> Call {
        Process::call(self, now_ms)
    }

    fn attempt(&mut self, now_ms: i64) {
        Process::attempt(self, now_ms);
    }

    fn answered(&mut self, now_ms: i64, response: Option<&Response>, random: &mut Random) -> Next {
        Process::answered(self, now_ms, response, || random.unit())
    }
}

/// The rules of a client whose calls make their exchanges themselves.
pub struct Rules {
    /// With less of its lifetime left, a token is replaced before it is used; `None`: no token is ever kept.
    margin_ms: Option<i64>,
    /// With less left, a call fails when the exchange does; with more, it gets the old token.
    needed_ms: i64,
    /// For so long after an exchange, a token that has not expired is used without another one.
    pause_ms: i64,
    /// The token is dropped before the exchange for the next one.
    drops_token: bool,
    /// The pause before another attempt.
    retry: fn(attempt: u32, response: Option<&Response>, random: &mut Random) -> Option<f64>,
}

/// posit-sdk 0.17: every call is an exchange, and none is repeated.
pub const POSIT_SDK: Rules = Rules {
    margin_ms: None,
    needed_ms: LIFETIME_MS,
    pause_ms: 0,
    drops_token: false,
    retry: |_, _, _| None,
};

/// connectcreds on httr2 1.3: a token with 30 seconds left is removed from the cache, and then a new one is asked for, once.
pub const HTTR2: Rules = Rules {
    margin_ms: Some(30 * SECOND_MS),
    needed_ms: 30 * SECOND_MS,
    pause_ms: 0,
    drops_token: true,
    retry: |_, _, _| None,
};

/// google-auth 2.63: a token is replaced 225 seconds before it expires, and a call fails with the exchange. Three attempts
/// at what the server rejected for the moment, with pauses of one and two seconds, a tenth more or less; none without a
/// connection. `Retry-After` is not read.
pub const GOOGLE_AUTH: Rules = Rules {
    margin_ms: Some(225 * SECOND_MS),
    needed_ms: 225 * SECOND_MS,
    pause_ms: 0,
    drops_token: false,
    retry: |attempt, response, random| {
        response?;
        let pause_s = f64::from(1 << (attempt - 1));
        (attempt < 3).then(|| pause_s * (0.9 + 0.2 * random.unit()))
    },
};

/// azure-identity 1.27 on azure-core 1.41: a token is replaced 300 seconds before it expires, not within 30 seconds of the
/// last exchange, and an exchange that fails leaves the old token until it expires. Three more attempts: as the server's
/// `Retry-After` says, or after 0, 1.6 and 3.2 seconds without a connection.
pub const AZURE_IDENTITY: Rules = Rules {
    margin_ms: Some(300 * SECOND_MS),
    needed_ms: 0,
    pause_ms: 30 * SECOND_MS,
    drops_token: false,
    retry: |attempt, response, _| {
        let pause_s = match response {
            Some(response) => response.retry_after_s? as f64,
            None if attempt == 1 => 0.0,
            None => 0.8 * f64::from(1 << (attempt - 1)),
        };
        (attempt <= 3).then_some(pause_s)
    },
};

/// botocore 1.44: credentials are replaced 15 minutes before they expire; an exchange that fails leaves the old ones until 10
/// minutes before. Five attempts, with random pauses of at most 1, 2, 4 and 8 seconds. `Retry-After` is not read.
pub const BOTOCORE: Rules = Rules {
    margin_ms: Some(900 * SECOND_MS),
    needed_ms: 600 * SECOND_MS,
    pause_ms: 0,
    drops_token: false,
    retry: |attempt, _, random| (attempt < 5).then(|| random.unit() * f64::from(1 << (attempt - 1))),
};

/// A process with such rules.
pub struct Other {
    rules: &'static Rules,
    expires_ms: Option<i64>,
    exchanged_ms: Option<i64>,
    asked_ms: i64,
    attempts: u32,
}

impl Other {
    pub fn new(rules: &'static Rules) -> Self {
        Self {
            rules,
            expires_ms: None,
            exchanged_ms: None,
            asked_ms: 0,
            attempts: 0,
        }
    }

    fn left_ms(&self, now_ms: i64) -> i64 {
        self.expires_ms.map_or(0, |expires_ms| expires_ms - now_ms)
    }
}

impl Client for Other {
    fn call(&mut self, now_ms: i64) -> Call {
        let left_ms = self.left_ms(now_ms);
        let paused = self
            .exchanged_ms
            .is_some_and(|then| now_ms - then < self.rules.pause_ms);
        if let Some(margin_ms) = self.rules.margin_ms
            && (left_ms > margin_ms || (left_ms > 0 && paused))
        {
            return Call::Served;
        }
        if self.rules.drops_token {
            self.expires_ms = None;
        }
        self.exchanged_ms = Some(now_ms);
        self.attempts = 0;
        Call::Waits
    }

    fn attempt(&mut self, now_ms: i64) {
        self.attempts += 1;
        self.asked_ms = now_ms;
    }

    fn answered(&mut self, now_ms: i64, response: Option<&Response>, random: &mut Random) -> Next {
        if response.is_some_and(|response| response.status == 200) {
            self.expires_ms = Some(self.asked_ms + LIFETIME_MS);
            return Next::End(true);
        }
        match (self.rules.retry)(self.attempts, response, random) {
            Some(pause_s) => Next::Attempt(Duration::from_secs_f64(pause_s)),
            None => Next::End(self.left_ms(now_ms) > self.rules.needed_ms),
        }
    }
}
