//! Runs a real nginx in front of Connect, as in on-premises installations.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use connect_standin::{Authority, Certificate, Standin};

use super::program::{PATIENCE, Program};

/// The settings of all servers: files in the test's directory, in the foreground, without privileges.
const COMMON: &str = "\
daemon off;
master_process off;
pid pid;
error_log error.log info;
events { worker_connections 256; }
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.1;
    log_format seen '$ssl_protocol $connection $request_method $request_uri $status';
    access_log access.log seen;
";

/// A running nginx. https leads to Connect, at the root and mounted under `/rsc/`, and from `/hops/N/` after `N` redirects.
/// http redirects to https, with a status that the test chooses.
pub struct Nginx {
    program: Program,
    https: u16,
    http: u16,
}

/// The options of an [`Nginx`].
pub struct Builder<'a> {
    connect: &'a Standin,
    protocols: &'a str,
    certificate: Certificate,
    redirect: u16,
    location: Option<String>,
}

/// A request that nginx has responded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `TLSv1.3`; `-` for plain http.
    pub tls: String,
    /// The number of the connection.
    pub connection: String,
    pub method: String,
    pub path: String,
    pub status: u16,
}

impl Nginx {
    /// Returns a builder for an nginx in front of `connect`, with TLS 1.2 and 1.3, a valid certificate and redirects with
    /// 307.
    pub fn before(connect: &Standin) -> Builder<'_> {
        Builder {
            connect,
            protocols: "TLSv1.2 TLSv1.3",
            certificate: Certificate::Good,
            redirect: 307,
            location: None,
        }
    }

    /// `https://127.0.0.1:port`.
    pub fn https(&self) -> String {
        format!("https://{}", self.https_address())
    }

    /// Returns `http://127.0.0.1:port`, which redirects everything.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// Returns host and port of https.
    pub fn https_address(&self) -> String {
        format!("127.0.0.1:{}", self.https)
    }

    /// Returns the PEM file of the private authority that signed the certificate.
    pub fn authority(&self) -> PathBuf {
        self.program.directory().join("ca.pem")
    }

    /// Waits for a number of requests and returns them: nginx logs each a moment after its response.
    #[track_caller]
    pub fn seen(&self, count: usize) -> Vec<Seen> {
        let lines = || self.program.read("access.log").matches('\n').count();
        let began = Instant::now();
        while lines() < count {
            assert!(began.elapsed() < PATIENCE, "{} of {count}", lines());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.program.read("access.log").lines().map(Seen::read).collect()
    }
}

impl Builder<'_> {
    /// Sets the TLS versions: `TLSv1.2`, `TLSv1.3` or both.
    pub fn protocols(mut self, protocols: &'static str) -> Self {
        self.protocols = protocols;
        self
    }

    /// Sets the state of the certificate.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Sets the status of redirects.
    pub fn redirect(mut self, status: u16) -> Self {
        self.redirect = status;
        self
    }

    /// Sets the target of all redirects, of http and https. By default http redirects to https.
    pub fn redirect_to(mut self, status: u16, location: &str) -> Self {
        self.redirect = status;
        self.location = Some(location.to_owned());
        self
    }

    /// Starts nginx, which serves when this returns.
    pub fn start(self) -> Nginx {
        let (program, [https, http]) = Program::start("nginx", |directory, ports| {
            self.write_files(directory, ports).expect("the directory is ours");
            let mut command = Command::new("nginx");
            command
                .arg("-p")
                .arg(directory)
                .args(["-c", "nginx.conf", "-e", "error.log"]);
            command
        });
        Nginx { program, https, http }
    }

    fn write_files(&self, directory: &Path, [https, http]: [u16; 2]) -> std::io::Result<()> {
        let authority = Authority::new()?;
        let signed = authority.sign(self.certificate)?;
        fs::write(directory.join("ca.pem"), authority.pem())?;
        fs::write(directory.join("server.pem"), signed.certificate_pem())?;
        fs::write(directory.join("server.key"), signed.key_pem())?;
        fs::write(directory.join("nginx.conf"), self.configuration(https, http))
    }

    fn configuration(&self, https: u16, http: u16) -> String {
        let mut text = COMMON.to_owned();
        let secure = format!("https://127.0.0.1:{https}");
        let redirect = |to: &str| format!("return {} {to};", self.redirect);
        let everywhere = self.location.as_deref().map(redirect);
        let from_http = redirect(&format!("{secure}$request_uri"));
        let from_http = everywhere.as_ref().unwrap_or(&from_http);
        let _ = write!(
            text,
            "    server {{ listen 127.0.0.1:{http}; location / {{ {from_http} }} }}
    server {{
        listen 127.0.0.1:{https} ssl;
        ssl_protocols {};
        ssl_certificate server.pem;
        ssl_certificate_key server.key;\n",
            self.protocols
        );
        let connect = format!("proxy_pass {}/;", self.connect.url());
        for path in ["/", "/rsc/", "/hops/0/"] {
            let here = everywhere.as_ref().unwrap_or(&connect);
            let _ = writeln!(text, "        location {path} {{ {here} }}");
        }
        for hops in 1..10 {
            let next = redirect(&format!("{secure}/hops/{}/$1", hops - 1));
            let _ = writeln!(text, "        location ~ ^/hops/{hops}/(.*)$ {{ {next} }}");
        }
        text + "    }\n}\n"
    }
}

impl Seen {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ').map(ToOwned::to_owned);
        let mut word = || words.next().expect("a line of the log has five words");
        Self {
            tls: word(),
            connection: word(),
            method: word(),
            path: word(),
            status: word().parse().expect("a number"),
        }
    }
}
