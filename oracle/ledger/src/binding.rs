//! Which chain a data folder belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256};

/// The deployment whose money a ledger's receipts divide. Written once, when the folder is new.
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
}

impl fmt::Display for ChainBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain {} with genesis {} and attribution ledger {}", self.chain_id, self.genesis, self.ledger)
    }
}
