//! Durable transaction submission for one signer on one EVM chain.
//!
//! A caller hands over an [`Intent`]: a call that must have its effect exactly once. From then on the effect comes about,
//! or an operator learns why not, whatever happens to the program, the nodes and the chain. Intents know nothing of what
//! they are for; the contract at the other end is asked through a [`Target`].
//!
//! ```no_run
//! use std::path::Path;
//!
//! use alloy::{
//!     eips::BlockId,
//!     primitives::{Address, Bytes, U256},
//!     providers::{DynProvider, Provider, ProviderBuilder},
//! };
//! use tributary_submission::{Effect, Endpoint, Intent, Key, Policy, Submitter, Target, Unclear};
//!
//! /// A contract whose slot takes one value for ever.
//! struct Register { provider: DynProvider }
//!
//! impl Target for Register {
//!     async fn effect(&self, intent: &Intent, at: BlockId) -> Result<Effect, Unclear> {
//!         let found = self.provider.get_storage_at(intent.to, U256::ZERO).block_id(at).await.map_err(Unclear::new)?;
//!         Ok(match found {
//!             U256::ZERO => Effect::NotYet,
//!             _ if found.to_be_bytes::<32>() == intent.calldata[..] => Effect::Equal,
//!             _ => Effect::Different(format!("the slot has {found}")),
//!         })
//!     }
//! }
//!
//! # async fn example(contract: Address, calldata: Bytes) -> Result<(), Box<dyn std::error::Error>> {
//! let provider = ProviderBuilder::new().connect_http("http://127.0.0.1:8545".parse()?).erased();
//! let endpoints = vec![Endpoint::new("own node", provider.clone())];
//! let signer = Key::from_env("POSTER_KEY")?.into_signer();
//! let target = Register { provider };
//! let submitter = Submitter::open(Path::new("data"), endpoints, signer, target, Policy::default()).await?;
//!
//! let key = Intent::key(1, contract, b"the first value");
//! submitter.submit(Intent { key, to: contract, calldata, value: U256::ZERO, gas_cap: 100_000 })?;
//! println!("{}", submitter.settle(key).await?);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `submitter`, `operate`, `standby` | what callers, operators and a second process do |
//! | `intent`, `record`, `store`, `open` | what is on disk, written before anything is done because of it |
//! | `plan`, `sign`, `broadcast`, `pursue`, `confirm` | the steps of the state machine |
//! | `nonces` | the signer's nonces: the file owns them, the chain is right |
//! | `fees`, `funds`, `policy` | what is offered, what can be paid, what is allowed |
//! | `endpoint`, `view`, `identity`, `finality`, `class` | nodes: how they are asked, what they agree on, what they mean |
//! | `moment` | where a crash must lose nothing |
//! | `target`, `alarm`, `status`, `keys`, `keystore` | what is asked of contracts and told to operators; where keys come from |
//!
//! It knows no contract, no event and no schedule. It runs no task of its own, opens no connection (an [`Endpoint`] is
//! made of a provider), and keeps one file, `submission.redb`. The state machine, who writes what before what, and what to
//! do on each alarm are in `docs/submission.md`.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]

// Unit tests share the world of the integration tests, which knows the crate by its name.
#[cfg(test)]
extern crate self as tributary_submission;

mod alarm;
mod broadcast;
mod class;
mod confirm;
#[cfg(test)]
mod crash;
mod endpoint;
mod error;
mod fees;
mod finality;
mod funds;
mod identity;
mod intent;
mod keys;
#[cfg(feature = "keystore")]
mod keystore;
mod moment;
mod nonces;
mod open;
mod operate;
mod plan;
mod policy;
mod pursue;
mod record;
mod sign;
mod standby;
mod status;
mod store;
mod submitter;
mod target;
mod text;
mod view;

pub use alarm::Alarm;
pub use class::Class;
pub use endpoint::Endpoint;
pub use error::{Binding, ChainIdentity, SubmissionError};
pub use fees::Fees;
pub use intent::Intent;
pub use keys::{Key, KeyError};
#[cfg(feature = "keystore")]
pub use keystore::Password;
pub use moment::{MOMENTS, Moment};
pub use open::FILE_NAME;
pub use policy::{Finality, Policy};
pub use record::{Attempt, GivenUp, Inclusion, Kind, Record, State};
pub use standby::Standby;
pub use status::Status;
pub use submitter::Submitter;
pub use target::{Effect, Target, Unclear};
