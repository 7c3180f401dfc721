//! A service that takes a token: an HTTP server on loopback that answers as it is told and keeps what it was sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Its thread ends after the last answer, or when it is dropped.
pub struct Service {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts a service whose answers have these statuses, one after the other.
    pub fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            for (index, status) in statuses.iter().enumerate() {
                let Ok((connection, _)) = listener.accept() else {
                    return;
                };
                // Nothing is sent when it is dropped.
                let Some(head) = read_head(&connection) else {
                    return;
                };
                // Before the answer: who has that may ask for this.
                record.lock().unwrap_or_else(PoisonError::into_inner).push(head);
                answer(&connection, *status, index + 1);
            }
        });
        Self {
            address,
            requests,
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/data", self.address)
    }

    /// The heads of the requests that were answered.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Reads a request, which has no body.
fn read_head(connection: &TcpStream) -> Option<String> {
    connection
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a time");
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn answer(mut connection: &TcpStream, status: u16, number: usize) {
    let body = format!("response {number}\n");
    let answer = format!(
        "HTTP/1.1 {status} Told\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // A client that left is not this server's concern.
    let _ = connection.write_all(answer.as_bytes());
}

impl Drop for Service {
    fn drop(&mut self) {
        // Wakes the thread if it waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
