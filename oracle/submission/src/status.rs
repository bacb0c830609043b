//! What a metrics exporter or an operator's page reads.

use std::{collections::BTreeMap, sync::PoisonError};

use alloy::primitives::{Address, U256};
use serde::Serialize;

use crate::{Class, SubmissionError, sign::now, submitter::Submitter};

/// What was last seen, of what is not on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) last_error: Option<Class>,
    pub(crate) balance: Option<U256>,
    pub(crate) runway: Option<u64>,
}

/// A snapshot. Reading it asks no node.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The chain.
    pub chain_id: u64,
    /// The signer.
    pub signer: Address,
    /// The next nonce.
    pub nonce: u64,
    /// Intents by state.
    pub intents: BTreeMap<&'static str, u64>,
    /// Transactions that wait for their block.
    pub pending: u64,
    /// For how many seconds the oldest of them has waited since its first signature.
    pub pending_age: u64,
    /// Signatures for intents that are not at an end.
    pub attempts: u64,
    /// Wei of fees paid by all final transactions.
    pub fees_paid: U256,
    /// The signer's balance in wei, when a transaction was last signed.
    pub balance: Option<U256>,
    /// How many more transactions it paid for, at the fees of then.
    pub runway: Option<u64>,
    /// The class of the last error, by its label.
    pub last_error: Option<&'static str>,
    /// The labels of the alarms that are on, and how many of each.
    pub alarms: BTreeMap<&'static str, u64>,
}

impl Submitter {
    /// A snapshot for metrics.
    ///
    /// # Errors
    /// [`SubmissionError::Storage`].
    pub fn status(&self) -> Result<Status, SubmissionError> {
        let observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let open = self.store.open_records()?;
        let in_flight = || open.iter().filter(|record| record.is_in_flight());
        let since = in_flight().filter_map(|record| record.competing().next()).map(|attempt| attempt.at).min();
        let attempts = open.iter().map(|record| record.attempts.len() as u64).sum();
        Ok(Status {
            chain_id: self.binding.chain_id,
            signer: self.binding.signer,
            nonce: self.store.next_nonce()?,
            intents: counted(self.store.records()?.iter().map(|record| record.state.label())),
            pending: in_flight().count() as u64,
            pending_age: since.map_or(0, |since| now().saturating_sub(since)),
            attempts,
            fees_paid: self.store.paid()?,
            balance: observed.balance,
            runway: observed.runway,
            last_error: observed.last_error.map(Class::label),
            alarms: counted(self.alarms.on().iter().map(crate::Alarm::label)),
        })
    }
}

fn counted(labels: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for label in labels {
        let count: &mut u64 = counts.entry(label).or_default();
        *count = count.saturating_add(1);
    }
    counts
}
