//! The report for a bug ticket: what the library sees of its surroundings, and the last errors. It contains no secret, and
//! the value of no variable but the server's address.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;
use url::Url;

use super::context::CallContext;
use crate::backend::integration_lists::List;
use crate::cache::broker::Stats;
use crate::env::{
    self, API_KEY, CONTENT_TOKEN, CONTENT_TOKEN_FILE, EnvSnapshot, Environment, POSIT_PRODUCT,
    RSTUDIO_PRODUCT, SERVER, Variable,
};
use crate::error::{Error, ErrorKind};
use crate::http::proxy::Route;
use crate::http::tls::authorities;
use crate::oauth::endpoint::CredentialEndpoint;
use crate::oauth::integration_choice::described;
use crate::platform::clock::Moment;
#[cfg(target_os = "linux")]
use crate::platform::copies::library_copies;
use crate::platform::os::variable;
use crate::platform::per_process::PerProcess;
use crate::settings;

/// Variables that the library reads, in the order in which they are reported.
const VARIABLES: [&CStr; 20] = [
    c"POSIT_PRODUCT",
    c"RSTUDIO_PRODUCT",
    c"CONNECT_SERVER",
    c"CONNECT_API_KEY",
    c"CONNECT_CONTENT_GUID",
    c"CONNECT_CONTENT_SESSION_TOKEN",
    c"CONNECT_CONTENT_SESSION_TOKEN_FILE",
    c"CONNECT_CA_CERTIFICATE",
    c"SSL_CERT_FILE",
    c"SSL_CERT_DIR",
    c"HTTPS_PROXY",
    c"https_proxy",
    c"HTTP_PROXY",
    c"http_proxy",
    c"ALL_PROXY",
    c"all_proxy",
    c"NO_PROXY",
    c"no_proxy",
    c"REQUEST_METHOD",
    c"CONNECTCREDS_DEBUG",
];

/// The last error of a kind, and its time.
struct Last {
    unix_s: i64,
    message: String,
}

/// Per process: a forked child begins with none.
static LAST: PerProcess<Mutex<BTreeMap<ErrorKind, Last>>> = PerProcess::new(Mutex::default);

/// Records an error that a call ended with.
pub(crate) fn record(why: &Error) {
    let last = Last {
        unix_s: Moment::now().unix_s(),
        message: why.message(),
    };
    let mut lasts = LAST.get().lock().unwrap_or_else(PoisonError::into_inner);
    lasts.insert(why.kind(), last);
}

/// Returns a report for a bug ticket: what the library sees of its surroundings, its settings and counters, and the last
/// error of each kind. It contains no secret. Reads files.
pub fn diagnose() -> String {
    let context = CallContext::now();
    let lists = context.integration_lists();
    report(context.environment(), context.stats(), &lists)
}

/// The report, some forty lines. Reads files: the content token's, certificates.
fn report(environment: Environment, stats: Stats, lists: &[List]) -> String {
    let mut report = Report::default();
    report.line("connectcreds", env!("CARGO_PKG_VERSION"));
    report.line("On Connect", on_connect(environment));
    #[cfg(target_os = "linux")]
    copies(&mut report);
    report.section("Environment variables");
    for name in VARIABLES {
        let set = if variable(name).is_empty() {
            "not set"
        } else {
            "set"
        };
        report.item(&name.to_string_lossy(), set);
    }
    report.section("Connect server");
    network(&mut report);
    report.section("Integrations of the content, as listed in the last five minutes");
    integrations(&mut report, lists);
    report.section("Settings");
    settings(&mut report);
    report.section("Cache counters");
    cache(&mut report, stats);
    report.section("Last error of each kind");
    last_errors(&mut report);
    report.0
}

#[derive(Default)]
struct Report(String);

impl Report {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{name}: {value}");
    }

    fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n{name}");
    }

    fn item(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "  {name}: {value}");
    }

    /// Adds an item whose value is the lines of an error.
    fn error(&mut self, name: &str, message: &str) {
        let mut lines = message.lines();
        self.item(name, lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(self.0, "    {line}");
        }
    }
}

/// Lists the copies of the library in this process. A host that finds a token missing, or a mock without effect, may use
/// another copy than the one that it looks at.
#[cfg(target_os = "linux")]
fn copies(report: &mut Report) {
    report.section("Copies of the library in this process");
    let copies = match library_copies() {
        Ok(copies) => copies,
        Err(why) => return report.item("not known", format_args!("/proc/self cannot be read: {why}")),
    };
    for copy in &copies {
        let this = if copy.is_this { ", this one" } else { "" };
        report.item(&copy.path, format_args!("version {}{this}", copy.version));
    }
    if copies.len() > 1 {
        report.0 += "  Each copy has a cache, settings and mocks of its own. Let all hosts load one: set\n";
        report.0 += "  CONNECTCREDS_LIB for Python, or load the host with the latest version first.\n";
    }
}

fn on_connect(environment: Environment) -> String {
    match (environment, env::product()) {
        (Environment::Mocked, _) => "yes, according to a mock".to_owned(),
        (Environment::Process, Some(variable)) => format!("yes, according to {}", variable.name()),
        (Environment::Process, None) => {
            let [one, other] = [POSIT_PRODUCT, RSTUDIO_PRODUCT].map(Variable::name);
            format!("no, according to {one} and {other}")
        }
    }
}

fn network(report: &mut Report) {
    let server = match std::str::from_utf8(SERVER.bytes()) {
        Ok("") => Err("not set".to_owned()),
        Ok(url) => CredentialEndpoint::parse(url, SERVER.name()).map_err(|why| why.message()),
        Err(_) => Err(format!("{} is not valid UTF-8", SERVER.name())),
    };
    match &server {
        Ok(server) => report.item("address", base(server.endpoint())),
        Err(why) => report.error("address", why),
    }
    let key = if API_KEY.bytes().is_empty() { "none" } else { "set" };
    report.item("API key", key);
    match env::content_token(CONTENT_TOKEN_FILE.bytes(), CONTENT_TOKEN.bytes()) {
        Ok(Some(_)) => report.item("content session token", "set"),
        Ok(None) => report.item("content session token", "none"),
        Err(why) => report.error("content session token", &why.message()),
    }
    let snapshot = EnvSnapshot::take();
    match authorities(&snapshot) {
        Ok(authorities) => report.item("certificate authorities", authorities),
        Err(why) => report.error("certificate authorities", &why.message()),
    }
    match server.ok().map(|server| Route::to(server.endpoint(), &snapshot)) {
        None => {}
        Some(Ok(Route::Direct)) => report.item("way", "direct"),
        Some(Ok(route)) => report.item("way", route.describe().trim_start()),
        Some(Err(why)) => report.error("way", &why.message()),
    }
}

/// The server's address without the path of the endpoint.
fn base(endpoint: &Url) -> String {
    let url = endpoint.as_str();
    let end = url.find("/__api__/").unwrap_or(url.len());
    url[..end].to_owned()
}

/// The lists that calls have looked up: the report itself asks no server.
fn integrations(report: &mut Report, lists: &[List]) {
    if lists.is_empty() {
        report.0 += "  not listed\n";
    }
    for list in lists {
        if list.is_empty() {
            report.0 += "  none\n";
        }
        for line in described(list) {
            let _ = writeln!(report.0, "  {line}");
        }
    }
}

fn settings(report: &mut Report) {
    for (name, setting, unit) in [
        ("timeout of a call", &settings::TIMEOUT_MS, " ms"),
        ("timeout of an attempt", &settings::ATTEMPT_TIMEOUT_MS, " ms"),
        ("timeout of a connection", &settings::CONNECT_TIMEOUT_MS, " ms"),
        ("attempts", &settings::MAX_ATTEMPTS, ""),
        ("default lifetime of a token", &settings::DEFAULT_LIFETIME_S, " s"),
    ] {
        report.item(name, format_args!("{}{unit}", setting.get()));
    }
    report.item("cache capacity", settings::cache_capacity());
    let on = if settings::background_refresh() {
        "on"
    } else {
        "off"
    };
    report.item("background refresh", on);
}

fn cache(report: &mut Report, stats: Stats) {
    for (name, count) in [
        ("hits", stats.hits),
        ("stale hits", stats.stale_hits),
        ("misses", stats.misses),
        ("exchanges", stats.exchanges),
        ("coalesced", stats.coalesced),
        ("failures", stats.failures),
        ("evictions", stats.evictions),
        ("entries", stats.entries),
    ] {
        report.item(name, count);
    }
}

fn last_errors(report: &mut Report) {
    let lasts = LAST.get().lock().unwrap_or_else(PoisonError::into_inner);
    if lasts.is_empty() {
        report.0 += "  none\n";
    }
    for (kind, last) in &*lasts {
        report.error(&format!("{kind:?}, {}", time_of(last.unix_s)), &last.message);
    }
}

/// RFC 3339, in UTC.
fn time_of(unix_s: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(unix_s) else {
        return unix_s.to_string();
    };
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}
