//! A signature, on disk before any node sees it.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    primitives::{Bytes, TxKind, U256},
};

use crate::{Attempt, Fees, Kind, Record, State, SubmissionError, moment::Moment, submitter::Submitter};

/// What a transaction that does nothing takes, on every chain that has EIP-2028.
const GAS_OF_NOTHING: u64 = 21_000;

impl Submitter {
    /// Signs a transaction for the record's nonce and writes it down.
    pub(crate) async fn sign(
        &self,
        record: &mut Record,
        kind: Kind,
        fees: Fees,
        gas_limit: u64,
    ) -> Result<(), SubmissionError> {
        let signer = self.view.signer;
        let Some(nonce) = record.nonce else {
            return Err(SubmissionError::Signer { signer, reason: "no nonce was taken".into() });
        };
        let intent = &record.intent;
        let (to, value, input) = match kind {
            Kind::Call => (intent.to, intent.value, intent.calldata.clone()),
            Kind::Cancel => (signer, U256::ZERO, Bytes::new()),
        };
        let transaction = TxEip1559 {
            chain_id: self.binding.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.cap,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input,
        };
        let signature = self.signer.sign_hash(&transaction.signature_hash()).await.map_err(|error| {
            SubmissionError::Signer { signer, reason: crate::text::without_urls(&error.to_string()) }
        })?;
        let signed = transaction.into_signed(signature);
        let (hash, raw) = (*signed.hash(), Bytes::from(signed.encoded_2718()));
        self.reached(Moment::SignedInMemory)?;
        record.attempts.push(Attempt { kind, hash, raw, nonce, fees, gas_limit, at: now() });
        if !record.state.is_terminal() {
            record.state = State::Signed;
        }
        self.save(record, U256::ZERO)?;
        self.reached(Moment::Signed)
    }

    /// Gas for a transaction that does nothing. Chains that count in another way are asked.
    pub(crate) async fn gas_of_nothing(&self, record: &Record) -> u64 {
        let mut nothing = record.intent.clone();
        (nothing.to, nothing.value, nothing.calldata) = (self.view.signer, U256::ZERO, Bytes::new());
        match self.view.estimate(&nothing).await {
            Ok(Ok(gas)) => gas.saturating_add(gas.div_ceil(5)).max(GAS_OF_NOTHING),
            _ => GAS_OF_NOTHING,
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
