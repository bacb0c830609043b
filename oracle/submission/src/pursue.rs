//! `sent → included`: rebroadcasting, replacing, and finding out who used the nonce.

use alloy::{eips::BlockId, primitives::U256};

use crate::{
    Alarm, Class, Effect, GivenUp, Kind, Record, State, SubmissionError, class::Reply, moment::Moment, sign::now,
    store::Facts, submitter::Submitter,
};

impl Submitter {
    /// One look at a nonce that transactions compete for. Returns the record if one of them is in a block.
    pub(crate) async fn pursue(&self, mut record: Record) -> Result<Option<Record>, SubmissionError> {
        let Some(nonce) = record.nonce else { return Ok(None) };
        let hashes: Vec<_> = record.competing().rev().map(|attempt| attempt.hash).collect();
        for hash in &hashes {
            if let Some(inclusion) = self.view.receipt(*hash).await? {
                self.reached(Moment::ReceiptSeen)?;
                record.inclusion = Some(inclusion);
                if !record.state.is_terminal() {
                    record.state = State::Included;
                }
                self.save(&record, U256::ZERO)?;
                self.reached(Moment::Included)?;
                self.end_fee_alarm(&record);
                return Ok(Some(record));
            }
        }
        if self.view.highest_nonce().await? > nonce {
            self.ask_who_used(record, nonce).await?;
            return Ok(None);
        }
        self.ask_target(&mut record, nonce).await?;
        let wanted = wanted(&record);
        let Some(last) = record.last_attempt().cloned() else {
            // A gap that is filled: the nonce is on disk, the signature is not.
            let gas_limit = self.gas_of_nothing(&record).await;
            let offer = self.offer(gas_limit).await?;
            self.can_pay(&record, offer, gas_limit).await?;
            self.sign(&mut record, Kind::Call, offer, gas_limit).await?;
            self.broadcast(&mut record).await?;
            return Ok(None);
        };
        let waited = now().saturating_sub(last.at);
        let is_due = record.state != State::Signed && waited >= self.policy.replace_after.as_secs();
        if (last.kind != wanted || is_due) && self.replace(&mut record, wanted).await? {
            self.broadcast(&mut record).await?;
            return Ok(None);
        }
        // A call that must not happen any more is not helped along, even where it cannot be replaced.
        if last.kind == wanted && (record.state == State::Signed || self.is_missing(&last.hash).await) {
            let reply = self.broadcast(&mut record).await?;
            // A node that asks for more is offered more at once.
            if reply == Reply::Not(Class::Fee) && self.replace(&mut record, wanted).await? {
                self.broadcast(&mut record).await?;
            }
        }
        Ok(None)
    }

    /// Whether some node does not have the transaction. A node that does not answer is given it once more.
    async fn is_missing(&self, hash: &alloy::primitives::B256) -> bool {
        for endpoint in self.view.nodes.iter() {
            if !self.view.knows(endpoint, *hash).await.unwrap_or(false) {
                return true;
            }
        }
        false
    }

    /// Signs a transaction that offers more for the same nonce; whether it did. At the ceiling it does not.
    async fn replace(&self, record: &mut Record, wanted: Kind) -> Result<bool, SubmissionError> {
        let Some(last) = record.last_attempt().cloned() else { return Ok(false) };
        let gas_limit = match wanted {
            Kind::Cancel if last.kind != Kind::Cancel => self.gas_of_nothing(record).await,
            _ => last.gas_limit,
        };
        let fresh = self.offer(gas_limit).await?;
        let ceiling = self.ceiling(gas_limit);
        let Some(fees) = last.fees.replacement(fresh, self.policy.bump_percent, ceiling) else {
            self.alarms.raise(Alarm::FeeCeiling { key: record.intent.key });
            return Ok(false);
        };
        match self.can_pay(record, fees, gas_limit).await {
            // What was offered before goes on being offered.
            Err(error @ SubmissionError::Funds { .. }) => {
                self.note(&error);
                return Ok(false);
            }
            other => other?,
        }
        self.sign(record, wanted, fees, gas_limit).await?;
        Ok(true)
    }

    /// Asks whether somebody else brought about the effect, or another one, while the transaction waits.
    async fn ask_target(&self, record: &mut Record, nonce: u64) -> Result<(), SubmissionError> {
        if record.fills_gap || record.given_up.is_some() || record.state.is_terminal() {
            return Ok(());
        }
        match self.target.effect(&record.intent, BlockId::latest()).await {
            Ok(Effect::NotYet) => Ok(()),
            Ok(Effect::Equal) => {
                // Ours may have been mined since its receipt was asked for.
                if self.view.highest_nonce().await? > nonce {
                    return Ok(());
                }
                record.given_up = Some(GivenUp::Superseded);
                self.save(record, U256::ZERO)
            }
            Ok(Effect::Different(reason)) => self.halt(record, reason, U256::ZERO),
            // What was sent stays sent; only the question is asked again.
            Err(unclear) => {
                self.note(&unclear.into());
                Ok(())
            }
        }
    }

    /// The chain has used the nonce and no receipt of ours was found: positive evidence decides, and only what is final.
    async fn ask_who_used(&self, mut record: Record, nonce: u64) -> Result<(), SubmissionError> {
        let is_ours = |hash| record.attempts.iter().any(|attempt| attempt.hash == hash);
        let head = self.view.head().await?.number.to();
        let Some((hash, block)) = self.view.user_of(nonce, head).await? else { return Ok(()) };
        if is_ours(hash) {
            tracing::debug!(%hash, "mined, but no node gave its receipt");
            return Ok(());
        }
        self.alarms.raise(Alarm::ForeignUse { nonce, hash: Some(hash) });
        let is_final = self.view.final_block().await?.is_some_and(|end| end >= block);
        if !is_final || self.view.user_of(nonce, block).await? != Some((hash, block)) {
            return Ok(());
        }
        // None of ours can be mined any more: the intent begins anew, with the question whether it is still needed.
        record.nonce = None;
        record.state = match (&record.state, record.given_up.take()) {
            (state, _) if state.is_terminal() => record.state,
            (_, Some(GivenUp::Abandoned)) => State::Failed { reason: "given up by an operator".into() },
            _ if record.fills_gap => State::Failed { reason: "the nonce was not missing after all".into() },
            _ => State::Built,
        };
        self.store.save(&record, Facts { paid: U256::ZERO, foreign: Some((nonce, hash)) })?;
        self.end_fee_alarm(&record);
        Ok(())
    }

    fn end_fee_alarm(&self, record: &Record) {
        let key = record.intent.key;
        self.alarms.end(
            |alarm| matches!(alarm, Alarm::FeeCeiling { key: of } | Alarm::Rejected { key: of, .. } if *of == key),
        );
    }
}

/// What the nonce is to be used for.
fn wanted(record: &Record) -> Kind {
    if record.given_up.is_some() || record.state.is_terminal() { Kind::Cancel } else { Kind::Call }
}
