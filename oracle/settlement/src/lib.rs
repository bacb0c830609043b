//! Who is paid what: the pure integer functions that turn an epoch's receipts into payouts.
//!
//! | file | what it does |
//! |---|---|
//! | `divide` | an amount over weights, to the base unit, by largest remainder |
//! | `subpool` | the money of one license or one payment, and how a pool's credit is divided among them |
//! | `policy` | the named, versioned policies; a root on chain carries the id of the one it followed |
//! | `epoch_signed`, `per_inference` | which part of a score each policy counts |
//! | `share`, `total` | one receipt's weight divided by its scores; a contributor's wide running total |
//! | `weigh` | what a sub-pool's receipts say about each contributor, a block of receipts at a time |
//! | `settlement` | a whole epoch: every sub-pool by the policy, added up by account |
//! | `crew` | the epoch's receipts shared out among threads |
//! | [`reviews`] | the validators' part of the curators' income, over accepted reviews |
//! | `leaves` | payouts added to what was allocated before: the leaves of the next root |
//!
//! The same input gives the same output, bit for bit, on every machine: no floating point, no clock, no order of
//! arrival, no number of threads, no I/O. Overflow is an error and never a wrong number.
//!
//! What this crate does not know: chains, databases, signatures, how receipts were gathered or whether they are
//! genuine, and the fixed shares of owners, hosts and upstream models, which the contracts divide.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]

mod crew;
mod divide;
mod epoch_signed;
mod error;
mod leaves;
mod per_inference;
mod policy;
pub mod reviews;
mod settlement;
mod share;
mod subpool;
mod total;
mod weigh;

pub use divide::divide;
pub use error::SettlementError;
pub use leaves::cumulative_leaves;
pub use policy::Policy;
pub use settlement::{Basis, Settlement, SubPoolSettlement};
pub use subpool::{SubPool, SubPoolId, Usage, divide_credit};
