//! The command line: serves until interrupted, or while a command runs.

use crate::Standin;
use clap::Parser;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::process::Command;

/// A stand-in for Posit Connect's OAuth credential endpoint
#[derive(Debug, Parser)]
#[command(name = "connect-standin")]
struct Options {
    /// TCP port on 127.0.0.1; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve HTTPS, under a private certificate authority
    #[arg(long)]
    tls: bool,
    /// How long tokens live
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    lifetime: u64,
    /// Path that Connect is mounted under, such as /rsc
    #[arg(long, value_name = "PATH", default_value = "")]
    mount: String,
    /// Write the environment here as shell `export` lines, once the server listens
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// Run this with the environment that Connect gives to content, and stop with its exit status
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Runs the program and ends the process with its exit status.
pub fn main() {
    let status = run(Options::parse()).unwrap_or_else(|error| {
        eprintln!("connect-standin: {error}");
        1
    });
    std::process::exit(status);
}

fn run(options: Options) -> io::Result<i32> {
    let standin = Standin::builder()
        .port(options.port)
        .tls(options.tls)
        .lifetime(Duration::from_secs(options.lifetime))
        .mount(&options.mount)
        .start()?;
    let environment = environment(&standin);
    if let Some(path) = &options.env_file {
        write_atomically(path, &exports(&environment))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match options.command.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).envs(environment);
            // It would take precedence over the token that is set here.
            command.env_remove("CONNECT_CONTENT_SESSION_TOKEN_FILE");
            runtime
                .block_on(around(command))
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))
        }
        None => {
            let (url, origin) = (standin.url(), standin.origin());
            println!(
                "Connect stand-in at {url}, its status page at {origin}/\n\n{}",
                exports(&environment)
            );
            println!("Ctrl-C stops it.");
            io::stdout().flush()?;
            runtime.block_on(interrupted())
        }
    }
}

/// The variables that Connect sets for content, and further ones for demos.
fn environment(standin: &Standin) -> Vec<(&'static str, String)> {
    let mut variables = standin.environment();
    variables.extend([
        ("STANDIN_URL", standin.origin().to_owned()),
        ("STANDIN_VIEWER_TOKEN", standin.viewer_token("ada")),
        ("STANDIN_INTEGRATION", standin.integration().to_owned()),
        (
            "STANDIN_CONTENT_TOKEN_FILE",
            standin.content_token_file().to_string_lossy().into_owned(),
        ),
    ]);
    variables
}

/// Formats lines that a POSIX shell can source, with any value quoted.
fn exports(environment: &[(&str, String)]) -> String {
    environment
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "export {name}='{}'", value.replace('\'', r"'\''"));
            lines
        })
}

/// Writes the file atomically: a program that waits for it finds all of it.
fn write_atomically(path: &Path, contents: &str) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(contents.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Runs the command to its end. The terminal sends an interrupt to the command too, which handles it;
/// the server ignores it and stops when the command has ended.
async fn around(mut command: Command) -> io::Result<i32> {
    let mut child = command.kill_on_drop(true).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            signal = interrupted() => match signal? {
                SIGINT => {}
                // Dropping the child kills it, so that a supervisor finds nothing left running.
                status => return Ok(status),
            },
        }
    }
}

/// The exit status that a shell reports for a process that an interrupt ended.
const SIGINT: i32 = 128 + 2;
#[cfg(unix)]
const SIGTERM: i32 = 128 + 15;

#[cfg(unix)]
async fn interrupted() -> io::Result<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(SIGINT),
        _ = terminate.recv() => Ok(SIGTERM),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> io::Result<i32> {
    tokio::signal::ctrl_c().await.map(|()| SIGINT)
}

/// Returns the exit status of the command, or the one that a shell reports for a signal.
fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_values_survive_a_shell() {
        let lines = exports(&[("NAME", "it's $HOME".to_owned())]);
        assert_eq!(lines, "export NAME='it'\\''s $HOME'\n");
    }

    #[cfg(unix)]
    fn run_shell(options: &[&str], script: &str) -> i32 {
        let words = [&["connect-standin"], options, &["--", "sh", "-c", script]].concat();
        run(Options::parse_from(words)).expect("the server and the shell start")
    }

    #[cfg(unix)]
    #[test]
    fn a_command_finds_its_environment_and_lends_its_exit_status() {
        let script = r#"test "$POSIT_PRODUCT" = CONNECT && test "$CONNECT_SERVER" = "$STANDIN_URL/rsc" &&
            test "$(cat "$STANDIN_CONTENT_TOKEN_FILE")" = "$CONNECT_CONTENT_SESSION_TOKEN" &&
            test -f "$SSL_CERT_FILE" && exit 7"#;
        assert_eq!(run_shell(&["--tls", "--mount", "rsc"], script), 7);
        assert_eq!(run_shell(&[], "kill -9 $$"), 128 + 9);
    }

    #[cfg(unix)]
    #[test]
    fn the_environment_file_is_there_before_the_command_runs_and_can_be_sourced() {
        let directory = tempfile::tempdir().expect("temporary directories can be made");
        let file = directory.path().join("environment");
        let script = r#"was=$STANDIN_VIEWER_TOKEN-$CONNECT_API_KEY; unset STANDIN_VIEWER_TOKEN CONNECT_API_KEY
            . "$0" && test "$STANDIN_VIEWER_TOKEN-$CONNECT_API_KEY" = "$was""#;
        let file = file.to_str().expect("temporary paths are UTF-8");
        let script = script.replace("$0", file);
        assert_eq!(run_shell(&["--env-file", file], &script), 0);
    }

    #[test]
    fn a_command_that_does_not_exist_is_named() {
        let options = Options::parse_from(["connect-standin", "--", "no-such-program"]);
        let error = run(options).expect_err("it cannot be started").to_string();
        assert!(error.starts_with("no-such-program: "), "{error}");
    }
}
