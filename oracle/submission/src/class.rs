//! What an error of a node means for a transaction.

use std::fmt;

use alloy::{
    primitives::Bytes,
    transports::{RpcError, TransportError},
};

/// Why something did not go on, by what is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A contract refused: nothing to repeat.
    Refused,
    /// The node or the way to it failed, or nodes do not agree: repeat later.
    Infra,
    /// A transaction may or may not have been taken: treat it as sent.
    Indeterminate,
    /// The nonce is not the one the node expects: look at the chain.
    Nonce,
    /// The offer per gas is too low.
    Fee,
    /// The signer's balance is too low.
    Funds,
    /// It cannot go on without an operator.
    Fatal,
}

impl Class {
    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Infra => "infra",
            Self::Indeterminate => "indeterminate",
            Self::Nonce => "nonce",
            Self::Fee => "fee",
            Self::Funds => "funds",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// What a node said to a signed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It has it, now or since before.
    Taken,
    /// It did not take it, or nobody knows.
    Not(Class),
}

/// Words of geth, Nethermind, Erigon, Besu, reth and anvil, in lower case: there is no code that tells these apart.
const SAID: &[(&str, Reply)] = &[
    ("already known", Reply::Taken),
    ("alreadyknown", Reply::Taken),
    ("known transaction", Reply::Taken),
    ("already imported", Reply::Taken),
    ("already in the pool", Reply::Taken),
    ("already exists in mempool", Reply::Taken),
    ("nonce too low", Reply::Not(Class::Nonce)),
    ("nonce is too low", Reply::Not(Class::Nonce)),
    ("oldnonce", Reply::Not(Class::Nonce)),
    ("nonce too high", Reply::Not(Class::Nonce)),
    ("nonce gap", Reply::Not(Class::Nonce)),
    ("underpriced", Reply::Not(Class::Fee)),
    ("fee too low", Reply::Not(Class::Fee)),
    ("less than block base fee", Reply::Not(Class::Fee)),
    ("less than the block base fee", Reply::Not(Class::Fee)),
    ("feetoolow", Reply::Not(Class::Fee)),
    ("insufficient funds", Reply::Not(Class::Funds)),
    ("insufficientfunds", Reply::Not(Class::Funds)),
    ("insufficient balance", Reply::Not(Class::Funds)),
    ("intrinsic gas too low", Reply::Not(Class::Fatal)),
    ("exceeds block gas limit", Reply::Not(Class::Fatal)),
    ("gas limit too high", Reply::Not(Class::Fatal)),
    ("oversized data", Reply::Not(Class::Fatal)),
    ("invalid chain id", Reply::Not(Class::Fatal)),
    ("invalid sender", Reply::Not(Class::Fatal)),
    ("type not supported", Reply::Not(Class::Fatal)),
];

/// What a node meant by an error on a signed transaction. What is not understood is taken for sent.
pub(crate) fn of_broadcast(error: &TransportError) -> Reply {
    let RpcError::ErrorResp(payload) = error else { return Reply::Not(Class::Indeterminate) };
    of_words(&payload.message).unwrap_or(Reply::Not(Class::Indeterminate))
}

/// What a node meant by an error on a read.
pub(crate) fn of_read(error: &TransportError) -> Class {
    match error {
        RpcError::ErrorResp(payload) if payload.is_retry_err() => Class::Infra,
        RpcError::ErrorResp(payload) if reverts(payload.code, &payload.message) => Class::Refused,
        RpcError::ErrorResp(payload) => match of_words(&payload.message) {
            Some(Reply::Not(class)) => class,
            _ => Class::Infra,
        },
        _ => Class::Infra,
    }
}

/// The data that a call reverted with.
pub(crate) fn revert_data(error: &TransportError) -> Bytes {
    error.as_error_resp().and_then(|payload| payload.as_revert_data()).unwrap_or_default()
}

fn of_words(message: &str) -> Option<Reply> {
    let message = message.to_lowercase();
    SAID.iter().find(|(words, _)| message.contains(words)).map(|(_, reply)| *reply)
}

fn reverts(code: i64, message: &str) -> bool {
    code == 3 || message.to_lowercase().contains("revert")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_say_is_understood() {
        for (said, reply) in [
            ("already known", Reply::Taken),
            ("transaction already imported", Reply::Taken),
            ("nonce too low: next nonce 5, tx nonce 4", Reply::Not(Class::Nonce)),
            ("replacement transaction underpriced", Reply::Not(Class::Fee)),
            ("max fee per gas less than block base fee: address 0x, maxFeePerGas: 1", Reply::Not(Class::Fee)),
            ("insufficient funds for gas * price + value", Reply::Not(Class::Funds)),
            ("Intrinsic gas too low", Reply::Not(Class::Fatal)),
        ] {
            assert_eq!(of_words(said), Some(reply), "{said}");
        }
        assert_eq!(of_words("the moon is full"), None);
    }
}
