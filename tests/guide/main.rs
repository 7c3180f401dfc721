//! Builds and runs every snippet of the pages in docs/ and checks what each does.
//!
//! A C, C++ or Rust snippet with a `main` is a program, and so are all snippets of start.md and binding.md. The other
//! snippets define functions: those of one language, from all pages, make one program together with
//! `tests/programs/guide/checks.*`, which calls them inside mocks and prints a line for each page.

#[path = "../support/mod.rs"]
mod support;

mod bindings;
mod fragments;
mod pages;
mod pictures;
mod programs;
mod reference;
mod shell;

/// The library's own rule, which draws the picture.
#[allow(dead_code)]
#[path = "../../src/cache/refresh_policy.rs"]
mod refresh_policy;

#[allow(dead_code)]
#[path = "../../src/platform/clock.rs"]
mod clock;

/// What these two import.
#[allow(dead_code)]
mod platform {
    pub(crate) use crate::clock;

    /// The picture reads no clock.
    pub mod os {
        pub fn wall_clock_ms() -> i64 {
            0
        }
        pub fn monotonic_clock_ms() -> i64 {
            0
        }
    }
}
