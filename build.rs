//! How the shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Its fork hooks and its threads outlive a `dlclose()`: it stays in the process.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
