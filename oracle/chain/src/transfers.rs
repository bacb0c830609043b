//! Payments in a token that are signed before they are sent.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::{BlockNumberOrTag, eip2718::Encodable2718},
    primitives::{Address, B256, Bytes, TxKind, U256},
    providers::Provider,
    signers::{SignerSync, local::PrivateKeySigner},
    sol,
    sol_types::SolEvent,
};
use serde::{Deserialize, Serialize};
use tributary_sdk::typed_data::SignatureError;

use crate::{Chain, ChainError, transact::ask};

const CONTRACT: &str = "the token";

sol! {
    #[sol(rpc)]
    interface Token {
        event Transfer(address indexed from, address indexed to, uint256 value);
        function transfer(address to, uint256 amount) external returns (bool);
    }
}

/// A payment in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The token.
    pub token: Address,
    /// Who pays.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// How much, in base units.
    pub amount: u128,
}

/// A transfer's transaction. It may be sent as often as one likes: the chain takes it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedTransfer {
    /// Its hash.
    pub hash: B256,
    /// The payer's nonce that it uses.
    pub nonce: u64,
    /// Its bytes, as nodes take them.
    pub raw: Bytes,
}

/// What became of a signed transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is paid.
    Paid {
        /// Whether no reorganisation takes it back.
        is_final: bool,
    },
    /// The chain does not have it, or not for good: another transaction with its nonce may still give way to it.
    Open,
    /// It failed, or another transaction has used its nonce, for good: it never pays any more.
    Never,
}

/// The last block that no reorganisation takes back. Development chains finalise nothing: there it is the newest.
pub async fn finalized(chain: &Chain) -> Result<u64, ChainError> {
    if chain.is_development() {
        return Ok(chain.head().await?.number);
    }
    let block = chain.provider().get_block_by_number(BlockNumberOrTag::Finalized).await?;
    Ok(block.ok_or_else(|| ChainError::Rpc("it does not say which block is final".into()))?.header.number)
}

/// That a token would take a transfer now.
///
/// # Errors
/// [`ChainError::Reverted`] with what it would say; [`ChainError::NoContract`].
pub async fn check(chain: &Chain, transfer: Transfer) -> Result<(), ChainError> {
    let token = Token::new(transfer.token, chain.provider());
    ask(CONTRACT, token.transfer(transfer.to, U256::from(transfer.amount)).from(transfer.from)).await.map(|_| ())
}

/// Signs a transfer by its payer's next nonce, and sends nothing. One that the token would refuse is not signed.
pub async fn sign(chain: &Chain, transfer: Transfer, key: &PrivateKeySigner) -> Result<SignedTransfer, ChainError> {
    let provider = chain.provider();
    let token = Token::new(transfer.token, provider);
    let call = token.transfer(transfer.to, U256::from(transfer.amount)).from(transfer.from);
    // What a refusal means is told by the call.
    ask(CONTRACT, call.clone()).await?;
    let gas = call.estimate_gas().await.map_err(ChainError::rpc)?;
    let fees = provider.estimate_eip1559_fees().await?;
    let transaction = TxEip1559 {
        chain_id: chain.id(),
        nonce: provider.get_transaction_count(transfer.from).pending().await?,
        gas_limit: gas.saturating_add(gas.div_ceil(5)),
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        to: TxKind::Call(transfer.token),
        value: U256::ZERO,
        access_list: Default::default(),
        input: call.calldata().clone(),
    };
    let nonce = transaction.nonce;
    let signature = key.sign_hash_sync(&transaction.signature_hash()).map_err(SignatureError::from)?;
    let signed = transaction.into_signed(signature);
    Ok(SignedTransfer { hash: *signed.hash(), nonce, raw: signed.encoded_2718().into() })
}

/// Sends a signed transfer. That a node does not take it is no error: it may have it already, and what became of it is told by
/// [`standing`] alone. What the node said is returned.
pub async fn send(chain: &Chain, signed: &SignedTransfer) -> Result<Option<String>, ChainError> {
    match chain.provider().send_raw_transaction(&signed.raw).await {
        Ok(_) => Ok(None),
        Err(error) if error.is_error_resp() => Ok(Some(ChainError::rpc(error).to_string())),
        Err(error) => Err(error.into()),
    }
}

/// What became of a signed transfer.
///
/// # Errors
/// [`ChainError::MissingEvent`] where the token took the transaction and says nothing of a transfer.
pub async fn standing(chain: &Chain, transfer: Transfer, signed: &SignedTransfer) -> Result<Standing, ChainError> {
    let provider = chain.provider();
    let finalized = finalized(chain).await?;
    let Some(receipt) = provider.get_transaction_receipt(signed.hash).await? else {
        let used = provider.get_transaction_count(transfer.from).number(finalized).await?;
        if used <= signed.nonce {
            return Ok(Standing::Open);
        }
        // It may have got into that very block since it was looked for.
        return Ok(match provider.get_transaction_receipt(signed.hash).await? {
            Some(_) => Standing::Open,
            None => Standing::Never,
        });
    };
    let is_final = receipt.block_number.is_some_and(|block| block <= finalized);
    if !receipt.status() {
        return Ok(if is_final { Standing::Never } else { Standing::Open });
    }
    let is_it = |event: &Token::Transfer| {
        (event.from, event.to, event.value) == (transfer.from, transfer.to, U256::from(transfer.amount))
    };
    let logs = receipt.logs().iter().filter(|log| log.address() == transfer.token);
    let mut events = logs.filter_map(|log| Token::Transfer::decode_log(&log.inner).ok());
    match events.any(|event| is_it(&event.data)) {
        true => Ok(Standing::Paid { is_final }),
        false => Err(ChainError::MissingEvent(Token::Transfer::SIGNATURE)),
    }
}
