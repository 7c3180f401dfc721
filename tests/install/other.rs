//! Another static library of Rust, for a program that links two: with the standard library, threads and panics.

/// Returns 42, by ways on which the standard library is needed.
#[unsafe(no_mangle)]
pub extern "C" fn other_answer() -> i32 {
    let answer = std::thread::spawn(|| format!("{}{}", 4, 2).parse().unwrap_or_default());
    let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(())));
    if caught.is_err() { answer.join().unwrap_or_default() } else { 0 }
}
