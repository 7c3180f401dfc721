//! Any bytes in the variables that the library reads, any certificate bundle and any server URL: nothing crashes, the
//! report reveals no secret, and a URL that is accepted is one to which requests go.

#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use connectcreds::{ErrorKind, Mock, MockResponse, Request, diagnose, workload_token};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "a-password-that-is-secret";

const VARIABLES: [&str; 17] = [
    "POSIT_PRODUCT",
    "RSTUDIO_PRODUCT",
    "CONNECT_SERVER",
    "CONNECT_CONTENT_GUID",
    "CONNECT_CONTENT_SESSION_TOKEN_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
    "CONNECT_API_KEY",
    "CONNECT_CONTENT_SESSION_TOKEN",
];

#[derive(Arbitrary, Debug)]
struct Plan {
    variables: Vec<(u8, Value)>,
    bundle: Option<Bundle>,
    server_url: String,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Bytes(Vec<u8>),
    /// A proxy with a password, in the forms that people write.
    Proxy {
        scheme: u8,
        user: String,
        host: String,
    },
    Server(String),
}

#[derive(Arbitrary, Debug)]
enum Bundle {
    Bytes(Vec<u8>),
    /// PEM around any bytes.
    Pem(String, Vec<u8>),
}

impl Value {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Proxy { scheme, user, host } => {
                let schemes = [
                    "",
                    "http://",
                    "https://",
                    "socks5://",
                    "socks5h://",
                    "HTTP://",
                    "ftp://",
                ];
                let scheme = schemes[usize::from(*scheme) % schemes.len()];
                format!("{scheme}{user}:{SECRET}@{host}").into_bytes()
            }
            Self::Server(host) => format!("https://{host}").into_bytes(),
        }
    }
}

/// A file of this process that holds the bundle.
fn bundle_file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| std::env::temp_dir().join(format!("connectcreds-fuzz-{}.pem", std::process::id())))
}

/// Sets the variables of `plan` alone. Whatever else it names, no file that blocks is read.
fn set_environment(plan: &Plan) {
    for name in VARIABLES {
        // SAFETY: the fuzzer has one thread.
        unsafe { std::env::remove_var(name) };
    }
    for (number, value) in &plan.variables {
        let name = VARIABLES[usize::from(*number) % VARIABLES.len()];
        let until_nul = |bytes: Vec<u8>| bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let value = until_nul(value.bytes());
        if name.ends_with("_FILE") || name.ends_with("_DIR") {
            // A path of a device or a FIFO is the user's own mistake.
            let path = bundle_file().join(OsStr::from_bytes(&value).to_string_lossy().replace("..", ""));
            // SAFETY: as above.
            unsafe { std::env::set_var(name, path) };
            continue;
        }
        // SAFETY: as above.
        unsafe { std::env::set_var(name, OsStr::from_bytes(&value)) };
    }
    let bundle = match &plan.bundle {
        None => Vec::new(),
        Some(Bundle::Bytes(bytes)) => bytes.clone(),
        Some(Bundle::Pem(label, bytes)) => {
            let base64 = base64(bytes);
            format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n").into_bytes()
        }
    };
    std::fs::write(bundle_file(), bundle).expect("a temporary file");
    // SAFETY: as above. Always set, because the system's certificates take a hundred times as long to read.
    unsafe { std::env::set_var("SSL_CERT_FILE", bundle_file()) };
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = three
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for digit in 0..=chunk.len() {
            text.push(DIGITS[bits >> (18 - 6 * digit) & 63].into());
        }
        text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
    }
    text
}

fuzz_target!(|plan: Plan| {
    set_environment(&plan);
    let report = diagnose();
    // What follows a name of the report is never the value of a proxy or of a secret.
    assert!(!report.contains(SECRET), "{report}");
    // Reads the bundle once more, and reports what is wrong with it.
    if let Err(why) = connectcreds::config::set_ca_bundle(Some(bundle_file())) {
        assert!(
            matches!(why.kind(), ErrorKind::Tls | ErrorKind::InvalidArgument),
            "{why:?}"
        );
    }
    connectcreds::config::set_ca_bundle(None).expect("the default");
    let _ = connectcreds::running_on_connect();

    let mut request = Request::new();
    if request.set_server_url(&plan.server_url).is_err() || plan.server_url.is_empty() {
        return;
    }
    let _mock = Mock::function(|request| {
        let url = request.url();
        assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
        assert!(
            url.ends_with("/__api__/v1/oauth/integrations/credentials"),
            "{url}"
        );
        assert!(
            !url.contains('@') || !url.split('/').nth(2).unwrap_or_default().contains('@'),
            "{url}"
        );
        MockResponse::json(200, r#"{"access_token":"t"}"#).ok()
    });
    let token = workload_token(&request);
    assert!(token.is_ok(), "{token:?} for {:?}", plan.server_url);
});
