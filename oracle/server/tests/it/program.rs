//! The `tributary` program as a separate process.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use alloy::{hex, signers::local::PrivateKeySigner};
use tempfile::TempDir;

use crate::town::folder;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts success; what it printed.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// Asserts a failure with these words, and nothing that looks like success or like a panic.
    #[track_caller]
    pub(crate) fn failed(&self, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert!(words.iter().all(|word| self.err.contains(word)), "{words:?} in: {}", self.err);
        assert!(!self.err.contains("panicked") && !self.out.contains("MATCHES"), "{self:?}");
        self
    }
}

/// Runs commands in a folder of their own and remembers every secret, to look for it in everything that is printed.
pub(crate) struct Program {
    pub(crate) folder: TempDir,
    rpc: String,
    log: Option<&'static str>,
    token: &'static str,
    secrets: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Program {
    pub(crate) fn new(rpc: &str, log: Option<&'static str>, keys: &[&PrivateKeySigner]) -> Self {
        // A token that looks like a number is text all the same.
        let token = "20260131";
        let mut secrets: Vec<String> = keys.iter().map(|key| hex::encode(key.to_bytes())).collect();
        secrets.push(token.to_owned());
        Self { folder: folder(), rpc: rpc.to_owned(), log, token, secrets, variables: Vec::new() }
    }

    /// Sets a variable of the environment for every command from now on.
    #[cfg(feature = "otlp")]
    pub(crate) fn set(&mut self, variable: &'static str, value: String) {
        self.variables.push((variable, value));
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command<A: AsRef<OsStr>>(&self, key: Option<&PrivateKeySigner>, args: &[A]) -> Command {
        let mut command = tributary(self.folder.path());
        command.args(args).env("TRIBUTARY_RPC", &self.rpc).env("TRIBUTARY_ADMIN_TOKEN", self.token);
        command.envs(self.variables.iter().map(|(variable, value)| (variable, value)));
        if let Some(key) = key {
            command.env("TRIBUTARY_KEY", key.to_bytes().to_string());
        }
        if let Some(log) = self.log {
            command.env("TRIBUTARY_LOG", log);
        }
        command
    }

    /// Runs a command as somebody, to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, key: impl Into<Option<PrivateKeySigner>>, args: &[A]) -> Ended {
        let output = self.command(key.into().as_ref(), args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ended = Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
        self.check_secrets(&ended.out);
        self.check_secrets(&ended.err);
        ended
    }

    /// Starts a server and waits until it says where it serves.
    pub(crate) fn serve<A: AsRef<OsStr>>(&self, key: &PrivateKeySigner, args: &[A]) -> Server {
        let mut command = self.command(Some(key), args);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let url = loop {
            let start = said.len();
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
            let line = &said[start..];
            if let Some(url) = line.split("url=\"").nth(1).filter(|_| line.contains("serving")) {
                break url.split('"').next().unwrap().to_owned();
            }
        };
        let rest = thread::spawn(move || {
            lines.read_to_string(&mut said).unwrap();
            said
        });
        Server { url, process, rest: Some(rest) }
    }

    /// No secret may be in anything that anybody can read.
    #[track_caller]
    pub(crate) fn check_secrets(&self, text: &str) {
        let text = text.to_lowercase();
        assert!(self.secrets.iter().all(|secret| !text.contains(secret)), "a secret is in: {text}");
    }
}

/// The program, with nothing of this process's environment but where programs are.
pub(crate) fn tributary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A serving process; it is killed if a test ends early.
pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    rest: Option<JoinHandle<String>>,
}

impl Server {
    /// Asks it to stop as an operator would; how it ended.
    pub(crate) fn stop(mut self) -> Ended {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        let code = self.process.wait().unwrap().code();
        Ended { code, out: String::new(), err: self.rest.take().unwrap().join().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
