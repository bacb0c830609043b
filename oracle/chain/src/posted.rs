//! What the ledger's events say of a root: who posted what and when, and why it was rejected.

use std::fmt;

use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use tributary_sdk::contracts::{AttributionLedger, ledger::RootStatement};

use crate::{Chain, ChainError, logs, revenue::Account};

/// A root as it was posted, whatever became of it.
#[derive(Clone, Debug)]
pub struct Posted {
    /// What its attestors signed.
    pub statement: RootStatement,
    /// Who staked the bond on it.
    pub poster: Address,
    /// In which block.
    pub block: u64,
}

/// Why a root was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Its leaves were out of order, or an account had two.
    Disorder,
    /// It allotted an account less than before.
    Decrease,
    /// It left an account out.
    Omission,
    /// The arbiter upheld a challenge.
    Arbiter,
    /// The arbiter did not rule on a challenge in time.
    Timeout,
    /// A reason that this program does not know.
    Other(u8),
}

impl From<u8> for Rejection {
    fn from(reason: u8) -> Self {
        match reason {
            0 => Self::Disorder,
            1 => Self::Decrease,
            2 => Self::Omission,
            3 => Self::Arbiter,
            4 => Self::Timeout,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disorder => "its leaves were out of order",
            Self::Decrease => "it allotted an account less than before",
            Self::Omission => "it left an account out",
            Self::Arbiter => "its arbiter upheld a challenge",
            Self::Timeout => "its arbiter did not rule on a challenge in time",
            Self::Other(_) => "for a reason that this program does not know",
        })
    }
}

/// Every root that was posted at an index, one for each attempt, in order. At most the last one was not rejected.
pub async fn attempts(chain: &Chain, on: Account, index: u64) -> Result<Vec<Posted>, ChainError> {
    let mut attempts = Vec::new();
    for log in of_index(chain, on, index, AttributionLedger::RootPosted::SIGNATURE_HASH).await? {
        if let Ok(event) = AttributionLedger::RootPosted::decode_log(&log.inner) {
            let block = log.block_number.ok_or_else(|| ChainError::Rpc("a log without a block".into()))?;
            attempts.push(Posted { statement: event.data.statement, poster: event.data.poster, block });
        }
    }
    Ok(attempts)
}

/// Why an attempt at an index was rejected; none if it was not.
pub async fn rejection(chain: &Chain, on: Account, index: u64, attempt: u32) -> Result<Option<Rejection>, ChainError> {
    let logs = of_index(chain, on, index, AttributionLedger::RootRejected::SIGNATURE_HASH).await?;
    let events = logs.iter().filter_map(|log| AttributionLedger::RootRejected::decode_log(&log.inner).ok());
    Ok(events.into_iter().find(|event| event.attempt == attempt).map(|event| event.reason.into()))
}

async fn of_index(chain: &Chain, on: Account, index: u64, event: B256) -> Result<Vec<Log>, ChainError> {
    let filter = Filter::new()
        .address(chain.deployment().ledger)
        .event_signature(event)
        .topic1(on.vault)
        .topic2(on.token)
        .topic3(U256::from(index));
    logs::between(chain, &filter, 0, chain.head().await?.number).await
}
