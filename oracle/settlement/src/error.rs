//! Why an epoch was not settled, and what to do about it.

use tributary_sdk::{Address, B256, table::TableError};

use crate::SubPoolId;

/// Nothing was paid: the input is wrong, or beyond what 128 and 256 bits hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettlementError {
    /// No policy of this name.
    #[error("there is no settlement policy `{name}`: this program knows {known}; update it or name one of these")]
    UnknownPolicy {
        /// What was asked for.
        name: String,
        /// The names this program knows.
        known: String,
    },

    /// No policy with this id.
    #[error("there is no settlement policy with id {id}: this program knows {known}; update it to audit this root")]
    UnknownPolicyId {
        /// keccak-256 of the name, as the root carries it.
        id: B256,
        /// The names this program knows.
        known: String,
    },

    /// A receipt's sketch does not fit the table.
    #[error(
        "receipt {receipt} of {subpool} cannot be scored ({source}); settle receipts with the table of their own release"
    )]
    Sketch {
        /// Whose money the receipt divides.
        subpool: SubPoolId,
        /// The receipt's place in the sub-pool, from 0.
        receipt: usize,
        /// What does not fit.
        source: TableError,
    },

    /// Receipts were not checked against the table before they were scored.
    #[error("receipts cannot be scored ({0}); settle receipts with the table of their own release")]
    Table(TableError),

    /// A thread ended before its work did.
    #[error("a thread of the settlement ended early: settle again, and report what it wrote")]
    Thread,

    /// One sub-pool twice.
    #[error("{0} appears twice: put its whole amount and all its receipts into one sub-pool")]
    DuplicateSubPool(SubPoolId),

    /// Receipts that no license and no payment stands behind.
    #[error(
        "money without receipts came with {receipts} receipts: put them into the sub-pool of their license or payment"
    )]
    UnexpectedReceipts {
        /// How many.
        receipts: usize,
    },

    /// Money, and only zero weights.
    #[error("{amount} base units cannot be divided because every weight is zero: give at least one a positive weight")]
    NoWeights {
        /// The money to divide, in base units.
        amount: u128,
    },

    /// The leaves of the last root are not a payout list.
    #[error("the previous leaf of {0} is zero or out of order: take the leaves of the last active root as published")]
    PreviousLeaves(Address),

    /// The payouts to add are not in order.
    #[error("the payout to {0} is out of order: sort payouts by account and merge equal accounts")]
    PayoutOrder(Address),

    /// A number does not fit.
    #[error("{what} does not fit its integer type; settle fewer receipts or smaller amounts in one epoch")]
    Overflow {
        /// Which number.
        what: &'static str,
    },
}
