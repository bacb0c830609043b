//! The host: models behind HTTP, every answer attributed, receipted and durable before it leaves.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`], [`secret`] | configuration: defaults, file, environment, flags; values that are never printed |
//! | [`host`] | what serving means: admission, answering, closing an epoch |
//! | [`dataset`] | a dataset's host: contributions in, sealed, and out by purpose alone |
//! | [`http`] | the routes, and how every refusal becomes JSON with a code |
//! | [`metrics`] | what monitoring reads |
//! | [`clerk`] | closes epochs when they are due, posts roots once enough have signed |
//! | `mirror` | published batches in a bucket, where that is built in |
//! | [`releases`] | where published releases lie |
//! | [`connect`] | a proxy that signs for clients which cannot |
//! | [`moment`] | where a crash must lose nothing |
//! | [`protocol`] | the messages of the Open Inference Protocol |
//! | [`terms`] | what an owner sells: terms files, checked, and the readable text whose hash goes on chain |
//! | [`steps`] | each step of the main job as one function, for the commands and the demo alike |
//!
//! The crate wires the others together and has no rules of its own about how money is divided, attribution or encodings.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic))]

pub mod clerk;
pub mod connect;
pub mod dataset;
pub mod host;
pub mod http;
pub mod metrics;
#[cfg(feature = "s3")]
pub mod mirror;
pub mod moment;
pub mod protocol;
pub mod releases;
pub mod secret;
pub mod settings;
pub mod steps;
pub mod terms;
