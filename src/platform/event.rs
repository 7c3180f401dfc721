//! A descriptor that becomes readable once: how an event loop learns that something is done.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Readable from [`set`](Self::set) on. Closing it is final.
#[derive(Debug)]
pub(crate) struct Event(Mutex<Option<Ends>>);

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    /// The other end of a pipe, where the system has nothing better.
    write: Option<OwnedFd>,
}

impl Event {
    pub fn new() -> io::Result<Self> {
        Ok(Self(Mutex::new(Some(open()?))))
    }

    /// The descriptor to wait for; -1 once it is closed.
    pub fn raw(&self) -> RawFd {
        self.ends().as_ref().map_or(-1, |ends| ends.read.as_raw_fd())
    }

    pub fn set(&self) {
        if let Some(ends) = &*self.ends() {
            let to = ends.write.as_ref().unwrap_or(&ends.read).as_raw_fd();
            let one = 1_u64.to_ne_bytes();
            // SAFETY: the buffer has this length, and the descriptor is open. It is written to once, so that it has room.
            unsafe { libc::write(to, one.as_ptr().cast(), one.len()) };
        }
    }

    pub fn close(&self) {
        drop(self.ends().take());
    }

    fn ends(&self) -> MutexGuard<'_, Option<Ends>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn open() -> io::Result<Ends> {
    use std::os::fd::FromRawFd;

    // SAFETY: creates a descriptor, which is owned here.
    let read = unsafe {
        let raw = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(raw)
    };
    Ok(Ends { read, write: None })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open() -> io::Result<Ends> {
    let (read, write) = io::pipe()?;
    Ok(Ends {
        read: read.into(),
        write: Some(write.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_readable(event: &Event) -> bool {
        let mut poll = libc::pollfd {
            fd: event.raw(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid entry.
        unsafe { libc::poll(&mut poll, 1, 0) == 1 }
    }

    #[test]
    fn an_event_is_readable_from_when_it_is_set_until_it_is_closed() {
        let event = Event::new().unwrap();
        assert!(!is_readable(&event));
        event.set();
        assert!(is_readable(&event) && is_readable(&event));
        event.close();
        event.set();
        assert_eq!(event.raw(), -1);
    }
}
