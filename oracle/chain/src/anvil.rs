//! The embedded development chain: anvil from node_modules, started and stopped by the program.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};

use crate::{Chain, ChainError};

const START_TRIES: u32 = 300;
const TRY_EVERY: Duration = Duration::from_millis(50);

/// A running anvil; it stops when this is dropped, and also when the program ends without dropping it.
#[derive(Debug)]
pub struct Anvil {
    process: Child,
    guard: Child,
    url: String,
}

impl Anvil {
    /// Starts anvil on a free port of the loopback interface; its log goes to `folder`.
    pub async fn start(folder: &Path) -> Result<Self, ChainError> {
        let program = locate()?;
        let log = folder.join("anvil.log");
        let output = File::create(&log).map_err(|error| failed(format!("{}: {error}", log.display())))?;
        let mut process = Command::new(&program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", program.display())))?;
        let guard = guard(&mut process)?;
        let mut anvil = Self { process, guard, url: String::new() };
        for _ in 0..START_TRIES {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if let Some(address) = text.lines().find_map(|line| line.trim().strip_prefix("Listening on ")) {
                anvil.url = format!("http://{}", address.trim());
                return Ok(anvil);
            }
            if let Ok(Some(status)) = anvil.process.try_wait() {
                return Err(failed(format!("anvil ended at once with {status}; see {}", log.display())));
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
        Err(failed(format!("anvil did not listen in time; see {}", log.display())))
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // The guard first: afterwards the process id may be another program's.
        for process in [&mut self.guard, &mut self.process] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A shell that reads until this program ends, however it ends, and then ends anvil. Signals that a terminal sends to
/// both are the program's to handle.
fn guard(process: &mut Child) -> Result<Child, ChainError> {
    let script = format!("trap '' INT TERM HUP; read -r _; kill -9 {}", process.id());
    let guard = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    guard.map_err(|error| {
        let _ = process.kill();
        failed(format!("sh: {error}"))
    })
}

/// Gives an account native coin to pay fees with. Development chains only.
pub async fn fund(chain: &Chain, account: Address, wei: U256) -> Result<(), ChainError> {
    Ok(chain.provider().raw_request("anvil_setBalance".into(), (account, wei)).await?)
}

/// Moves the chain's clock forward and mines a block. Development chains only.
pub async fn advance(chain: &Chain, seconds: u64) -> Result<(), ChainError> {
    let provider = chain.provider();
    let _: serde_json::Value = provider.raw_request("evm_increaseTime".into(), (U256::from(seconds),)).await?;
    let _: serde_json::Value = provider.raw_request("evm_mine".into(), ()).await?;
    Ok(())
}

fn locate() -> Result<PathBuf, ChainError> {
    let system = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", "x86_64") => "darwin-amd64",
        (os, arch) => return Err(failed(format!("there is no anvil package for {os} on {arch}"))),
    };
    let relative = PathBuf::from(format!("node_modules/@foundry-rs/anvil-{system}/bin/anvil"));
    let starts = [env::current_dir().ok(), env::current_exe().ok()];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|folder| folder.join(&relative))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| failed("anvil is not in node_modules: run `npm ci --ignore-scripts`".into()))
}

fn failed(reason: String) -> ChainError {
    ChainError::Anvil(reason)
}
