//! Hashes for a table that decides by equality: nothing depends on their being hard to guess.

#![forbid(unsafe_code)]

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::secret::Secret;

/// The hash of some bytes.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(bytes)
}

/// The hash of hashes.
pub(crate) fn combine<const N: usize>(hashes: [u64; N]) -> u64 {
    FixedState::with_seed(0).hash_one(hashes)
}

/// Text whose hash is known, so that a hit does not compute it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    text: Secret,
    hash: u64,
}

impl Hashed {
    pub fn new(text: &str) -> Self {
        Self {
            text: Secret::new(text),
            hash: hash(text.as_bytes()),
        }
    }

    pub fn part(&self) -> Part<'_> {
        Part {
            bytes: self.text.expose().as_bytes(),
            hash: self.hash,
        }
    }
}

/// Bytes of the caller's or the environment's, not looked at yet, with their hash. Empty: not given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub bytes: &'a [u8],
    pub hash: u64,
}

impl<'a> Part<'a> {
    pub const NONE: Self = Self { bytes: &[], hash: 0 };

    pub fn of(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            Self::NONE
        } else {
            Self {
                bytes,
                hash: hash(bytes),
            }
        }
    }
}
