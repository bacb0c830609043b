//! `included → final`: by the hash of the block, and back to `sent` when the chain dropped it.

use alloy::{eips::BlockId, primitives::U256};

use crate::{
    Effect, GivenUp, Inclusion, Kind, Record, State, SubmissionError, finality::Verdict, moment::Moment,
    submitter::Submitter,
};

impl Submitter {
    /// One look at an included transaction's block. Returns the record if its block is gone.
    pub(crate) async fn confirm(&self, mut record: Record) -> Result<Option<Record>, SubmissionError> {
        let Some(inclusion) = record.inclusion.clone() else { return Ok(None) };
        match self.view.verdict(&inclusion).await? {
            Verdict::Gone => {
                tracing::warn!(hash = %inclusion.hash, block = inclusion.block, "its block was reorganised away");
                record.inclusion = None;
                if !record.state.is_terminal() {
                    record.state = State::Sent;
                }
                self.save(&record, U256::ZERO)?;
                return Ok(Some(record));
            }
            Verdict::Canonical => self.look_at_revert(&mut record, &inclusion).await?,
            Verdict::Final => {
                self.reached(Moment::FinalitySeen)?;
                self.conclude(record, &inclusion).await?;
                self.reached(Moment::Final)?;
            }
        }
        Ok(None)
    }

    /// A transaction that reverted may have met another effect: then nothing waits for finality but the nonce.
    async fn look_at_revert(&self, record: &mut Record, inclusion: &Inclusion) -> Result<(), SubmissionError> {
        if inclusion.success || record.fills_gap || record.state.is_terminal() {
            return Ok(());
        }
        match self.target.effect(&record.intent, BlockId::latest()).await? {
            Effect::Different(reason) => self.halt(record, reason, U256::ZERO),
            Effect::Equal | Effect::NotYet => Ok(()),
        }
    }

    /// The end, by what is final.
    async fn conclude(&self, mut record: Record, inclusion: &Inclusion) -> Result<(), SubmissionError> {
        let kind = record.included_attempt().map_or(Kind::Call, |attempt| attempt.kind);
        let end = match () {
            () if record.state.is_terminal() => record.state.clone(),
            () if kind == Kind::Call && (inclusion.success || record.fills_gap) => State::Final,
            () => match self.final_effect(&record).await? {
                Effect::Equal => State::Adopted,
                Effect::Different(reason) => {
                    record.nonce = None;
                    return self.halt(&mut record, reason, inclusion.cost);
                }
                Effect::NotYet => self.unfulfilled(&record, kind, inclusion).await?,
            },
        };
        if end == State::Built {
            (record.inclusion, record.given_up) = (None, None);
        }
        record.nonce = None;
        record.state = end;
        self.save(&record, inclusion.cost)
    }

    /// The nonce is used up and the effect is not there.
    async fn unfulfilled(&self, record: &Record, kind: Kind, inclusion: &Inclusion) -> Result<State, SubmissionError> {
        Ok(match (&record.given_up, kind) {
            (Some(GivenUp::Abandoned), Kind::Cancel) => State::Failed { reason: "given up by an operator".into() },
            // Somebody else's effect was there and was reorganised away.
            (_, Kind::Cancel) => State::Built,
            (_, Kind::Call) => {
                let replayed = self.view.simulate(&record.intent, BlockId::number(inclusion.block)).await;
                let reason = match replayed {
                    Ok(Err(data)) => self.words_for(&data),
                    _ => "it would not be refused any more".into(),
                };
                State::Failed { reason: format!("transaction {} reverted: {reason}", inclusion.hash) }
            }
        })
    }
}
