//! Runs a C program that makes one call of the library for each line it reads, `tests/programs/c/host.c`.
//!
//! Asserts for every host that no error message and no line of its standard error, which holds the debug log, contains
//! a secret.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::OnceLock;

use connect_standin::Standin;

use super::secrets::Secrets;
use super::{clean, compile, root};

/// A running C host.
pub struct Host {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    errors: File,
    secrets: Secrets,
}

/// The outcome of a call: names and values.
#[derive(Debug)]
pub struct Outcome(BTreeMap<String, String>);

impl Host {
    /// Starts a host with only the variables of `environment`, and with the debug log on standard error.
    pub fn with<'a>(environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| compile(&root().join("tests/programs/c/host.c")));
        let errors = tempfile::tempfile().expect("a file can be made");
        let mut secrets = Secrets::default();
        let mut command = clean(program);
        command.env("CONNECTCREDS_DEBUG", "1");
        for (name, value) in environment {
            secrets.add_variable(name, value);
            command.env(name, value);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().expect("the file is open"))
            .spawn()
            .expect("the host starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            calls: child.stdin.take(),
            child,
            answers,
            errors,
            secrets,
        }
    }

    /// Starts a host that runs as content on `connect`.
    pub fn on(connect: &Standin) -> Self {
        Self::changed(connect, &[])
    }

    /// Starts a host as content on `connect`, with some variables replaced, or removed where the value is "".
    pub fn changed(connect: &Standin, changes: &[(&str, &str)]) -> Self {
        let standard = connect.environment();
        let unchanged = standard
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let changes = changes.iter().copied().filter(|(_, value)| !value.is_empty());
        Self::with(unchanged.chain(changes))
    }

    /// Sets process-wide options, and makes every call perform an exchange.
    pub fn configure(&mut self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.ok(&["set", name, value]);
        }
        self.call(&["request"]);
        self.ok(&["set", "force_refresh", "1"]);
    }

    /// Adds a value that must not appear in the output.
    pub fn keep_secret(&mut self, secret: &str) {
        self.secrets.add(secret);
    }

    /// Makes a call and waits for its outcome. Panics if the host dies.
    pub fn call(&mut self, words: &[&str]) -> Outcome {
        self.secrets.add_call(words);
        let calls = self.calls.as_mut().expect("open until the host is dropped");
        let written = writeln!(calls, "{}", words.join("\t")).and_then(|()| calls.flush());
        let mut outcome = BTreeMap::new();
        loop {
            let mut line = String::new();
            let read = written
                .as_ref()
                .map_or(0, |()| self.answers.read_line(&mut line).unwrap_or(0));
            if read == 0 {
                panic!("the host died of {words:?}: {:?}", self.child.wait());
            }
            let Some((name, value)) = line.trim_end_matches('\n').split_once('=') else {
                let outcome = Outcome(outcome);
                assert_eq!(outcome.get("broken"), None, "{words:?}");
                self.look_for_secrets(&outcome);
                return outcome;
            };
            outcome.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Makes a call that must succeed.
    pub fn ok(&mut self, words: &[&str]) -> Outcome {
        let outcome = self.call(words);
        assert_eq!(outcome.get("status"), Some("CC_OK"), "{words:?}: {outcome:?}");
        outcome
    }

    /// Makes a call that must fail with `status`, and returns the message.
    pub fn fails(&mut self, words: &[&str], status: &str) -> String {
        let outcome = self.call(words);
        assert_eq!(outcome.get("status"), Some(status), "{words:?}: {outcome:?}");
        outcome["message"].to_owned()
    }

    fn look_for_secrets(&mut self, outcome: &Outcome) {
        for (name, value) in &outcome.0 {
            self.secrets.add_outcome(name, value);
        }
        let failed = outcome.get("error_status").is_some();
        for (name, value) in &outcome.0 {
            if failed || name.starts_with("log.") || name == "report" {
                self.secrets.assert_absent_from(value, name);
            }
        }
    }

    /// Returns what the host has written to standard error.
    pub fn errors(&self) -> String {
        let length = self.errors.metadata().map_or(0, |file| file.len());
        let mut bytes = vec![0; length.try_into().expect("it fits into memory")];
        // Reads from the start, without moving the offset at which the host writes.
        self.errors.read_exact_at(&mut bytes, 0).expect("it is readable");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the peak memory of the host, in kB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the host runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|value| value.trim().strip_suffix(" kB"));
        peak.and_then(|value| value.parse().ok())
            .expect("the kernel tells")
    }

    /// Returns the numbers of the host's threads and open files.
    pub fn threads_and_files(&self) -> (usize, usize) {
        let count = |what| fs::read_dir(self.proc(what)).expect("the host runs").count();
        (count("task"), count("fd"))
    }

    /// The signals, as bits, that each thread but the first blocks.
    pub fn blocked_signals_of_other_threads(&self) -> Vec<u64> {
        let threads = fs::read_dir(self.proc("task")).expect("the host runs");
        let first = self.child.id().to_string();
        let others = threads.flatten().filter(|thread| thread.file_name() != *first);
        let statuses = others.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
        let mask = |status: String| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        };
        statuses.filter_map(mask).collect()
    }

    fn proc(&self, what: &str) -> String {
        format!("/proc/{}/{what}", self.child.id())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The end of its input ends it. Its exit status fails the test unless the test is failing already.
        drop(self.calls.take());
        let ended = self.child.wait();
        let errors = self.errors();
        if std::thread::panicking() {
            eprintln!("on the host's standard error:\n{errors}");
        } else {
            self.secrets.assert_absent_from(&errors, "standard error");
            assert!(
                ended.as_ref().is_ok_and(|status| status.success()),
                "the host ended with {ended:?}: {errors}"
            );
        }
    }
}

impl Outcome {
    /// Returns the level and the text of each log line of the call.
    pub fn log(&self) -> Vec<&str> {
        let lines = self.0.iter().filter(|(name, _)| name.starts_with("log."));
        lines.map(|(_, line)| line.as_str()).collect()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl std::ops::Index<&str> for Outcome {
    type Output = str;

    fn index(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}
