//! Configuration in layers: defaults, then a TOML file, then the environment (`TRIBUTARY_RPC`, …), then flags. Unknown
//! keys are errors. Secrets are text wherever they come from: no layer may take one for a number and quote it.

mod keys;
mod reference;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{primitives::U256, signers::local::PrivateKeySigner};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};
use tributary_runtime::{ModelOptions, ProviderChoice};
use tributary_submission::{Finality, Policy};
use utoipa::ToSchema;

pub use keys::KeyError;
pub use reference::reference;

use crate::{
    host::{Opening, Shelf},
    http::{Access, Patience},
    secret::Secret,
};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// URL of the chain's node.
    #[schema(value_type = String)]
    pub rpc: Secret,
    /// The data folder: datasets, releases, ledger, batches.
    #[schema(value_type = String)]
    pub data: PathBuf,
    /// Private key of the account that acts, 32 bytes in hexadecimal: the host's, for `serve`.
    #[schema(value_type = Option<String>)]
    pub key: Option<Secret>,
    /// Address and port where the host listens, and `tributary connect` too.
    #[schema(value_type = String)]
    pub listen: SocketAddr,
    /// An encrypted JSON keystore (version 3) that has the key, in place of `key`.
    #[schema(value_type = Option<String>)]
    pub keystore: Option<PathBuf>,
    /// The password of `keystore`.
    #[schema(value_type = Option<String>)]
    pub keystore_password: Option<Secret>,
    /// Bearer token of the operator's routes, `/metrics` among them; without it they are closed.
    #[schema(value_type = Option<String>)]
    pub admin_token: Option<Secret>,
    /// The ONNX Runtime library; found in `node_modules` if not given.
    #[schema(value_type = Option<String>)]
    pub onnxruntime: Option<PathBuf>,
    /// Where models compute: `auto`, `cpu`, `cuda`, `cuda:1`, `webgpu`.
    #[serde(deserialize_with = "by_name")]
    #[schema(value_type = String)]
    pub provider: ProviderChoice,
    /// Sessions of ONNX Runtime for each model: passes that run side by side.
    pub sessions: usize,
    /// Threads that a session may use inside one operator.
    pub threads: usize,
    /// Most records in one pass.
    pub max_batch: usize,
    /// Most questions that wait for one model; one more is refused.
    pub queue: usize,
    /// How long a question may take, in seconds.
    pub request_timeout_seconds: u64,
    /// Most bytes of a request's body.
    pub max_body_bytes: usize,
    /// How long ago the node may have been asked about licenses when an answer is given, in seconds.
    pub license_age_seconds: u64,
    /// How old the newest block may be when an answer is given, in seconds; not looked at on development chains.
    pub block_age_seconds: u64,
    /// In how many closed epochs inputs are kept, for attestors who ask the model again; 0: none is kept at all.
    pub keep_inputs_epochs: u64,
    /// A bucket that gets a copy of every published batch, as `s3://bucket/prefix`, in programs built with `--features s3`;
    /// region, endpoint and credentials come from the environment, under the names that AWS gives them.
    #[schema(value_type = Option<String>)]
    pub mirror: Option<Secret>,
    /// How long an epoch is, in seconds of the chain's time: the host closes and posts by itself; 0: by hand.
    pub epoch_seconds: u64,
    /// Private key that posts roots and stakes their bonds, 32 bytes in hexadecimal; the host's, if left out.
    #[schema(value_type = Option<String>)]
    pub poster_key: Option<Secret>,
    /// An encrypted JSON keystore (version 3) that has the poster's key, in place of `poster_key`.
    #[schema(value_type = Option<String>)]
    pub poster_keystore: Option<PathBuf>,
    /// The password of `poster_keystore`.
    #[schema(value_type = Option<String>)]
    pub poster_keystore_password: Option<Secret>,
    /// URLs of more nodes of the same chain, as a list: what is posted is sent to all, and one that lags or lies is found
    /// out by the others.
    #[serde(deserialize_with = "several")]
    #[schema(value_type = Vec<String>)]
    pub more_rpcs: Vec<Secret>,
    /// Most gwei that posting offers for a unit of gas.
    pub max_fee_gwei: u64,
    /// Most gwei of fees that posting one root may cost.
    pub max_cost_gwei: u64,
    /// Gwei that the poster keeps: nothing is posted that could touch it.
    pub reserve_gwei: u64,
    /// By how many blocks a root's block must be followed to be final, on chains without the tag `finalized`; 0: as the tag
    /// says.
    pub finality_blocks: u64,
    /// How long a host that was asked to stop goes on saying so to new connections, in seconds, so that whoever sends it
    /// questions stops doing so before it is gone.
    pub drain_seconds: u64,
    /// Host and port, such as `models.example`, that sign-ins and signatures to read must name; where the host listens, if
    /// left out. Without the port that the scheme implies.
    pub authority: Option<String>,
}

/// What the command line gives; what it leaves out comes from the layers below.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flags {
    /// See [`Settings::rpc`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc: Option<String>,
    /// See [`Settings::data`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// See [`Settings::listen`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Settings::onnxruntime`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<PathBuf>,
    /// See [`Settings::provider`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

#[derive(Serialize)]
struct Defaults {
    rpc: &'static str,
    data: &'static str,
    listen: SocketAddr,
    provider: &'static str,
    sessions: usize,
    threads: usize,
    max_batch: usize,
    queue: usize,
    request_timeout_seconds: u64,
    max_body_bytes: usize,
    license_age_seconds: u64,
    block_age_seconds: u64,
    keep_inputs_epochs: u64,
    epoch_seconds: u64,
    more_rpcs: [&'static str; 0],
    max_fee_gwei: u64,
    max_cost_gwei: u64,
    reserve_gwei: u64,
    finality_blocks: u64,
    drain_seconds: u64,
}

const DEFAULTS: Defaults = Defaults {
    rpc: "http://127.0.0.1:8545",
    data: "tributary-data",
    listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
    provider: "cpu",
    sessions: 1,
    threads: 1,
    max_batch: 32,
    queue: 1024,
    request_timeout_seconds: 30,
    max_body_bytes: 4 << 20,
    license_age_seconds: 2,
    block_age_seconds: 120,
    keep_inputs_epochs: 0,
    epoch_seconds: 0,
    more_rpcs: [],
    max_fee_gwei: 200,
    max_cost_gwei: 100_000_000,
    reserve_gwei: 0,
    finality_blocks: 0,
    drain_seconds: 3,
};

const PREFIX: &str = "TRIBUTARY_";

/// What the environment gives as text, whatever it looks like.
const SECRETS: [&str; 7] =
    ["rpc", "mirror", "key", "keystore_password", "admin_token", "poster_key", "poster_keystore_password"];

/// Variables with the prefix that are no settings.
const OTHERS: [(&str, &str); 3] = [
    (
        "log",
        "which events are logged, as `tracing_subscriber` reads it: `info`, `tributary_ledger=debug`; `info` for `serve`",
    ),
    ("log_format", "`text`, or `json`: an object a line"),
    ("config_file", "the configuration file, as `--config`"),
];

impl Settings {
    /// Reads all layers.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, SettingsError> {
        let mut layers = Figment::from(Serialized::defaults(DEFAULTS));
        if let Some(file) = file {
            layers = layers.merge(Toml::string(&read(file)?));
        }
        layers = layers.merge(Env::prefixed(PREFIX).ignore(&SECRETS).ignore(&OTHERS.map(|(name, _)| name)));
        for name in SECRETS {
            if let Ok(text) = std::env::var(format!("{PREFIX}{}", name.to_uppercase())) {
                layers = layers.merge(Serialized::default(name, text));
            }
        }
        layers.merge(Serialized::defaults(flags)).extract().map_err(|error| SettingsError(error.to_string()))
    }
}

/// The text of a configuration file, which is one. A parser's own error would show the line that is wrong, and what stands
/// in it may be a key.
fn read(file: &Path) -> Result<String, SettingsError> {
    let at = |problem: String| SettingsError(format!("{}: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
    text.parse::<toml::Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        at(format!("line {}: {}", before.matches('\n').count().saturating_add(1), error.message()))
    })?;
    Ok(text)
}

impl Settings {
    /// How models compute.
    pub fn model_options(&self) -> ModelOptions {
        ModelOptions {
            max_batch: self.max_batch,
            queue: self.queue,
            sessions: self.sessions,
            threads: self.threads,
            provider: self.provider,
        }
    }

    /// How a host with this key serves these models.
    pub fn opening(&self, key: PrivateKeySigner, shelves: Vec<Shelf>) -> Opening {
        Opening {
            key,
            onnxruntime: self.onnxruntime.clone(),
            license_age: Duration::from_secs(self.license_age_seconds),
            block_age: Duration::from_secs(self.block_age_seconds),
            request_timeout: Duration::from_secs(self.request_timeout_seconds),
            authority: self.authority.clone(),
            keeps_inputs: self.keep_inputs_epochs,
            shelves,
            library: None,
        }
    }

    /// How roots are posted.
    pub fn policy(&self) -> Policy {
        let gwei = |gwei: u64| u128::from(gwei).saturating_mul(1_000_000_000);
        Policy {
            finality: match self.finality_blocks {
                0 => Finality::Tag,
                depth => Finality::Depth(depth),
            },
            max_fee_per_gas: gwei(self.max_fee_gwei),
            max_cost: gwei(self.max_cost_gwei),
            reserve: U256::from(gwei(self.reserve_gwei)),
            ..Policy::default()
        }
    }

    /// How long clients may take.
    pub fn patience(&self) -> Patience {
        Patience { linger: Duration::from_secs(self.drain_seconds), ..Patience::default() }
    }

    /// How requests are taken.
    pub fn access(&self) -> Access {
        Access { admin_token: self.admin_token.clone(), max_body: self.max_body_bytes, clerk: None }
    }
}

fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProviderChoice, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// A list of secrets, or, from the environment, several with commas between them. No error quotes what was found.
fn several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    struct Several;

    impl<'de> Visitor<'de> for Several {
        type Value = Vec<Secret>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of text")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Secret::new).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while let Some(one) = all.next_element()? {
                found.push(one);
            }
            Ok(found)
        }
    }

    let found = deserializer.deserialize_any(Several);
    found.map_err(|_| serde::de::Error::custom("these are secrets: put each into quotation marks, in a list"))
}

/// The configuration does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {0}")]
pub struct SettingsError(String);

#[cfg(test)]
mod tests {
    use tributary_runtime::ExecutionProvider;

    use super::*;

    #[test]
    fn flags_win_over_the_file_and_unknown_keys_and_unquoted_secrets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tributary.toml");
        std::fs::write(&file, "rpc = \"http://file\"\nlisten = \"127.0.0.1:1\"\nkey = \"0xsecret\"\n").unwrap();
        let flags = Flags { rpc: Some("http://flag".into()), ..Flags::default() };
        let settings = Settings::load(Some(&file), &flags).unwrap();
        assert_eq!(settings.rpc.reveal(), "http://flag");
        assert_eq!(settings.listen.port(), 1);
        assert!(!format!("{settings:?}").contains("0xsecret"));

        std::fs::write(&file, "admin_token = 271828182845\n").unwrap();
        let error = Settings::load(Some(&file), &Flags::default()).unwrap_err().to_string();
        assert!(error.contains("admin_token") && !error.contains("271828182845"), "{error}");

        assert_eq!(settings.provider, ProviderChoice::Named(ExecutionProvider::Cpu));

        std::fs::write(&file, "provider = \"cuda:1\"\n").unwrap();
        let settings = Settings::load(Some(&file), &Flags::default()).unwrap();
        assert_eq!(settings.provider, ProviderChoice::Named(ExecutionProvider::Cuda { device: 1 }));
        let flags = Flags { provider: Some("quantum".into()), ..Flags::default() };
        let error = Settings::load(Some(&file), &flags).unwrap_err().to_string();
        assert!(error.contains("`quantum`") && error.contains("webgpu"), "{error}");

        for (wrong, says) in [
            ("rpc = \"http://node\"\nkey = 0x271828182845271828182845\n", "line 2"),
            ("key = \"0x271828182845\n", "line 1"),
            ("more_rpcs = [271828182845]\n", "more_rpcs"),
            ("more_rpcs = 271828182845\n", "more_rpcs"),
            ("rpc = 271828182845\n", "rpc"),
        ] {
            std::fs::write(&file, wrong).unwrap();
            let error = Settings::load(Some(&file), &Flags::default()).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("271828182845"), "{error}");
        }
        for more in ["more_rpcs = [\"http://a\", \"http://b\"]\n", "more_rpcs = \"http://a, http://b\"\n"] {
            std::fs::write(&file, more).unwrap();
            let settings = Settings::load(Some(&file), &Flags::default()).unwrap();
            let more: Vec<&str> = settings.more_rpcs.iter().map(Secret::reveal).collect();
            assert_eq!(more, ["http://a", "http://b"]);
            assert!(!format!("{settings:?}").contains("http://"), "{settings:?}");
        }

        std::fs::write(&file, "rcp = \"http://file\"\n").unwrap();
        let error = Settings::load(Some(&file), &Flags::default()).unwrap_err();
        assert!(error.to_string().contains("rcp"), "{error}");
    }
}
