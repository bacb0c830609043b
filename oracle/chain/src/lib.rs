//! Everything Tributary does on an EVM chain, and the recomputation that attestors and auditors run against it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`connect`], [`transact`] | a chain, an account on it, sending a transaction and understanding a refusal |
//! | [`anvil`] | the embedded development chain |
//! | [`deploy`] | the suite at its predictable addresses, from committed initcode |
//! | [`assets`], [`consent`], [`licenses`] | registering, contributing, granting, selling |
//! | [`follow`], [`wallets`], [`tokens`] | what changed about licenses since the last look; whether an account signed; what a token is, and what it holds of it |
//! | [`transfers`] | payments in a token, signed before they are sent |
//! | [`revenue`] | what a vault earned in a period, rebuilt from its events |
//! | [`epoch`] | from receipts and revenue to a published batch |
//! | [`verify`] | a batch recomputed from nothing but its bytes and the chain |
//! | [`why`] | the receipts and scores behind a payout |
//! | [`root`] | attesting, posting and claiming |
//! | [`orders`] | claiming and withdrawing to whom an account's signature says |
//! | [`posted`] | every attempt at a root, and why it was rejected |
//! | [`dispute`] | what is wrong with a root that is not active yet; proving it, challenging, ruling; bonds |
//!
//! It knows no database, no HTTP server and no model: receipts and tables come to it as plain data.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]

pub mod anvil;
pub mod assets;
pub mod connect;
pub mod consent;
pub mod deploy;
pub mod dispute;
pub mod epoch;
mod error;
pub mod follow;
pub mod licenses;
pub mod lineage;
mod logs;
pub mod orders;
pub mod posted;
pub mod revenue;
pub mod root;
pub mod tokens;
pub mod transact;
pub mod transfers;
pub mod verify;
pub mod wallets;
pub mod why;

pub use connect::{Account, Chain, Head, node};
pub use error::ChainError;
