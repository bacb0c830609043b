//! Who is paid what: the pure integer functions that turn an epoch's receipts into payouts.
//!
//! | file | what it does |
//! |---|---|
//! | `divide` | an amount over weights, to the base unit, by largest remainder |
//! | `subpool` | the money of one license or one payment, and how a pool's credit is divided among them |
//! | `policy` | the named, versioned policies; a root on chain carries the id of the one it followed |
//! | `epoch_signed` | `epoch-signed/1`: attribution of a sub-pool's receipts |
//! | `settlement` | a whole epoch: every sub-pool by the policy, added up by account |
//! | `leaves` | payouts added to what was allocated before: the leaves of the next root |
//!
//! The same input gives the same output, bit for bit, on every machine: no floating point, no clock, no order of
//! arrival, no I/O. Overflow is an error and never a wrong number.
//!
//! What this crate does not know: chains, databases, signatures, how receipts were gathered or whether they are
//! genuine, and the fixed shares of owners, hosts and upstream models, which the contracts divide.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects))]

mod divide;
mod epoch_signed;
mod error;
mod leaves;
mod policy;
mod settlement;
mod subpool;

pub use divide::divide;
pub use error::SettlementError;
pub use leaves::cumulative_leaves;
pub use policy::Policy;
pub use settlement::{Basis, Settlement, SubPoolSettlement};
pub use subpool::{SubPool, SubPoolId, Usage, divide_credit};
