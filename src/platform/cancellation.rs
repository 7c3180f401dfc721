//! POSIX thread cancellation: `pthread_cancel` unwinds a thread that waits, and must not unwind frames of Rust.

#![allow(unsafe_code)]

/// While it lives, this thread is not cancelled; a cancellation that was requested takes effect afterwards.
pub(crate) struct NoCancellation {
    #[cfg(unix)]
    before: libc::c_int,
}

#[cfg(unix)]
mod system {
    use std::ffi::c_int;

    /// cbindgen:ignore
    #[cfg(not(target_vendor = "apple"))]
    pub const DISABLE: c_int = 1;
    /// cbindgen:ignore
    #[cfg(target_vendor = "apple")]
    pub const DISABLE: c_int = 0;

    // cbindgen:ignore
    unsafe extern "C" {
        pub fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }
}

impl NoCancellation {
    #[cfg(unix)]
    pub fn new() -> Self {
        let mut before = 0;
        // SAFETY: `before` is valid for the write.
        unsafe { system::pthread_setcancelstate(system::DISABLE, &mut before) };
        Self { before }
    }

    #[cfg(not(unix))]
    pub fn new() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for NoCancellation {
    fn drop(&mut self) {
        // SAFETY: the state is one that the system returned; a null pointer is allowed.
        unsafe { system::pthread_setcancelstate(self.before, std::ptr::null_mut()) };
    }
}
