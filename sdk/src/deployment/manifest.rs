use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use super::{CREATE2_PROXY, Creation, SALT};

/// What stands where on one chain: `deployments/<chain id>.json`, for front ends and other programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainManifest {
    /// The chain.
    pub chain_id: u64,
    /// The first block with one of the contracts: no event of the suite is older.
    pub deployed_at: u64,
    /// What created the contracts.
    pub create2_proxy: Address,
    /// With which salt.
    pub salt: B256,
    /// The contracts by their names in the sources.
    pub contracts: BTreeMap<String, DeployedContract>,
}

/// One contract on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployedContract {
    /// Where it stands.
    pub address: Address,
    /// keccak-256 of its runtime code. It differs from chain to chain where the code holds the chain's id.
    pub code_hash: B256,
    /// Constructor arguments, ABI-encoded; none for a contract that another one created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constructor_args: Option<Bytes>,
}

/// A manifest does not describe the suite of this build on this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainManifestError {
    /// It was made for another chain.
    #[error("the manifest is of chain {manifest}, this is chain {chain}: use the manifest of this chain")]
    Chain {
        /// The chain it names.
        manifest: u64,
        /// The chain asked.
        chain: u64,
    },
    /// It names another CREATE2 proxy or salt.
    #[error("the manifest names another CREATE2 proxy or salt than this build: write it anew with `tributary deploy`")]
    Origin,
    /// A contract of the suite is not in it.
    #[error("the manifest lacks {0}: write it anew with `tributary deploy`")]
    Lacks(String),
    /// It names something that is no part of the suite.
    #[error("the manifest names {0}, which this build does not have: write it anew with `tributary deploy`")]
    Unknown(String),
    /// It has a contract at another address.
    #[error("the manifest has {name} at {manifest}, this build has it at {build}: it belongs to another build")]
    Address {
        /// The contract.
        name: String,
        /// The manifest's address.
        manifest: Address,
        /// The address that follows from the code.
        build: Address,
    },
    /// It has other constructor arguments.
    #[error("the manifest has other constructor arguments for {0} than this build: it belongs to another build")]
    Arguments(String),
    /// It has another code hash.
    #[error("the manifest has code hash {manifest} for {name}, the chain has {chain}: the manifest was changed")]
    Code {
        /// The contract.
        name: String,
        /// The manifest's hash.
        manifest: B256,
        /// The hash of the code on chain.
        chain: B256,
    },
    /// It has another first block.
    #[error("the manifest says that the suite stands since block {manifest}, the chain says {chain}")]
    Block {
        /// The manifest's block.
        manifest: u64,
        /// The first block with one of the contracts.
        chain: u64,
    },
}

impl ChainManifest {
    /// The manifest of contracts that were put on a chain by this build.
    pub fn new(chain_id: u64, deployed_at: u64, contracts: BTreeMap<String, DeployedContract>) -> Self {
        Self { chain_id, deployed_at, create2_proxy: CREATE2_PROXY, salt: SALT, contracts }
    }

    /// Checks origin, names, addresses and constructor arguments against a build. No chain is needed for that.
    pub fn check_build(&self, creations: &[Creation]) -> Result<(), ChainManifestError> {
        if self.create2_proxy != CREATE2_PROXY || self.salt != SALT {
            return Err(ChainManifestError::Origin);
        }
        let mut rest = self.contracts.clone();
        for creation in creations {
            let mut arguments = Some(creation.arguments.clone());
            for (name, address) in creation.contracts() {
                let name = name.to_owned();
                let Some(found) = rest.remove(&name) else { return Err(ChainManifestError::Lacks(name)) };
                if found.address != address {
                    return Err(ChainManifestError::Address { name, manifest: found.address, build: address });
                }
                // The creation's own arguments come first; its children have none.
                if found.constructor_args != arguments.take() {
                    return Err(ChainManifestError::Arguments(name));
                }
            }
        }
        match rest.into_keys().next() {
            Some(name) => Err(ChainManifestError::Unknown(name)),
            None => Ok(()),
        }
    }

    /// Checks that it has the chain's code hashes.
    pub fn check_code(&self, on_chain: &BTreeMap<String, DeployedContract>) -> Result<(), ChainManifestError> {
        for (name, contract) in on_chain {
            let Some(found) = self.contracts.get(name) else { return Err(ChainManifestError::Lacks(name.clone())) };
            if found.code_hash != contract.code_hash {
                return Err(ChainManifestError::Code {
                    name: name.clone(),
                    manifest: found.code_hash,
                    chain: contract.code_hash,
                });
            }
        }
        Ok(())
    }
}
