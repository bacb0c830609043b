//! What operators see and decide.

use std::sync::PoisonError;

use alloy::primitives::{B256, U256};

use crate::{Alarm, Class, GivenUp, Record, State, SubmissionError, store::Facts, submitter::Submitter};

impl Submitter {
    /// An operator's decision to try a halted or failed intent again. Its target is asked first, as ever.
    ///
    /// # Errors
    /// [`SubmissionError::WrongState`], [`SubmissionError::Unknown`], [`SubmissionError::Storage`].
    pub async fn retry(&self, key: B256) -> Result<(), SubmissionError> {
        let _turn = self.turn.lock().await;
        let mut record = self.record(key)?;
        let state = record.state.label();
        if !matches!(record.state, State::Halted { .. } | State::Failed { .. }) {
            return Err(SubmissionError::WrongState {
                key,
                state,
                remedy: "only what is halted or failed can be retried",
            });
        }
        if record.nonce.is_some() {
            let remedy = "its nonce is still being used up; retry it once that is final";
            return Err(SubmissionError::WrongState { key, state, remedy });
        }
        (record.state, record.given_up, record.inclusion) = (State::Built, None, None);
        self.store.save(&record, Facts::default())?;
        self.alarms.end(|alarm| matches!(alarm, Alarm::Halted { key: halted, .. } if *halted == key));
        Ok(())
    }

    /// An operator's decision not to go on. If transactions were signed, their nonce is used up by one that does
    /// nothing; should the intent's own win all the same, it becomes final.
    ///
    /// # Errors
    /// [`SubmissionError::WrongState`], [`SubmissionError::Unknown`], [`SubmissionError::Storage`].
    pub async fn give_up(&self, key: B256) -> Result<(), SubmissionError> {
        let _turn = self.turn.lock().await;
        let mut record = self.record(key)?;
        if record.state.is_terminal() {
            let state = record.state.label();
            return Err(SubmissionError::WrongState { key, state, remedy: "there is nothing to give up" });
        }
        record.given_up = Some(GivenUp::Abandoned);
        if record.nonce.is_none() {
            record.state = State::Failed { reason: "given up by an operator".into() };
        }
        self.store.save(&record, Facts::default())
    }

    /// The alarms that are on.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        self.alarms.on()
    }

    /// An operator has seen that somebody else used the key and knows why: ends those alarms until the next use.
    ///
    /// # Errors
    /// [`SubmissionError::Storage`].
    pub fn acknowledge_foreign_use(&self) -> Result<(), SubmissionError> {
        self.store.acknowledge_foreign()?;
        self.alarms.end(|alarm| matches!(alarm, Alarm::ForeignUse { .. }));
        Ok(())
    }

    /// What the file remembers of alarms from before it was opened.
    pub(crate) fn remember_alarms(&self) -> Result<(), SubmissionError> {
        for record in self.store.records()? {
            if let State::Halted { reason } = record.state {
                self.alarms.raise(Alarm::Halted { key: record.intent.key, reason });
            }
        }
        for (nonce, hash) in self.store.unacknowledged_foreign()? {
            self.alarms.raise(Alarm::ForeignUse { nonce, hash: Some(hash) });
        }
        Ok(())
    }

    /// Remembers an error for the status, and raises the alarm that it stands for.
    pub(crate) fn note(&self, error: &SubmissionError) {
        tracing::warn!(class = error.class().label(), %error, "an error");
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).last_error = Some(error.class());
        match error {
            SubmissionError::ChainChanged { endpoint, .. } => {
                self.alarms.raise(Alarm::ChainChanged { endpoint: endpoint.clone() });
                *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            }
            SubmissionError::Disagreement { what } => self.alarms.raise(Alarm::Disagreement { what: what.clone() }),
            SubmissionError::Funds { have, need, .. } => {
                self.alarms.raise(Alarm::Funds { have: *have, need: *need });
            }
            SubmissionError::Nonce { nonce, reason, .. } => {
                self.alarms.raise(Alarm::Nonce { nonce: *nonce, reason: reason.clone() });
            }
            _ => {}
        }
    }

    pub(crate) fn note_class(&self, class: Class) {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).last_error = Some(class);
    }

    /// Halts an intent: what the chain has instead is never written over.
    pub(crate) fn halt(&self, record: &mut Record, reason: String, paid: U256) -> Result<(), SubmissionError> {
        record.state = State::Halted { reason: reason.clone() };
        self.save(record, paid)?;
        self.alarms.raise(Alarm::Halted { key: record.intent.key, reason });
        Ok(())
    }
}
