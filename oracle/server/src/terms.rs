//! Terms files: what an owner sells, in a file that people write, check and read before anything is on chain.
//!
//! | module | what it holds |
//! |---|---|
//! | [`amount`] | prices as people write them, in base units and back |
//! | [`preset`] | research, commercial, seat, metered: what each says where the file says nothing |
//! | [`file`](self::file) | the file, checked |
//! | [`offer`] | an offer as the contracts take it, and what they would refuse |
//! | [`words`] | rights, obligations, times and shares by name |
//! | `text` | an offer as readable text, whose hash goes on chain |
//!
//! It asks no chain: what a token is comes in as a value. Amounts are integers, and nothing is rounded.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod amount;
pub mod file;
pub mod offer;
pub mod preset;
mod text;
pub mod words;

pub use amount::{Amount, AmountError, whole_units};
pub use file::{PricedTerms, TermsError, TermsFile};
pub use offer::{NewOffer, OfferFault, Revocation};
pub use preset::Preset;
pub use text::{named, title};

use tributary_sdk::AssetId;

/// Longest that a license or its earning may take, in days: a century. What is meant for longer is meant for ever.
pub const MOST_DAYS: u64 = 36_525;

/// What licenses are to: an asset, and the chain whose registry knows it. Ids are the same on every chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The chain's id.
    pub chain: u64,
    /// The model.
    pub asset: AssetId,
}

/// An offer that is ready to be put on chain.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the file calls it.
    pub name: String,
    /// The offer, with its text.
    pub offer: NewOffer,
}

#[cfg(test)]
mod tests;
