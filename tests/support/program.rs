//! Runs real servers on loopback, each with a temporary directory for all its files.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far above what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);
const TRIES: usize = 10;

/// The process of a server. Dropping it ends the process and removes its directory.
pub struct Program {
    child: Child,
    directory: TempDir,
}

impl Program {
    /// Starts a server that listens on `N` free ports. `command` receives the directory and the ports.
    ///
    /// Another program may take a port first, so a server that ends at once is started again with other ports.
    pub fn start<const N: usize>(
        name: &str,
        mut command: impl FnMut(&Path, [u16; N]) -> Command,
    ) -> (Self, [u16; N]) {
        for _ in 0..TRIES {
            let directory =
                TempDir::with_prefix(format!("connectcreds-{name}-")).expect("a directory can be made");
            let ports = free_ports();
            let output = File::create(directory.path().join("output")).expect("the directory is ours");
            let child = command(directory.path(), ports)
                .stdin(Stdio::null())
                .stdout(output.try_clone().expect("the file is open"))
                .stderr(output)
                .spawn()
                .unwrap_or_else(|why| panic!("{name} cannot be started: {why}"));
            let mut program = Self { child, directory };
            if ports.iter().all(|port| program.comes_to_listen(*port)) {
                return (program, ports);
            }
            eprintln!("{name} ended at once: {}", program.read("output"));
        }
        panic!("{name} does not start");
    }

    /// Waits until the server listens; returns false if it ended instead.
    fn comes_to_listen(&mut self, port: u16) -> bool {
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if self.child.try_wait().expect("it is our child").is_some() {
                return false;
            }
            assert!(began.elapsed() < PATIENCE, "{}", self.read("output"));
            std::thread::sleep(Duration::from_millis(10));
        }
        // The port must belong to this server.
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Returns the content of a file in the directory, empty if there is none.
    pub fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.directory.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}
