//! The ABI only grows: programs and bindings that were built against an earlier header run on today's library.
//!
//! `tests/abi/recorded` is the ABI as it was last recorded, `tests/abi/first` the header of the first release. After an
//! addition:
//!
//! ```sh
//! UPDATE_ABI=additions cargo test --test abi -- --ignored abi_is_as_recorded
//! ```
//!
//! `UPDATE_ABI=breaks` records any change: a new major version. `UPDATE_ABI=first` does so too and makes today's header
//! that of the first release: until 0.1.0 is released.

#[path = "../support/mod.rs"]
mod support;

mod description;
mod first;
mod macros;
mod planted;
mod versions;

use std::path::PathBuf;

use description::{Abi, Difference, functions};
use support::root;

fn include() -> PathBuf {
    root().join("include")
}

fn recorded() -> PathBuf {
    root().join("tests/abi/recorded")
}

fn first() -> PathBuf {
    root().join("tests/abi/first")
}

#[test]
#[ignore = "needs abidiff (abigail-tools); tests/run runs it"]
fn abi_is_as_recorded() {
    let today = Abi::declared(&include(), "today");
    let wanted = std::env::var("UPDATE_ABI").unwrap_or_default();
    if wanted == "first" {
        std::fs::copy(include().join("connectcreds.h"), first().join("connectcreds.h")).expect("copied");
    }
    if wanted == "first" || wanted == "breaks" {
        today.record(&recorded());
    }
    match today.since(&Abi::recorded(recorded())) {
        Difference::None => {}
        Difference::Additions(_) if wanted == "additions" => today.record(&recorded()),
        Difference::Additions(report) => panic!(
            "The header has more than tests/abi/recorded. Record it with\n  \
             UPDATE_ABI=additions cargo test --test abi -- --ignored abi_is_as_recorded\n{report}"
        ),
        Difference::Break(report) => panic!(
            "Programs that were built before may no longer run: not an addition. If that is meant, see the top of \
             tests/abi/main.rs.\n{report}"
        ),
    }
}

/// A record can be replaced; what was released cannot.
#[test]
#[ignore = "needs abidiff (abigail-tools); tests/run runs it"]
fn abi_has_all_of_the_first_release() {
    let released = Abi::declared(&first(), "first");
    let difference = Abi::declared(&include(), "later").since(&released);
    assert!(!matches!(difference, Difference::Break(_)), "{difference:?}");
}

/// None was missed by the reader of declarations.
#[test]
fn every_exported_function_is_described() {
    let listed = std::fs::read_to_string(root().join("tests/symbols.txt")).expect("the list is there");
    assert_eq!(functions(&include()), listed.lines().collect::<Vec<_>>());
}
