//! The submitter: what callers and operators ask of it, and the order in which it works.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::{
    primitives::{B256, U256},
    signers::Signer,
};
use redb::Database;
use tracing::Instrument;

use crate::{
    Alarm, Endpoint, Intent, Policy, Record, State, SubmissionError, Target,
    alarm::Alarms,
    endpoint::Nodes,
    error::Binding,
    moment::Moment,
    nonces,
    open::{self, FILE_NAME},
    status::Observed,
    store::{Facts, Store},
    target::AnyTarget,
    view::View,
};

/// Durable submission for one signer on one chain. Share it behind an `Arc`.
///
/// Nothing runs in the background: intents move on in [`advance`](Self::advance), which [`settle`](Self::settle) and
/// [`run`](Self::run) call again and again. A future that is dropped in between loses nothing.
pub struct Submitter {
    pub(crate) store: Store,
    pub(crate) view: View,
    pub(crate) signer: Arc<dyn Signer + Send + Sync>,
    pub(crate) binding: Binding,
    pub(crate) policy: Policy,
    pub(crate) target: Box<dyn AnyTarget>,
    pub(crate) alarms: Alarms,
    pub(crate) observed: Mutex<Observed>,
    /// Set for good when a node turns out to be on another chain.
    pub(crate) stopped: Mutex<Option<SubmissionError>>,
    /// One step at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    #[cfg(test)]
    pub(crate) crash: Option<crate::crash::Crash>,
}

impl Submitter {
    /// Opens the file in `folder`, or makes a new one there, and holds its lock.
    ///
    /// The endpoints must be on one chain, the file's. What the chain says about the signer's nonces is compared with
    /// the file, and every open intent's target is asked before anything is signed for it.
    ///
    /// # Errors
    /// [`SubmissionError::InUse`], [`SubmissionError::NotWritable`], [`SubmissionError::Unreadable`],
    /// [`SubmissionError::OtherBinding`], [`SubmissionError::ChainChanged`], [`SubmissionError::NoEndpoint`],
    /// [`SubmissionError::Node`], [`SubmissionError::Disagreement`], [`SubmissionError::Storage`].
    pub async fn open(
        folder: &Path,
        endpoints: Vec<Endpoint>,
        signer: impl Signer + Send + Sync + 'static,
        target: impl Target + 'static,
        policy: Policy,
    ) -> Result<Self, SubmissionError> {
        Self::start(open::open(folder)?, folder, endpoints, signer, target, policy).await
    }

    /// Begins to work with an opened file, whose lock is held.
    pub(crate) async fn start(
        database: Database,
        folder: &Path,
        endpoints: Vec<Endpoint>,
        signer: impl Signer + Send + Sync + 'static,
        target: impl Target + 'static,
        policy: Policy,
    ) -> Result<Self, SubmissionError> {
        let policy = policy.in_range();
        let view = View::new(Nodes::new(endpoints, &policy)?, signer.address(), &policy);
        let identity = crate::identity::agreed(&view).await?;
        let binding = Binding { chain_id: identity.0, genesis: identity.1, signer: signer.address() };
        let next = nonces::first(&view).await?;
        open::bind(&database, &folder.join(FILE_NAME), binding, next)?;
        let submitter = Self {
            store: Store::new(database),
            view,
            signer: Arc::new(signer),
            binding,
            policy,
            target: Box::new(target),
            alarms: Alarms::default(),
            observed: Mutex::default(),
            stopped: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            #[cfg(test)]
            crash: None,
        };
        submitter.remember_alarms()?;
        if let Err(error) = nonces::reconcile(&submitter).await {
            submitter.note(&error);
            if !error.is_passing() {
                return Err(error);
            }
        }
        Ok(submitter)
    }

    /// Takes an intent. When this returns it is on disk and will be brought to an end, whatever happens to the program.
    ///
    /// The same intent again changes nothing; the state it has by now is returned.
    ///
    /// # Errors
    /// [`SubmissionError::Conflict`] if the key stands for something else; [`SubmissionError::Storage`].
    pub fn submit(&self, intent: Intent) -> Result<State, SubmissionError> {
        let key = intent.key;
        let record = Record::new(intent);
        let content = record.intent.clone();
        match self.store.insert(record)? {
            Ok(()) => {
                tracing::info!(%key, "built");
                self.reached(Moment::Built)?;
                Ok(State::Built)
            }
            Err(found) if found.intent == content => Ok(found.state),
            Err(_) => Err(SubmissionError::Conflict { key }),
        }
    }

    /// Moves every open intent as far as it can go now.
    ///
    /// # Errors
    /// The first that was met; other intents were moved all the same. Unless [`SubmissionError::is_passing`], nothing
    /// moves until somebody acts on it.
    pub async fn advance(&self) -> Result<(), SubmissionError> {
        let _turn = self.turn.lock().await;
        if let Some(error) = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        let result = self.step().await;
        match &result {
            Ok(()) => self.alarms.end(|alarm| matches!(alarm, Alarm::Disagreement { .. })),
            Err(error) => self.note(error),
        }
        result
    }

    async fn step(&self) -> Result<(), SubmissionError> {
        let mut failure = nonces::reconcile(self).await.err();
        if failure.as_ref().is_some_and(|error| !error.is_passing()) {
            return failure.map_or(Ok(()), Err);
        }
        let records = self.store.open_records()?;
        let mut in_flight = records.iter().filter(|record| record.is_in_flight()).count();
        for record in records {
            if record.nonce.is_none() && in_flight >= self.policy.in_flight {
                continue;
            }
            let (key, was_in_flight) = (record.intent.key, record.is_in_flight());
            let span = tracing::info_span!("intent", %key, state = record.state.label());
            match self.advance_one(record).instrument(span).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => {
                    self.note(&error);
                    failure = failure.or(Some(error));
                }
                Err(error) => return Err(error),
            }
            let is_in_flight = self.record(key)?.is_in_flight();
            in_flight = in_flight.saturating_sub(usize::from(was_in_flight)).saturating_add(usize::from(is_in_flight));
        }
        failure.map_or(Ok(()), Err)
    }

    async fn advance_one(&self, record: Record) -> Result<(), SubmissionError> {
        let record = match (&record.nonce, &record.inclusion) {
            (None, _) => return self.plan(record).await,
            (Some(_), None) => self.pursue(record).await?,
            (Some(_), Some(_)) => self.confirm(record).await?,
        };
        // A transaction that is found in a block, or is lost from one, is followed up at once.
        let Some(record) = record else { return Ok(()) };
        let followed = if record.inclusion.is_none() { self.pursue(record).await } else { self.confirm(record).await };
        followed.map(|_| ())
    }

    /// Moves until the intent has come to an end, and returns it. Errors that pass are waited out.
    ///
    /// # Errors
    /// [`SubmissionError::Unknown`], and those that do not pass.
    pub async fn settle(&self, key: B256) -> Result<State, SubmissionError> {
        self.until(key, State::is_terminal).await
    }

    /// Moves until the intent is in a state that will do, or at an end.
    ///
    /// # Errors
    /// [`SubmissionError::Unknown`], and those that do not pass.
    pub async fn until(&self, key: B256, will_do: impl Fn(&State) -> bool) -> Result<State, SubmissionError> {
        loop {
            match self.advance().await {
                Err(error) if !error.is_passing() => return Err(error),
                _ => {}
            }
            let state = self.record(key)?.state;
            if will_do(&state) || state.is_terminal() {
                return Ok(state);
            }
            tokio::time::sleep(self.policy.poll).await;
        }
    }

    /// Moves all intents, for ever.
    ///
    /// # Errors
    /// The first that does not pass.
    pub async fn run(&self) -> Result<std::convert::Infallible, SubmissionError> {
        loop {
            match self.advance().await {
                Err(error) if !error.is_passing() => return Err(error),
                _ => tokio::time::sleep(self.policy.poll).await,
            }
        }
    }

    /// What is known of an intent, with every transaction that was signed for it.
    ///
    /// # Errors
    /// [`SubmissionError::Unknown`], [`SubmissionError::Storage`].
    pub fn record(&self, key: B256) -> Result<Record, SubmissionError> {
        self.store.record(key)?.ok_or(SubmissionError::Unknown { key })
    }

    /// Everything that was ever submitted, in that order.
    ///
    /// # Errors
    /// [`SubmissionError::Storage`].
    pub fn records(&self) -> Result<Vec<Record>, SubmissionError> {
        self.store.records()
    }

    /// Writes a record and says so in the log.
    pub(crate) fn save(&self, record: &Record, paid: U256) -> Result<(), SubmissionError> {
        self.store.save(record, Facts { paid, foreign: None })?;
        tracing::info!(state = record.state.label(), nonce = record.nonce, attempts = record.attempts.len(), "on disk");
        Ok(())
    }

    /// Says so in the log; tests stop the program here.
    pub(crate) fn reached(&self, moment: Moment) -> Result<(), SubmissionError> {
        moment.reached();
        #[cfg(test)]
        if let Some(crash) = self.crash {
            crash.reached(moment)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Submitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitter").field("binding", &self.binding).finish_non_exhaustive()
    }
}
