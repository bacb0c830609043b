//! Everything somebody needs to check Tributary's accounts, and nothing more.
//!
//! | module | what it holds |
//! |---|---|
//! | [`identity`], [`money`] | asset ids, basis points, amounts written as decimal text |
//! | [`typed_data`] | the EIP-712 messages people, session keys, hosts and attestors sign |
//! | [`sign_in`] | by which a license's holder says who may ask under it (EIP-4361, or EIP-712) |
//! | [`authorization`] | what binds an ERC-3009 authorisation to one purchase or renewal |
//! | [`records`] | salted commitments to contributed records |
//! | [`merkle`], [`sum_tree`] | the two trees: one for things, one for money |
//! | [`snapshot`] | what a dataset's snapshot commits to; proofs that a record is in it or not |
//! | [`faults`] | what is provably wrong with a posted root, and the proof |
//! | [`sketch`], [`table`] | a served output's sketch and the contributors' integer rows |
//! | [`release`], [`batch`] | the published files: a model release, an epoch with its receipts |
//! | [`contracts`] | bindings of the contract suite, from committed ABIs |
//! | [`deployment`] | the suite's addresses, and the manifest of a chain it was put on |
//! | [`api`], [`client`] | the host's HTTP bodies; sign in and ask a model |
//!
//! The crate knows no ONNX, no database and no settlement policy. It opens no file.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod api;
pub mod authorization;
pub mod batch;
pub mod client;
pub mod contracts;
pub mod deployment;
pub mod faults;
pub mod identity;
pub mod merkle;
pub mod money;
pub mod records;
pub mod release;
pub mod sign_in;
pub mod sketch;
pub mod snapshot;
pub mod sum_tree;
pub mod table;
pub mod typed_data;

pub use alloy::primitives::{Address, B256, Bytes, U256, hex, keccak256};
pub use identity::AssetId;
pub use money::BasisPoints;
