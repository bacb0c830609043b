//! What is to be done on chain, whoever does it and however often it is asked for.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use serde::{Deserialize, Serialize};

/// One effect that the signer wants on chain, exactly once.
///
/// The key says which effect it is and the rest how it is brought about. A key that comes again with the same rest is
/// the same intent; with another rest it is a conflict, for then whoever made it no longer agrees with itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Deterministic: computed again after a crash it is the same. See [`Intent::key`].
    pub key: B256,
    /// The contract.
    pub to: Address,
    /// What it is told.
    pub calldata: Bytes,
    /// What it is sent, in wei.
    pub value: U256,
    /// Most gas that a transaction may be given: 1.2 times the estimate must not be above it.
    pub gas_cap: u64,
}

impl Intent {
    /// `keccak256(chain id ‖ contract ‖ what)`: the chain id as 8 bytes big-endian, the contract as 20, then whatever
    /// tells this effect from all others of that contract.
    #[must_use]
    pub fn key(chain_id: u64, contract: Address, what: &[u8]) -> B256 {
        keccak256([chain_id.to_be_bytes().as_slice(), contract.as_slice(), what].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_chain_contract_and_what() {
        let key = |chain, byte, what: &[u8]| Intent::key(chain, Address::repeat_byte(byte), what);
        let one = key(1, 1, b"epoch 7");
        assert_eq!(one, key(1, 1, b"epoch 7"));
        for other in [key(2, 1, b"epoch 7"), key(1, 2, b"epoch 7"), key(1, 1, b"epoch 8")] {
            assert_ne!(one, other);
        }
    }
}
