//! Configuration in layers: defaults, then a TOML file, then the environment (`TRIBUTARY_RPC`, …), then flags. Unknown
//! keys are errors. Secrets are text wherever they come from: no layer may take one for a number and quote it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Deserializer, Serialize};
use tributary_runtime::ExecutionProvider;

use crate::secret::Secret;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// URL of the chain's node.
    pub rpc: String,
    /// The data folder: datasets, releases, ledger, batches.
    pub data: PathBuf,
    /// Private key of the account that acts, 32 bytes in hexadecimal.
    pub key: Option<Secret>,
    /// Where the host listens.
    pub listen: SocketAddr,
    /// Bearer token of the operator's routes; without it they are closed.
    pub admin_token: Option<Secret>,
    /// The ONNX Runtime library; found in node_modules if not given.
    pub onnxruntime: Option<PathBuf>,
    /// Where models compute: `cpu`, `cuda`, `cuda:1`, `webgpu`.
    #[serde(deserialize_with = "by_name")]
    pub provider: ExecutionProvider,
    /// How long a license, once found valid on chain, is trusted before it is asked again, in seconds.
    pub license_cache_seconds: u64,
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
    license_cache_seconds: u64,
}

const DEFAULTS: Defaults = Defaults {
    rpc: "http://127.0.0.1:8545",
    data: "tributary-data",
    listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
    provider: "cpu",
    license_cache_seconds: 2,
};

const PREFIX: &str = "TRIBUTARY_";

/// What the environment gives as text, whatever it looks like.
const SECRETS: [&str; 2] = ["key", "admin_token"];

/// Variables with the prefix that are no settings: the log's filter, and where the configuration file is.
const OTHERS: [&str; 2] = ["log", "config_file"];

impl Settings {
    /// Reads all layers.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, SettingsError> {
        let mut layers = Figment::from(Serialized::defaults(DEFAULTS));
        if let Some(file) = file {
            layers = layers.merge(Toml::file_exact(file));
        }
        layers = layers.merge(Env::prefixed(PREFIX).ignore(&SECRETS).ignore(&OTHERS));
        for name in SECRETS {
            if let Ok(text) = std::env::var(format!("{PREFIX}{}", name.to_uppercase())) {
                layers = layers.merge(Serialized::default(name, text));
            }
        }
        layers.merge(Serialized::defaults(flags)).extract().map_err(|error| SettingsError(error.to_string()))
    }
}

fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ExecutionProvider, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// The configuration does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {0}")]
pub struct SettingsError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_unknown_keys_and_unquoted_secrets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tributary.toml");
        std::fs::write(&file, "rpc = \"http://file\"\nlisten = \"127.0.0.1:1\"\nkey = \"0xsecret\"\n").unwrap();
        let flags = Flags { rpc: Some("http://flag".into()), ..Flags::default() };
        let settings = Settings::load(Some(&file), &flags).unwrap();
        assert_eq!(settings.rpc, "http://flag");
        assert_eq!(settings.listen.port(), 1);
        assert!(!format!("{settings:?}").contains("0xsecret"));

        std::fs::write(&file, "admin_token = 271828182845\n").unwrap();
        let error = Settings::load(Some(&file), &Flags::default()).unwrap_err().to_string();
        assert!(error.contains("admin_token") && !error.contains("271828182845"), "{error}");

        assert_eq!(settings.provider, ExecutionProvider::Cpu);

        std::fs::write(&file, "provider = \"cuda:1\"\n").unwrap();
        let settings = Settings::load(Some(&file), &Flags::default()).unwrap();
        assert_eq!(settings.provider, ExecutionProvider::Cuda { device: 1 });
        let flags = Flags { provider: Some("quantum".into()), ..Flags::default() };
        let error = Settings::load(Some(&file), &flags).unwrap_err().to_string();
        assert!(error.contains("`quantum`") && error.contains("webgpu"), "{error}");

        std::fs::write(&file, "rcp = \"http://file\"\n").unwrap();
        let error = Settings::load(Some(&file), &Flags::default()).unwrap_err();
        assert!(error.to_string().contains("rcp"), "{error}");
    }
}
