//! A minimal HTTP client over a plain socket, so that these tests see every byte.

#![allow(dead_code, reason = "each test file uses its own part")]

use connect_standin::{ENDPOINT, Standin};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const CONTENT: &str = "urn:posit:connect:content-session-token";
pub const VIEWER: &str = "urn:posit:connect:user-session-token";
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
pub const AWS: &str = "urn:ietf:params:aws:token-type:credentials";
pub const API_KEY: &str = "urn:posit:connect:api-key";

pub type Form = Vec<(&'static str, String)>;

pub fn service_account(standin: &Standin) -> Form {
    vec![
        ("grant_type", GRANT.to_owned()),
        ("subject_token_type", CONTENT.to_owned()),
        ("subject_token", standin.content_token().to_owned()),
    ]
}

pub fn viewer(standin: &Standin, who: &str) -> Form {
    vec![
        ("grant_type", GRANT.to_owned()),
        ("subject_token_type", VIEWER.to_owned()),
        ("subject_token", standin.viewer_token(who)),
    ]
}

pub fn with(mut form: Form, name: &'static str, value: &str) -> Form {
    form.retain(|(found, _)| *found != name);
    form.push((name, value.to_owned()));
    form
}

pub fn without(mut form: Form, name: &str) -> Form {
    form.retain(|(found, _)| *found != name);
    form
}

pub fn encoded(form: &Form) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["access_token"]
            .as_str()
            .expect("a token is a string")
            .to_owned()
    }
}

pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// One kept-alive connection.
pub struct Client {
    stream: Box<dyn Stream>,
    authorization: String,
    path: String,
}

impl Client {
    pub fn connect(standin: &Standin) -> io::Result<Client> {
        let socket = socket(standin)?;
        let stream: Box<dyn Stream> = if standin.url().starts_with("https") {
            Box::new(tls(standin, socket)?)
        } else {
            Box::new(socket)
        };
        let mount = &standin.url()[standin.origin().len()..];
        Ok(Client {
            stream,
            authorization: format!("Authorization: Key {}\r\n", standin.api_key()),
            path: format!("{mount}{ENDPOINT}"),
        })
    }

    pub fn exchange(&mut self, form: &Form) -> io::Result<Response> {
        self.send_exchange(form)?;
        self.receive()
    }

    pub fn send_exchange(&mut self, form: &Form) -> io::Result<()> {
        let headers = format!(
            "{}Accept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.authorization
        );
        let path = self.path.clone();
        self.send("POST", &path, &headers, &encoded(form))
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: connect\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes())?;
        self.stream.flush()
    }

    /// Reads one response, up to its Content-Length.
    pub fn receive(&mut self) -> io::Result<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.byte()?);
        }
        let head = String::from_utf8(head).expect("heads are ASCII");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status line");
        let mut response = Response {
            status,
            head,
            body: String::new(),
        };
        let length = response
            .header("content-length")
            .map_or(0, |length| length.parse().expect("a number"));
        let body: io::Result<Vec<u8>> = (0..length).map(|_| self.byte()).collect();
        response.body = String::from_utf8(body?).expect("bodies are UTF-8");
        Ok(response)
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map(|()| byte[0])
    }

    /// Reads until the connection ends, and returns the bytes and how it ended.
    pub fn rest(&mut self) -> (Vec<u8>, io::Result<()>) {
        let mut bytes = Vec::new();
        loop {
            match self.byte() {
                Ok(byte) => bytes.push(byte),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return (bytes, Ok(())),
                Err(error) => return (bytes, Err(error)),
            }
        }
    }
}

pub fn socket(standin: &Standin) -> io::Result<TcpStream> {
    let address = standin
        .origin()
        .rsplit('/')
        .next()
        .expect("an origin has an authority");
    let socket = TcpStream::connect(address)?;
    // A test that hangs fails after this timeout.
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(socket)
}

/// Completes the handshake and verifies the server's certificate with the private authority.
pub fn tls(standin: &Standin, mut socket: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let authority = CertificateDer::from_pem_file(standin.ca_certificate_file()).expect("the file holds PEM");
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("it is an authority's certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("an address is a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

pub fn exchange(standin: &Standin, form: &Form) -> Response {
    Client::connect(standin)
        .and_then(|mut client| client.exchange(form))
        .expect("the server answers")
}

pub fn request(standin: &Standin, method: &str, path: &str, headers: &str, body: &str) -> Response {
    let mut client = Client::connect(standin).expect("the server accepts");
    client
        .send(method, path, headers, body)
        .expect("the server reads");
    client.receive().expect("the server answers")
}
