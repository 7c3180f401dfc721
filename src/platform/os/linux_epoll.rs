//! Closes an epoll instance that a forked child inherits, with all that it watches.
//!
//! The instance is found in /proc, because the runtime that made it does not expose its descriptor.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// A socket that an epoll instance watches, by which the instance is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    descriptor: RawFd,
    inode: u64,
}

impl Marker {
    /// `socket` must stay open for the life of the process.
    pub fn new(socket: &impl AsRawFd) -> Option<Self> {
        let descriptor = socket.as_raw_fd();
        inode(descriptor).map(|inode| Self { descriptor, inode })
    }

    /// Closes the instance that watches this socket, the socket, and what else it watches. Does nothing where /proc cannot
    /// be read, or when the socket is not the one that it was.
    pub fn close_all(self) {
        if inode(self.descriptor) != Some(self.inode) {
            return;
        }
        // An instance may have several descriptors.
        let found: Vec<_> = instances()
            .filter(|(_, watched)| watched.contains(&self))
            .collect();
        for (epoll, watched) in found {
            close(epoll);
            for Self {
                descriptor,
                inode: of,
            } in watched
            {
                // It may have been closed by now, and its number taken by another file.
                if inode(descriptor) == Some(of) {
                    close(descriptor);
                }
            }
        }
    }
}

/// Returns the epoll instances of this process, and what each of them watches.
fn instances() -> impl Iterator<Item = (RawFd, Vec<Marker>)> {
    let descriptors = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    descriptors.filter_map(|entry| {
        let is_epoll =
            fs::read_link(entry.path()).is_ok_and(|file| file == Path::new("anon_inode:[eventpoll]"));
        let name = entry.file_name();
        let name = is_epoll.then(|| name.to_str()).flatten()?;
        let watched = fs::read_to_string(format!("/proc/self/fdinfo/{name}")).ok()?;
        Some((
            name.parse().ok()?,
            watched.lines().filter_map(watched_file).collect(),
        ))
    })
}

/// Reads a line such as `tfd:       12 events:       19 data: ff  pos:0 ino:2a sdev:9`.
fn watched_file(line: &str) -> Option<Marker> {
    let descriptor = line.strip_prefix("tfd:")?.split_whitespace().next()?;
    let inode = line
        .split_whitespace()
        .find_map(|field| field.strip_prefix("ino:"))?;
    Some(Marker {
        descriptor: descriptor.parse().ok()?,
        inode: u64::from_str_radix(inode, 16).ok()?,
    })
}

fn inode(descriptor: RawFd) -> Option<u64> {
    let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `status` is valid for the write, and written when zero is returned.
    unsafe { (libc::fstat(descriptor, status.as_mut_ptr()) == 0).then(|| status.assume_init().st_ino) }
}

fn close(descriptor: RawFd) {
    // SAFETY: the value that owns it belongs to the parent, and is never dropped in this process.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    use tokio::runtime::Builder;

    #[test]
    fn what_a_runtime_watches_is_found_and_closed_and_nothing_else() {
        let host = UdpSocket::bind("127.0.0.1:0").unwrap();
        // Never dropped, as an inherited runtime.
        let runtime = Box::leak(Box::new(
            Builder::new_current_thread().enable_io().build().unwrap(),
        ));
        let sockets = {
            let _entered = runtime.enter();
            [(); 2].map(|()| Box::leak(Box::new(tokio::net::UnixDatagram::unbound().unwrap())))
        };
        let markers = sockets.each_ref().map(|socket| Marker::new(*socket).unwrap());
        let of_the_host = Marker::new(&host).unwrap();
        let (epoll, watched) = instances()
            .find(|(_, watched)| watched.contains(&markers[0]))
            .unwrap();
        assert!(watched.contains(&markers[1]) && !watched.contains(&of_the_host));
        assert!(inode(epoll).is_some());
        markers[1].close_all();
        assert!(instances().all(|(_, watched)| !watched.contains(&markers[0])));
        for marker in markers {
            assert_ne!(inode(marker.descriptor), Some(marker.inode));
        }
        assert_eq!(inode(host.as_raw_fd()), Some(of_the_host.inode));
        markers[0].close_all();
    }
}
