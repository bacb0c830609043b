//! Which chain a data folder belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, AssetId, B256};

/// Which money a ledger's receipts divide: one model's, in one token, on one chain. Written once, when the folder is new.
///
/// The genesis hash is there because every development chain has the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainBinding {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis: B256,
    /// The attribution ledger contract.
    pub ledger: Address,
    /// The model that is served.
    pub model: AssetId,
    /// The token whose revenue is divided.
    pub token: Address,
}

impl fmt::Display for ChainBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain_id, genesis, ledger, model, token } = self;
        write!(
            f,
            "model {model} and token {token} on chain {chain_id} (genesis {genesis}, attribution ledger {ledger})"
        )
    }
}
