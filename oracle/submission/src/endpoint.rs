//! Nodes, and how they are asked: a limit on every call, reads repeated, nothing of a URL in an error.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use alloy::{
    providers::{DynProvider, Provider},
    transports::TransportError,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

use crate::{Class, Policy, SubmissionError, class, text::without_urls};

/// A node, under a name that may appear in logs.
#[derive(Clone)]
pub struct Endpoint {
    name: String,
    provider: DynProvider,
}

impl Endpoint {
    /// A node that `provider` talks to. The provider needs no wallet and no fillers, for it is only asked and given
    /// signed bytes. Name it by what an operator calls it, not by its URL.
    pub fn new(name: impl Into<String>, provider: impl Provider + 'static) -> Self {
        Self { name: name.into(), provider: provider.erased() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a call is given.
pub(crate) trait Params: Serialize + Clone + Send {}
impl<T: Serialize + Clone + Send> Params for T {}

/// What a call answers.
pub(crate) trait Answer: DeserializeOwned + Send + 'static {}
impl<T: DeserializeOwned + Send + 'static> Answer for T {}

/// What came of one call.
pub(crate) enum CallError {
    /// No answer in time.
    Timeout,
    /// An answer that is not what was asked for, such as null.
    Malformed(String),
    /// An error in the answer's place.
    Transport(TransportError),
}

impl CallError {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Timeout | Self::Malformed(_) => Class::Infra,
            Self::Transport(error) => class::of_read(error),
        }
    }

    pub(crate) fn named(&self, endpoint: &Endpoint, method: &'static str) -> SubmissionError {
        let reason = match self {
            Self::Timeout => "no answer in time".into(),
            Self::Malformed(reason) => without_urls(reason),
            Self::Transport(error) => without_urls(&error.to_string()),
        };
        SubmissionError::Node { endpoint: endpoint.name.clone(), method, class: self.class(), reason }
    }
}

/// All nodes of one chain.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    endpoints: Vec<Endpoint>,
    timeout: Duration,
    tries: u32,
    backoff: Duration,
    pub(crate) quorum: usize,
}

impl Nodes {
    pub(crate) fn new(endpoints: Vec<Endpoint>, policy: &Policy) -> Result<Self, SubmissionError> {
        if endpoints.is_empty() {
            return Err(SubmissionError::NoEndpoint);
        }
        let quorum = policy.quorum_of(endpoints.len());
        let (timeout, tries, backoff) = (policy.call_timeout, policy.read_tries, policy.backoff);
        Ok(Self { endpoints, timeout, tries, backoff, quorum })
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Endpoint> {
        self.endpoints.iter()
    }

    /// One call of one node.
    pub(crate) async fn call<P: Params, R: Answer>(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: P,
    ) -> Result<R, CallError> {
        let params = to_raw_value(&params).map_err(|error| CallError::Malformed(error.to_string()))?;
        let answer = self.exchange(endpoint, method, &params).await?;
        serde_json::from_str(answer.get()).map_err(|error| CallError::Malformed(error.to_string()))
    }

    /// Once for all types of parameters and answers, for it takes the compiler long.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: &RawValue,
    ) -> Result<Box<RawValue>, CallError> {
        match tokio::time::timeout(self.timeout, endpoint.provider.raw_request_dyn(method.into(), params)).await {
            Ok(answer) => answer.map_err(CallError::Transport),
            Err(_) => Err(CallError::Timeout),
        }
    }

    /// A read of one node, repeated while the node or the way to it is at fault.
    pub(crate) async fn ask<P: Params, R: Answer>(
        &self,
        endpoint: &Endpoint,
        method: &'static str,
        params: P,
    ) -> Result<R, SubmissionError> {
        self.repeated(std::iter::repeat(endpoint), method, params).await.map_err(|(error, _)| error)
    }

    /// A read of any node: the first, and the others in turn while nodes or the ways to them are at fault.
    pub(crate) async fn read<P: Params, R: Answer>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, SubmissionError> {
        self.try_read(method, params).await.map_err(|(error, _)| error)
    }

    /// The same, with what the node said.
    pub(crate) async fn try_read<P: Params, R: Answer>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, (SubmissionError, CallError)> {
        self.repeated(self.endpoints.iter().cycle(), method, params).await
    }

    async fn repeated<P: Params, R: Answer>(
        &self,
        mut endpoints: impl Iterator<Item = &Endpoint>,
        method: &'static str,
        params: P,
    ) -> Result<R, (SubmissionError, CallError)> {
        let mut wait = self.backoff;
        let mut left = self.tries;
        loop {
            let Some(endpoint) = endpoints.next() else {
                return Err((SubmissionError::NoEndpoint, CallError::Timeout));
            };
            let error = match self.call(endpoint, method, params.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let named = error.named(endpoint, method);
            left = left.saturating_sub(1);
            if error.class() != Class::Infra || left == 0 {
                return Err((named, error));
            }
            tracing::debug!(error = %named, "repeating a read");
            tokio::time::sleep(jittered(wait)).await;
            wait = wait.saturating_mul(2);
        }
    }
}

/// Between half of it and all: programs that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    wait.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_shortened_by_up_to_half() {
        let wait = Duration::from_secs(1);
        for _ in 0..100 {
            let jittered = jittered(wait);
            assert!(jittered >= wait / 2 && jittered <= wait);
        }
    }
}
