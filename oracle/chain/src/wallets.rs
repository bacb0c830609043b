//! Whether an account signed: with its key, or, for an account with code, by what its code says (ERC-1271).

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, FixedBytes},
    sol,
};
use tributary_sdk::typed_data::recover_digest;

use crate::{Chain, ChainError, transact::ask};

sol! {
    #[sol(rpc)]
    interface Wallet {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
    }
}

/// What a wallet answers where a signature is good (ERC-1271).
const GOOD: FixedBytes<4> = FixedBytes([0x16, 0x26, 0xba, 0x7e]);

/// How an account stands behind a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// Its key signed: for ever.
    Key,
    /// Its code says so, at the block asked about; it may say otherwise later.
    Code,
}

/// How `account` stands behind this signature of `digest` at a block; none if it does not.
pub async fn signed_by(
    chain: &Chain,
    account: Address,
    digest: B256,
    signature: &Bytes,
    block: BlockId,
) -> Result<Option<SignedBy>, ChainError> {
    if recover_digest(digest, signature).is_ok_and(|found| found == account) {
        return Ok(Some(SignedBy::Key));
    }
    let wallet = Wallet::new(account, chain.provider());
    match ask("the holder's account", wallet.isValidSignature(digest, signature.clone()).block(block)).await {
        Ok(GOOD) => Ok(Some(SignedBy::Code)),
        Ok(_) | Err(ChainError::Reverted { .. } | ChainError::NoContract(_)) => Ok(None),
        Err(other) => Err(other),
    }
}
