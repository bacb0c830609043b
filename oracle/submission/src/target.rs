//! What the contract at the other end knows: whether an effect is there, and what its refusals mean.

use std::{fmt, future::Future, pin::Pin};

use alloy::eips::BlockId;

use crate::{Intent, text};

/// What a contract has of an intent's effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be brought about.
    NotYet,
    /// Exactly it, by whomever.
    Equal,
    /// Something else in its place, in words for an operator. It is never written over.
    Different(String),
}

/// The question could not be answered now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unclear(String);

impl Unclear {
    /// Why it could not be answered. URLs are taken out.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(text::without_urls(&reason.to_string()))
    }
}

/// The contracts that intents are for: they are the idempotency key.
///
/// With an answer to [`effect`](Self::effect), an intent can be submitted by several programs, and again after its file
/// was lost. `()` is for contracts that cannot be asked.
pub trait Target: Send + Sync {
    /// What the chain has at a block. Asked before signing, when a transaction waits or reverts, and when it is final.
    fn effect(&self, intent: &Intent, at: BlockId) -> impl Future<Output = Result<Effect, Unclear>> + Send;

    /// Whether everything stands that others will need once the effect is there, such as published data that can be
    /// read back. Asked before signing; until it holds nothing is signed.
    fn ready(&self, _intent: &Intent) -> impl Future<Output = Result<(), Unclear>> + Send {
        async { Ok(()) }
    }

    /// What a contract's revert data means, in words for an operator.
    fn reason(&self, _data: &[u8]) -> Option<String> {
        None
    }
}

impl Target for () {
    async fn effect(&self, _intent: &Intent, _at: BlockId) -> Result<Effect, Unclear> {
        Ok(Effect::NotYet)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unclear>> + Send + 'a>>;

/// [`Target`] behind a pointer, so that nothing else is generic over it.
pub(crate) trait AnyTarget: Send + Sync {
    fn effect<'a>(&'a self, intent: &'a Intent, at: BlockId) -> Answer<'a, Effect>;
    fn ready<'a>(&'a self, intent: &'a Intent) -> Answer<'a, ()>;
    fn reason(&self, data: &[u8]) -> Option<String>;
}

impl<T: Target> AnyTarget for T {
    fn effect<'a>(&'a self, intent: &'a Intent, at: BlockId) -> Answer<'a, Effect> {
        Box::pin(Target::effect(self, intent, at))
    }

    fn ready<'a>(&'a self, intent: &'a Intent) -> Answer<'a, ()> {
        Box::pin(Target::ready(self, intent))
    }

    fn reason(&self, data: &[u8]) -> Option<String> {
        Target::reason(self, data)
    }
}
