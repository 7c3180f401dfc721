//! A C program that makes one call of the library per line it is told, see `tests/hosts/c/host.c`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::OnceLock;

use connect_standin::Standin;

use super::{clean, compile, root};

/// A running C host.
pub struct Host {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What came of a call: names and values.
#[derive(Debug)]
pub struct Outcome(BTreeMap<String, String>);

impl Host {
    /// A host to which `environment` is all there is.
    pub fn with<'a>(environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| compile(&root().join("tests/hosts/c/host.c")));
        let mut child = clean(program)
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            calls: child.stdin.take(),
            child,
            answers,
        }
    }

    /// A host that runs as content on `connect`.
    pub fn on(connect: &Standin) -> Self {
        let environment = connect.environment();
        Self::with(environment.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// Makes a call and waits for what comes of it. Panics when the host dies of it.
    pub fn call(&mut self, words: &[&str]) -> Outcome {
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
                return outcome;
            };
            outcome.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Makes a call that has to succeed.
    pub fn ok(&mut self, words: &[&str]) -> Outcome {
        let outcome = self.call(words);
        assert_eq!(outcome.get("status"), Some("CC_OK"), "{words:?}: {outcome:?}");
        outcome
    }

    /// Makes a call that has to fail with `status`, and gives the message.
    pub fn fails(&mut self, words: &[&str], status: &str) -> String {
        let outcome = self.call(words);
        assert_eq!(outcome.get("status"), Some(status), "{words:?}: {outcome:?}");
        outcome["message"].to_owned()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The end of its input ends it; how it ended matters to the test unless that is failing already.
        drop(self.calls.take());
        let ended = self.child.wait();
        if !std::thread::panicking() {
            assert!(
                ended.as_ref().is_ok_and(|status| status.success()),
                "the host ended with {ended:?}"
            );
        }
    }
}

impl Outcome {
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
