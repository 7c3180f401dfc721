//! Hashes for a table that decides by equality: nothing depends on their being hard to guess.

#![forbid(unsafe_code)]

use std::hash::BuildHasher;
use std::ptr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::text::secret::Secret;

/// The hash of some bytes.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(bytes)
}

/// The hash of hashes, which are mixed well already: a multiplication for each is enough.
pub(crate) fn combine<const N: usize>(hashes: [u64; N]) -> u64 {
    // 2 to the 64th, divided by the golden ratio.
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    hashes.into_iter().fold(0, |so_far, hash| {
        (so_far ^ hash).wrapping_mul(ODD).rotate_left(32)
    })
}

/// Text whose hash is known, so that a hit does not compute it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    /// Shared with the keys of the questions that it is part of.
    text: Arc<Secret>,
    hash: u64,
}

impl Hashed {
    pub fn new(text: &str) -> Self {
        Self {
            text: Arc::new(Secret::new(text)),
            hash: hash(text.as_bytes()),
        }
    }

    pub fn part(&self) -> Part<'_> {
        Part {
            bytes: self.text.expose().as_bytes(),
            hash: self.hash,
            shared: Some(&self.text),
        }
    }
}

/// Bytes of the caller's or the environment's, not looked at yet, with their hash. Empty: not given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub bytes: &'a [u8],
    pub hash: u64,
    /// The same, when it is a request's.
    shared: Option<&'a Arc<Secret>>,
}

impl<'a> Part<'a> {
    pub const NONE: Self = Self {
        bytes: &[],
        hash: 0,
        shared: None,
    };

    pub fn new(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            Self::NONE
        } else {
            Self {
                bytes,
                hash: hash(bytes),
                shared: None,
            }
        }
    }

    /// To be kept: `text` is this part, found to be text.
    pub fn keep(self, text: &str) -> Arc<Secret> {
        self.shared
            .cloned()
            .unwrap_or_else(|| Arc::new(Secret::new(text)))
    }

    /// Whether it is what was kept; quicker when it was kept from the same request.
    pub fn is(self, kept: &Arc<Secret>) -> bool {
        self.shared.is_some_and(|shared| ptr::eq(&**shared, &**kept))
            || self.bytes == kept.expose().as_bytes()
    }
}
