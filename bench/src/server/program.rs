//! The program's commands and servers as processes, and what the system says of them.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use alloy::signers::local::PrivateKeySigner;
use eyre::{OptionExt, Result, WrapErr, ensure, eyre};
use tributary_sdk::client;

/// The operator's token: of this process and its hosts alone.
pub(super) const OPERATOR_TOKEN: &str = "bench";

/// The program `tributary`, in a folder and on a chain.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    folder: PathBuf,
    rpc: String,
}

impl Program {
    /// The one that was built beside this one.
    pub(super) fn beside(folder: &Path, rpc: &str) -> Result<Self> {
        let path = std::env::current_exe()?.with_file_name("tributary");
        ensure!(path.is_file(), "{} is missing: run `cargo build --release -p tributary-server`", path.display());
        Ok(Self { path, folder: folder.to_owned(), rpc: rpc.to_owned() })
    }

    fn command(&self, key: &PrivateKeySigner, line: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).args(line).stdin(Stdio::null());
        command.env("TRIBUTARY_RPC", &self.rpc).env("TRIBUTARY_KEY", key.to_bytes().to_string());
        command
    }

    /// Runs a command as somebody, to its end; what it printed.
    pub(super) fn run(&self, key: &PrivateKeySigner, line: &[&str]) -> Result<String> {
        let output = self.command(key, line).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tributary {}: {said}", line.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Serves as somebody, with these settings.
    pub(super) fn serve(&self, key: &PrivateKeySigner, line: &[&str], settings: &[(&str, String)]) -> Result<Server> {
        let mut command = self.command(key, line);
        command.env("TRIBUTARY_ADMIN_TOKEN", OPERATOR_TOKEN).env("TRIBUTARY_LISTEN", "127.0.0.1:0");
        Server::start(command.envs(settings.iter().map(|(name, value)| (name, value))))
    }
}

/// The word after `before` in what a command printed.
pub(super) fn after<'t>(text: &'t str, before: &str) -> Result<&'t str> {
    let rest = text.split(before).nth(1).ok_or_else(|| eyre!("no `{before}` in: {text}"))?;
    Ok(rest.split([' ', ',', '\n']).next().unwrap_or_default())
}

/// A server as a process of its own; it ends with this.
#[derive(Debug)]
pub(super) struct Server {
    url: String,
    process: Child,
}

impl Server {
    /// Starts it and waits until it says where it serves.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = process.stderr.take().ok_or_else(|| eyre!("a server without a log"))?;
        let mut lines = BufReader::new(said).lines();
        let mut before = String::new();
        let url = loop {
            let line = match lines.next() {
                Some(line) => line?,
                None => return Err(eyre!("the server ended: {before}{}", process.wait()?)),
            };
            if let Some((_, rest)) = line.split_once("serving url=\"") {
                break rest.trim_end_matches('"').to_owned();
            }
            before += &(line + "\n");
        };
        thread::spawn(move || {
            let warns = |line: &String| line.contains(" ERROR ") || line.contains(" WARN ");
            lines.map_while(Result::ok).filter(warns).for_each(|line| eprintln!("{line}"));
        });
        Ok(Self { url, process })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub(super) fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Seconds that cores have worked for it so far. Linux counts in hundredths.
    pub(super) fn core_seconds(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).wrap_err("the server is gone")?;
        // The name stands in parentheses and may hold spaces; user and system time are the 12th and 13th field after it.
        let fields = status.rsplit_once(')').ok_or_else(|| eyre!("/proc does not read"))?.1;
        let ticks: Vec<u64> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(ticks.iter().sum::<u64>() as f64 / 100.0)
    }

    /// What a host's metrics count of its ledgers, all models and outcomes together.
    pub(super) async fn counted(&self, metric: &str) -> Result<u64> {
        let page = client::http().get(format!("{}/metrics", self.url)).bearer_auth(OPERATOR_TOKEN).send().await?;
        let page = page.error_for_status()?.text().await?;
        let samples = page.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{')));
        let value = |line: &str| Ok(line.rsplit_once(' ').ok_or_eyre("a sample without a value")?.1.parse::<f64>()?);
        Ok(samples.map(value).sum::<Result<f64>>()? as u64)
    }

    /// Memory that it holds now, in bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).wrap_err("the host is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(|| eyre!("no VmRSS"))?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }

    /// Asks it to stop as an operator would, and waits; an error unless it ends well.
    pub(super) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
