//! Sets how the shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Its fork hooks and its threads outlive a `dlclose()`, so it must stay in the process.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
