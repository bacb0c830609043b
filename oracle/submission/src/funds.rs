//! Whether the signer can pay, and for how many more transactions.

use std::sync::PoisonError;

use alloy::primitives::U256;

use crate::{Alarm, Fees, Kind, Record, SubmissionError, submitter::Submitter};

impl Submitter {
    /// Refuses a transaction that could touch what the signer keeps, whatever else is waiting to be mined.
    pub(crate) async fn can_pay(&self, record: &Record, fees: Fees, gas_limit: u64) -> Result<(), SubmissionError> {
        let have = self.view.balance().await?;
        let cost = cost(fees, gas_limit);
        let mut need = self.policy.reserve.saturating_add(cost).saturating_add(record.intent.value);
        for other in self.store.open_records()? {
            if other.intent.key == record.intent.key || !other.is_in_flight() {
                continue;
            }
            if let Some(last) = other.last_attempt() {
                let value = if last.kind == Kind::Call { other.intent.value } else { U256::ZERO };
                need = need.saturating_add(value).saturating_add(self::cost(last.fees, last.gas_limit));
            }
        }
        let spare = have.saturating_sub(self.policy.reserve);
        let runway = spare.checked_div(cost).map_or(u64::MAX, |runway| u64::try_from(runway).unwrap_or(u64::MAX));
        {
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            (observed.balance, observed.runway) = (Some(have), Some(runway));
        }
        self.alarms.end(|alarm| matches!(alarm, Alarm::Runway { .. }));
        if runway < self.policy.runway_alarm {
            self.alarms.raise(Alarm::Runway { transactions: runway });
        }
        self.alarms.end(|alarm| matches!(alarm, Alarm::Funds { .. }));
        if have < need {
            return Err(SubmissionError::Funds { signer: self.view.signer, have, need });
        }
        Ok(())
    }
}

/// Most that a transaction can cost in fees, in wei.
fn cost(fees: Fees, gas_limit: u64) -> U256 {
    U256::from(fees.cap).saturating_mul(U256::from(gas_limit))
}
