//! Hashes of cache keys. The table compares keys after their hashes, so that nothing depends on a hash being hard to guess.

#![forbid(unsafe_code)]

use std::hash::BuildHasher;
use std::ptr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::text::secret::Secret;

/// Returns the hash of `bytes`.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(bytes)
}

/// Combines hashes, each of which is well mixed: one multiplication for each is enough.
pub(crate) fn combine<const N: usize>(hashes: [u64; N]) -> u64 {
    // 2 to the 64th, divided by the golden ratio.
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    hashes.into_iter().fold(0, |so_far, hash| {
        (so_far ^ hash).wrapping_mul(ODD).rotate_left(32)
    })
}

/// Text with its hash, so that a cache hit does not compute the hash again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    /// Shared with the cache keys that it is part of.
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
            bytes: self.text.as_bytes(),
            hash: self.hash,
            shared: Some(&self.text),
        }
    }
}

/// One part of a cache key: bytes of the caller or the environment, not validated yet, and their hash. Empty: not given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub bytes: &'a [u8],
    pub hash: u64,
    /// The same text, when it belongs to a request.
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

    /// Returns this part for a cache key that is kept. `text` is the part, validated.
    pub fn keep(self, text: &str) -> Arc<Secret> {
        self.shared
            .cloned()
            .unwrap_or_else(|| Arc::new(Secret::new(text)))
    }

    /// Returns whether the part equals one that was kept: at once when both come from one request.
    #[inline]
    pub fn is(&self, kept: &Arc<Secret>) -> bool {
        self.shared.is_some_and(|shared| ptr::eq(&**shared, &**kept)) || self.bytes == kept.as_bytes()
    }
}
