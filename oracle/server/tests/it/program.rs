//! The `tributary` program as a separate process.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
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

    /// Remembers one more secret, which nothing that is printed from now on may have.
    pub(crate) fn hide(&mut self, secret: &str) {
        self.secrets.push(secret.to_lowercase());
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

    /// Runs a command as somebody and kills it after so many milliseconds; whether it was still running.
    pub(crate) fn killed_after<A: AsRef<OsStr>>(&self, key: &PrivateKeySigner, args: &[A], milliseconds: u64) -> bool {
        let mut command = self.command(Some(key), args);
        let mut process = Mortal(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        thread::sleep(Duration::from_millis(milliseconds));
        match process.0.try_wait().unwrap() {
            Some(ended) => {
                assert!(ended.success(), "{ended}");
                false
            }
            None => true,
        }
    }

    /// Starts a server, which does not serve yet.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, key: &PrivateKeySigner, args: &[A]) -> Starting {
        let mut command = self.command(Some(key), args);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap());
        Starting { process: Mortal(process), lines, said: String::new() }
    }

    /// Starts a server and waits until it says where it serves.
    pub(crate) fn serve<A: AsRef<OsStr>>(&self, key: &PrivateKeySigner, args: &[A]) -> Server {
        self.start(key, args).serving()
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

/// A process that is killed if a test ends early.
struct Mortal(Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that has not said where it serves.
pub(crate) struct Starting {
    process: Mortal,
    lines: BufReader<ChildStderr>,
    said: String,
}

impl Starting {
    /// Waits for the line of its log that has these words.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) -> &str {
        loop {
            let start = self.said.len();
            assert!(self.lines.read_line(&mut self.said).unwrap() > 0, "it ended before `{words}`: {}", self.said);
            if self.said[start..].contains(words) {
                return &self.said[start..];
            }
        }
    }

    /// Waits until it says where it serves.
    #[track_caller]
    pub(crate) fn serving(mut self) -> Server {
        let url = self.says("serving url=\"").split("url=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let Self { process, mut lines, mut said } = self;
        let rest = thread::spawn(move || {
            lines.read_to_string(&mut said).unwrap();
            said
        });
        Server { url, process, rest: Some(rest) }
    }
}

/// A serving process.
pub(crate) struct Server {
    pub(crate) url: String,
    process: Mortal,
    rest: Option<JoinHandle<String>>,
}

impl Server {
    /// Asks it to stop as an operator would; how it ended.
    pub(crate) fn stop(mut self) -> Ended {
        Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status().unwrap();
        let code = self.process.0.wait().unwrap().code();
        Ended { code, out: String::new(), err: self.rest.take().unwrap().join().unwrap() }
    }
}
