//! A real node, and the smallest contract that is its own idempotency key.
#![allow(dead_code, unreachable_pub)]

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, U256, address, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{runtime::Runtime, sync::OnceCell};
use tributary_submission::{Effect, Endpoint, Intent, Policy, State, Submitter, Target, Unclear};

/// Connections outlive a test, so their runtime must as well.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: OnceCell<World> = OnceCell::const_new();

pub fn run<F: Future>(test: F) -> F::Output {
    RUNTIME.block_on(test)
}

/// Runs a test on a chain that others use too. It mines what it is sent at once.
pub fn on_shared_chain<F: Future>(test: impl FnOnce(&'static World) -> F) -> F::Output {
    run(async { test(SHARED.get_or_init(World::start).await).await })
}

/// Runs a test on a chain of its own, for those that stop mining or undo blocks.
pub fn on_own_chain<F: Future>(test: impl FnOnce(&'static World) -> F) -> F::Output {
    run(async { test(Box::leak(Box::new(World::start().await))).await })
}

/// An account of every anvil, unlocked.
const RICH: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

/// A register of slots that take one value for ever.
///
/// - 32 bytes, a slot: answers its value.
/// - 64 bytes, a slot and a value: stores it, or reverts with `Taken(bytes32 value)` if the slot has one.
fn register() -> Bytes {
    let taken = alloy::hex::encode(&keccak256("Taken(bytes32)")[..4]);
    let create = "603a8060093d393df3";
    let get = "366020106013576000355460005260206000f3";
    let set = format!("5b60003554801560305763{taken}60e01b60005260045260246000fd5b506020356000355500");
    alloy::hex::decode(format!("{create}{get}{set}")).unwrap().into()
}

/// A running node; it ends when this is dropped, and when the program ends without dropping it.
pub struct World {
    /// None if somebody else started it.
    shell: Option<Child>,
    pub url: String,
    pub provider: DynProvider,
    pub register: Address,
}

impl World {
    pub async fn start() -> Self {
        let script = "\"$0\" --host 127.0.0.1 --port 0 --slots-in-an-epoch 1 & read -r _; kill -9 $!";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .arg(anvil())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let address =
            lines.find_map(|line| line.unwrap().trim().strip_prefix("Listening on ").map(str::to_owned)).unwrap();
        // The node ends when nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{address}");
        let mut world = Self { shell: Some(shell), provider: connect(&url), url, register: Address::ZERO };
        let deploy = TransactionRequest { from: Some(RICH), input: register().into(), ..Default::default() };
        let receipt = world.provider.send_transaction(deploy).await.unwrap().get_receipt().await.unwrap();
        world.register = receipt.contract_address.unwrap();
        world.mine(4).await;
        world
    }

    /// A node that another process runs.
    pub fn at(url: &str, register: Address) -> Self {
        Self { shell: None, url: url.to_owned(), provider: connect(url), register }
    }

    pub async fn rpc<P: Serialize + Clone + std::fmt::Debug + Send + Sync + Unpin, R>(
        &self,
        method: &'static str,
        params: P,
    ) -> R
    where
        R: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static,
    {
        self.provider.raw_request(method.into(), params).await.unwrap()
    }

    /// Somebody new who can pay fees.
    pub async fn signer(&self) -> PrivateKeySigner {
        let signer = PrivateKeySigner::random();
        self.fund(signer.address(), 10u128.pow(18)).await;
        signer
    }

    pub async fn fund(&self, account: Address, wei: u128) {
        let _: Value = self.rpc("anvil_setBalance", (account, U256::from(wei))).await;
    }

    pub async fn mine(&self, blocks: u64) {
        let _: Value = self.rpc("anvil_mine", (U256::from(blocks),)).await;
    }

    pub async fn stop_mining(&self) {
        let _: Value = self.rpc("evm_setAutomine", (false,)).await;
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new("anvil", connect(&self.url))
    }

    pub fn target(&self) -> Register {
        Register { provider: connect(&self.url), address: self.register }
    }

    /// An intent to set a slot. The slot is its key.
    pub async fn intent(&self, slot: B256, value: u64) -> Intent {
        let id = self.provider.get_chain_id().await.unwrap();
        Intent {
            key: Intent::key(id, self.register, slot.as_slice()),
            to: self.register,
            calldata: calldata(slot, value),
            value: U256::ZERO,
            gas_cap: 1_000_000,
        }
    }

    /// What a slot has, 0 if nothing.
    pub async fn value(&self, slot: B256) -> u64 {
        self.target().get(slot, BlockId::latest()).await.unwrap().to()
    }

    pub async fn nonce(&self, account: Address) -> u64 {
        self.provider.get_transaction_count(account).await.unwrap()
    }

    pub async fn open(&'static self, folder: &Path, signer: &PrivateKeySigner) -> Submitter {
        self.open_with(folder, signer, policy()).await
    }

    pub async fn open_with(&'static self, folder: &Path, signer: &PrivateKeySigner, policy: Policy) -> Submitter {
        Submitter::open(folder, vec![self.endpoint()], signer.clone(), self.target(), policy).await.unwrap()
    }

    /// Sends from somebody's key, past any submitter.
    pub async fn send_as(&self, signer: &PrivateKeySigner, to: Address, data: Bytes) -> B256 {
        self.send(signer, to, data, 2_000_000_000).await
    }

    /// The same, for so much that it comes first in its block.
    pub async fn send_dear(&self, signer: &PrivateKeySigner, to: Address, data: Bytes) -> B256 {
        self.send(signer, to, data, 500_000_000_000).await
    }

    async fn send(&self, signer: &PrivateKeySigner, to: Address, data: Bytes, tip: u128) -> B256 {
        let provider = ProviderBuilder::new().wallet(signer.clone()).connect_provider(connect(&self.url));
        let request = TransactionRequest {
            to: Some(to.into()),
            input: data.into(),
            gas: Some(200_000),
            max_priority_fee_per_gas: Some(tip),
            max_fee_per_gas: Some(tip + 10_000_000_000),
            ..Default::default()
        };
        let hash = *provider.send_transaction(request).await.unwrap().tx_hash();
        // Where the node mines by itself it does so after it has answered.
        if self.rpc::<_, bool>("anvil_getAutomine", ()).await {
            for _ in 0..400 {
                if provider.get_transaction_receipt(hash).await.unwrap().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        hash
    }

    /// Moves the chain and the submitter until the intent is at an end.
    pub async fn settle(&self, submitter: &Submitter, key: B256) -> State {
        for _ in 0..60 {
            let _ = submitter.advance().await;
            let state = submitter.record(key).unwrap().state;
            if state.is_terminal() {
                return state;
            }
            self.mine(1).await;
        }
        panic!("not at an end: {:?}\n{:?}", submitter.record(key), submitter.alarms());
    }

    /// Moves the submitter until the intent is in a state.
    pub async fn until(&self, submitter: &Submitter, key: B256, label: &str) {
        for _ in 0..30 {
            let result = submitter.advance().await;
            let state = submitter.record(key).unwrap().state;
            if state.label() == label {
                return;
            }
            assert!(!state.is_terminal(), "{state}, {result:?}");
        }
        panic!("never {label}: {:?}\n{:?}", submitter.record(key), submitter.alarms());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(shell) = &mut self.shell {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}

/// The register, as a target.
pub struct Register {
    provider: DynProvider,
    address: Address,
}

impl Register {
    async fn get(&self, slot: B256, at: BlockId) -> Result<U256, Unclear> {
        let request =
            TransactionRequest { to: Some(self.address.into()), input: Bytes::from(slot).into(), ..Default::default() };
        let answer = self.provider.call(request).block(at).await.map_err(Unclear::new)?;
        Ok(U256::try_from_be_slice(&answer).unwrap_or_default())
    }
}

impl Target for Register {
    async fn effect(&self, intent: &Intent, at: BlockId) -> Result<Effect, Unclear> {
        let Some((slot, value)) = intent.calldata.split_at_checked(32) else { return Ok(Effect::NotYet) };
        let found = self.get(B256::from_slice(slot), at).await?;
        Ok(match found {
            U256::ZERO => Effect::NotYet,
            _ if found.to_be_bytes::<32>() == value => Effect::Equal,
            _ => Effect::Different(format!("the slot has {found}")),
        })
    }

    fn reason(&self, data: &[u8]) -> Option<String> {
        let value = data.strip_prefix(&keccak256("Taken(bytes32)")[..4])?;
        Some(format!("Taken({})", U256::try_from_be_slice(value)?))
    }
}

pub fn calldata(slot: B256, value: u64) -> Bytes {
    [slot.0, U256::from(value).to_be_bytes()].concat().into()
}

pub fn slot() -> B256 {
    PrivateKeySigner::random().to_bytes()
}

/// Patient with blocks, impatient with pauses.
pub fn policy() -> Policy {
    Policy {
        call_timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(2),
        poll: Duration::from_millis(5),
        replace_after: Duration::from_secs(100_000),
        ..Policy::default()
    }
}

pub fn connect(url: &str) -> DynProvider {
    // Fails if it is installed already, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = ProviderBuilder::default().connect_http(url.parse().unwrap()).erased();
    provider.client().set_poll_interval(Duration::from_millis(5));
    provider
}

fn anvil() -> PathBuf {
    let system = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", _) => "darwin-amd64",
        other => panic!("there is no anvil package for {other:?}"),
    };
    let relative = format!("node_modules/@foundry-rs/anvil-{system}/bin/anvil");
    let here = std::env::current_dir().unwrap();
    let found = here.ancestors().map(|folder| folder.join(&relative)).find(|path| File::open(path).is_ok());
    found.expect("anvil is not in node_modules: run `npm ci --ignore-scripts`")
}
