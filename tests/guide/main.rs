//! Builds and runs every snippet of the pages in docs/ and checks what each does.
//!
//! A C, C++ or Rust snippet with a `main` is a program, and so are all snippets of start.md and binding.md. The other
//! snippets define functions: those of one language, from all pages, make one program together with
//! `tests/programs/guide/checks.*`, which calls them inside mocks and prints a line for each page.

#[path = "../support/mod.rs"]
mod support;

mod bindings;
mod claims;
mod fragments;
mod pages;
mod picture;
mod programs;
mod reference;
mod shell;
mod system;
