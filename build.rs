//! Sets how the shared library is linked.

use std::env::var;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Mach-O and PE have neither a soname nor `-z`.
    if var("CARGO_CFG_TARGET_OS")
        .is_ok_and(|system| ["linux", "android", "freebsd"].contains(&system.as_str()))
    {
        // Its fork hooks and its threads outlive a `dlclose()`, so it must stay in the process.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // cargo-c sets the same one, as Cargo.toml tells it.
        if var("CARGO_FEATURE_CAPI").is_err() {
            set_soname();
        }
    }
}

/// Sets the soname: the name by which programs ask for the library, and by which the loader knows that a process has it
/// already. The major version alone is in it, because the ABI only grows within one.
fn set_soname() {
    let soname = format!("libconnectcreds.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{soname}");
    for directory in output_directories() {
        link(&directory.join(soname.as_str()));
    }
}

/// Returns where cargo puts the library: `<profile>/` and `<profile>/deps/`, with `OUT_DIR` in `<profile>/build/`.
fn output_directories() -> Vec<PathBuf> {
    let out = PathBuf::from(var("OUT_DIR").expect("cargo sets OUT_DIR"));
    match out.ancestors().nth(3) {
        Some(profile) if out.ancestors().nth(2) == Some(&profile.join("build")) => {
            vec![profile.to_owned(), profile.join("deps")]
        }
        _ => Vec::new(),
    }
}

/// Links the soname to the library beside it, so that a program linked with what cargo built also starts.
fn link(soname: &Path) {
    // A directory that cannot be written, or a system without links, costs this convenience alone.
    #[cfg(unix)]
    let _ = std::os::unix::fs::symlink("libconnectcreds.so", soname);
    #[cfg(not(unix))]
    let _ = soname;
}
