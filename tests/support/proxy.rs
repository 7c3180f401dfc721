//! Runs squid, a real forward proxy. Its option `hosts_file` gives a test's server a name that only the proxy resolves;
//! tinyproxy has no such option.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use connect_standin::Standin;

use super::program::Program;
use super::run;

/// A name for 127.0.0.1 that only the proxy resolves.
pub const NAME: &str = "connect.example.test";
/// Another such name.
pub const OTHER_NAME: &str = "connect.example.org";

pub const USER: &str = "ada";
pub const PASSWORD: &str = "proxy-password-1815";

const PASSWORDS: &str = "\
auth_param basic program /usr/lib/squid/basic_ncsa_auth users
auth_param basic children 1
auth_param basic realm proxy
acl known proxy_auth REQUIRED
http_access allow known
";

/// A running proxy.
pub struct Proxy {
    program: Program,
    port: u16,
}

impl Proxy {
    /// Starts a proxy that accepts every client.
    pub fn start() -> Self {
        Self::with("http_access allow all\n")
    }

    /// Starts a proxy that requires [`USER`] and [`PASSWORD`].
    pub fn with_password() -> Self {
        Self::with(PASSWORDS)
    }

    fn with(access: &str) -> Self {
        let (program, [port]) = Program::start("squid", |directory, [port]| {
            write_files(directory, port, access).expect("the directory is ours");
            let mut command = Command::new("squid");
            command.current_dir(directory).args(["-N", "-f", "squid.conf"]);
            command
        });
        Self { program, port }
    }

    /// Returns the value for a proxy variable.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the value with a user and a password.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Returns the number of client connections.
    pub fn connections(&self) -> usize {
        let log = self.program.read("cache.log");
        let requests = log
            .lines()
            .filter(|line| line.contains("parseHttpRequest: HTTP Client conn"));
        let from = requests.filter_map(|line| line.split(" remote=").nth(1)?.split(' ').next());
        from.collect::<BTreeSet<_>>().len()
    }

    /// Returns the request lines that the proxy received, in order and without `HTTP/1.1`: `CONNECT host:port` or
    /// `POST http://host:port/path`. A request is logged before its response.
    pub fn asked(&self) -> Vec<String> {
        let log = self.program.read("cache.log");
        let requests = log.split("HTTP Client REQUEST:\n---------\n").skip(1);
        requests
            .filter_map(|request| request.lines().next())
            .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
            .collect()
    }
}

/// Returns the URL of `connect` with a name that only the proxy resolves.
pub fn named(connect: &Standin, name: &str) -> String {
    connect.url().replace("127.0.0.1", name)
}

fn write_files(directory: &Path, port: u16, access: &str) -> io::Result<()> {
    // Started as root, squid changes to a different user, which must be able to write here.
    fs::set_permissions(directory, fs::Permissions::from_mode(0o777))?;
    fs::write(
        directory.join("hosts"),
        format!("127.0.0.1 {NAME} {OTHER_NAME}\n"),
    )?;
    let hash = run(Command::new("openssl").args(["passwd", "-apr1", PASSWORD]));
    fs::write(directory.join("users"), format!("{USER}:{hash}"))?;
    let place = directory.display();
    let access = access.replace(" users", &format!(" {place}/users"));
    // Level 2 of section 11 logs a request on arrival; the access log has it only when a tunnel ends.
    fs::write(
        directory.join("squid.conf"),
        format!(
            "http_port 127.0.0.1:{port}
visible_hostname proxy.example.test
hosts_file {place}/hosts
cache_log {place}/cache.log
coredump_dir {place}
debug_options ALL,1 11,2
access_log none
cache_store_log none
pid_filename none
netdb_filename none
pinger_enable off
cache deny all
cache_mem 0
max_filedescriptors 1024
{access}http_access deny all
"
        ),
    )
}
