//! `built → signed`: what must hold before anything is signed.

use alloy::{eips::BlockId, primitives::U256};

use crate::{
    Effect, Fees, Kind, Record, State, SubmissionError, fees, moment::Moment, submitter::Submitter, target::Unclear,
};

impl From<Unclear> for SubmissionError {
    fn from(unclear: Unclear) -> Self {
        Self::Unclear { reason: unclear.to_string() }
    }
}

impl Submitter {
    /// Asks whether the effect is there, whether the contract would refuse, what it takes and whether that can be paid;
    /// then signs and broadcasts.
    pub(crate) async fn plan(&self, mut record: Record) -> Result<(), SubmissionError> {
        if self.is_there(&mut record).await? {
            return Ok(());
        }
        self.target.ready(&record.intent).await?;
        if let Err(data) = self.view.simulate(&record.intent, BlockId::latest()).await? {
            return self.refused(&mut record, &data).await;
        }
        let Some(gas_limit) = self.gas_for(&mut record).await? else { return Ok(()) };
        let nonce = self.store.next_nonce()?;
        let offer = self.offer(gas_limit).await?;
        self.can_pay(&record, offer, gas_limit).await?;
        self.reached(Moment::Planned)?;
        (record.nonce, record.inclusion) = (Some(nonce), None);
        self.sign(&mut record, Kind::Call, offer, gas_limit).await?;
        self.broadcast(&mut record).await?;
        Ok(())
    }

    /// Whether the chain has the effect or another one, by somebody else; then that is what becomes of the intent.
    async fn is_there(&self, record: &mut Record) -> Result<bool, SubmissionError> {
        match self.target.effect(&record.intent, BlockId::latest()).await? {
            Effect::NotYet => Ok(false),
            Effect::Equal => {
                // What can still be reorganised away is waited for, not adopted.
                if self.final_effect(record).await? == Effect::Equal {
                    record.state = State::Adopted;
                    self.save(record, U256::ZERO)?;
                }
                Ok(true)
            }
            Effect::Different(reason) => {
                self.halt(record, reason, U256::ZERO)?;
                Ok(true)
            }
        }
    }

    /// What the target has at the newest final block; nothing while there is none.
    pub(crate) async fn final_effect(&self, record: &Record) -> Result<Effect, SubmissionError> {
        match self.view.final_block().await? {
            Some(block) => Ok(self.target.effect(&record.intent, BlockId::number(block)).await?),
            None => Ok(Effect::NotYet),
        }
    }

    /// The contract would refuse. Somebody may have been quicker since the target was asked; else the intent has failed.
    async fn refused(&self, record: &mut Record, data: &[u8]) -> Result<(), SubmissionError> {
        if self.is_there(record).await? { Ok(()) } else { self.fail(record, self.words_for(data)) }
    }

    fn fail(&self, record: &mut Record, reason: String) -> Result<(), SubmissionError> {
        record.state = State::Failed { reason };
        self.save(record, U256::ZERO)
    }

    async fn gas_for(&self, record: &mut Record) -> Result<Option<u64>, SubmissionError> {
        let cap = record.intent.gas_cap;
        match self.view.estimate(&record.intent).await? {
            // A fifth more: the state that the transaction meets need not be the one that it was tried on.
            Ok(gas) => match gas.saturating_add(gas.div_ceil(5)) {
                limit if limit <= cap => return Ok(Some(limit)),
                limit => {
                    self.fail(
                        record,
                        format!("it takes {limit} gas with a fifth to spare, more than its cap of {cap}"),
                    )?;
                }
            },
            Err(data) => self.refused(record, &data).await?,
        }
        Ok(None)
    }

    /// A first offer at present fees, within the policy's ceilings.
    pub(crate) async fn offer(&self, gas_limit: u64) -> Result<Fees, SubmissionError> {
        let head = self.view.head().await?;
        let (base, tip) = self.view.fees(&head).await?;
        Ok(Fees::offer(base, tip, self.ceiling(gas_limit)))
    }

    pub(crate) fn ceiling(&self, gas_limit: u64) -> u128 {
        fees::ceiling(self.policy.max_fee_per_gas, self.policy.max_cost, gas_limit)
    }

    /// What a refusal means, in the target's words if it has any.
    pub(crate) fn words_for(&self, data: &[u8]) -> String {
        match self.target.reason(data) {
            Some(reason) => reason,
            None if data.is_empty() => "the contract refused without a reason".into(),
            None => format!("the contract refused with {}", alloy::hex::encode_prefixed(data)),
        }
    }
}
