//! A SOCKS proxy (RFC 1928) with a user and a password (RFC 1929) that resolves every name to 127.0.0.1. It is written
//! here because those in Debian resolve names with the system, and the protocol has only two dozen bytes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::proxy::{PASSWORD, USER};

const VERSION: u8 = 5;
const BY_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const NAME: u8 = 3;

/// A running proxy, which ends with the process of the test.
pub struct Socks {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it is bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all_asked = asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let asked = all_asked.clone();
                // A client may disconnect at any time.
                thread::spawn(move || serve(client, &asked));
            }
        });
        Self { port, asked }
    }

    /// Returns the value for a proxy variable; the proxy resolves the names.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        format!("socks5h://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Returns the names and ports to which clients asked it to connect.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

fn serve(mut client: TcpStream, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let [_version, methods] = read(&mut client)?;
    read_vec(&mut client, methods)?;
    client.write_all(&[VERSION, BY_PASSWORD])?;

    let [_version, length] = read(&mut client)?;
    let user = read_vec(&mut client, length)?;
    let [length] = read(&mut client)?;
    let password = read_vec(&mut client, length)?;
    let known = user == USER.as_bytes() && password == PASSWORD.as_bytes();
    client.write_all(&[1, u8::from(!known)])?;
    if !known {
        return Ok(());
    }

    let [_version, command, _reserved, kind, length] = read(&mut client)?;
    if (command, kind) != (CONNECT, NAME) {
        return client.write_all(&[VERSION, 8, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    let name = String::from_utf8_lossy(&read_vec(&mut client, length)?).into_owned();
    let port = u16::from_be_bytes(read(&mut client)?);
    asked
        .lock()
        .expect("nobody panics")
        .push(format!("{name}:{port}"));
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(&[VERSION, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;

    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Write)
}

fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_vec(client: &mut TcpStream, length: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.into()];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}
