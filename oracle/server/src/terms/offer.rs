//! An offer as the contracts take it, and what they would refuse of it.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};
use tributary_chain::licenses::{obligations, rights};
use tributary_sdk::{
    AssetId,
    contracts::license::{Offer, Terms},
};

use super::{
    AmountError, MOST_DAYS,
    words::{DAY, is_line},
};

const MOST_SECONDS: u64 = MOST_DAYS.saturating_mul(DAY);
const MOST_SUPPLY: u64 = (1 << 48) - 1;
const WHOLE: u16 = 10_000;

/// What an owner sells, and all of its terms.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// The model.
    pub asset: AssetId,
    /// The payment token.
    pub token: Address,
    /// Price of one license in base units; 0 is a gift to whoever takes it.
    pub price: u128,
    /// How long a license lasts, in seconds; 0 is for ever.
    pub duration: u64,
    /// Part of the price that is earned at once, in basis points.
    pub upfront_bps: u16,
    /// How long the rest takes to be earned, in seconds; 0 is at once.
    pub earn_period: u64,
    /// How many licenses there are; 0 is no limit.
    pub supply: u64,
    /// Rights, one bit each.
    pub rights: u64,
    /// Most calls over the license's life; 0 is no limit.
    pub max_calls: u64,
    /// Most calls in any minute; 0 is no limit.
    pub calls_per_minute: u32,
    /// Where it may be used, as the legal text names it; worldwide if not given.
    pub territory: Option<String>,
    /// What for it may be used, as the legal text names it; anything if not given.
    pub field_of_use: Option<String>,
    /// Obligations, one bit each.
    pub obligations: u64,
    /// The legal text; its hash goes on chain.
    pub legal_text: String,
    /// Whether a license can change hands.
    pub transferable: bool,
    /// Whether its holder can lend it to a user.
    pub delegable: bool,
    /// Whether the owner may end a license early, against what is not earned of its fee.
    pub revocation: Revocation,
}

/// Whether licenses can be ended early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// Nobody can.
    #[default]
    Never,
    /// The asset's owner can.
    ByOwner,
}

/// Why something cannot be offered: the contracts would refuse it, or nobody could mean it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferFault {
    /// A license that gives nothing.
    #[error("it gives no rights: name at least one in `rights`")]
    NoRights,
    /// Bits that mean nothing.
    #[error("no contract knows the rights {0:#x}: use the bits of `rights::NAMES`")]
    UnknownRights(u64),
    /// Bits that mean nothing.
    #[error("no contract knows the obligations {0:#x}: use the bits of `obligations::NAMES`")]
    UnknownObligations(u64),
    /// A text that says nothing.
    #[error("its legal text is empty: say what is licensed")]
    NoText,
    /// A user is a new holder for a while.
    #[error(
        "it can be lent and cannot be transferred, which takes the right to sublicense: say `transferable = true` or \
         `delegable = false`, or name \"sublicense\" in `rights`"
    )]
    LentNotTransferable,
    /// A right that nobody could use.
    #[error(
        "it may be resold and cannot be transferred: say `transferable = true`, or take \"resell\" out of `rights`"
    )]
    ResoldNotTransferable,
    /// More than the whole price at once.
    #[error("`upfront` is {0} basis points: say at most {WHOLE}, which is all of the price")]
    Upfront(u16),
    /// Longer than a century.
    #[error("`{0}` is longer than 100 years: say at most {MOST_DAYS}, or 0 for ever")]
    TooLong(&'static str),
    /// A price that takes over a century to be earned.
    #[error("`earn-days` is longer than 100 years: say at most {MOST_DAYS}")]
    EarnedTooLate,
    /// More licenses than the market counts.
    #[error("`supply` is {0}: say at most {MOST_SUPPLY}, or 0 for no limit")]
    Supply(u64),
    /// Nothing to pay in.
    #[error("its token is the zero address: name the token that licenses are paid in")]
    NoToken,
    /// Words that are none, or that do not look like what they are.
    #[error(
        "`{0}` is empty, begins or ends with a space, or has line breaks or letters that cannot be seen: write it in one \
         line, or leave it out"
    )]
    Line(&'static str),
    /// Sentences that are none, or that do not look like what they are.
    #[error("`clauses` is empty or has letters that cannot be seen: write sentences, or leave it out")]
    Clauses,
    /// No price.
    #[error(
        "it has no price: say `price`, of one license in whole units of the token, such as \"100.00\"; \"0\" is a gift"
    )]
    NoPrice,
    /// Metered calls have a price each.
    #[error("what is metered costs by the call: say `price-per-call` and `calls` instead of `price`")]
    PriceOfMetered,
    /// Metered calls without a price.
    #[error("it has no price: say `price-per-call`, in whole units of the token, such as \"0.01\"")]
    NoPricePerCall,
    /// Only metered calls have a price each.
    #[error("only what is metered costs by the call: say `price`, or take the preset \"metered\"")]
    PricePerCall,
    /// Metered calls without their number.
    #[error("what is metered is so many calls: say `calls`, 1 or more")]
    NoCalls,
    /// A price that is none of this token.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Calls that cost more together than a price can be.
    #[error("its calls cost more base units together than a price can have: sell fewer of them, or for less")]
    TooMuch,
}

impl NewOffer {
    /// That the contracts would take it. Whether the token is one, and the asset its seller's, only the chain knows.
    ///
    /// # Errors
    /// The first [`OfferFault`].
    pub fn check(&self) -> Result<(), OfferFault> {
        if self.rights == 0 {
            return Err(OfferFault::NoRights);
        }
        if self.rights & !rights::ALL != 0 {
            return Err(OfferFault::UnknownRights(self.rights));
        }
        if self.obligations & !obligations::ALL != 0 {
            return Err(OfferFault::UnknownObligations(self.obligations));
        }
        if self.legal_text.trim().is_empty() {
            return Err(OfferFault::NoText);
        }
        if self.delegable && !self.transferable && self.rights & rights::SUBLICENSE == 0 {
            return Err(OfferFault::LentNotTransferable);
        }
        if self.rights & rights::RESELL > 0 && !self.transferable {
            return Err(OfferFault::ResoldNotTransferable);
        }
        if self.token == Address::ZERO {
            return Err(OfferFault::NoToken);
        }
        if self.upfront_bps > WHOLE {
            return Err(OfferFault::Upfront(self.upfront_bps));
        }
        if self.duration > MOST_SECONDS {
            return Err(OfferFault::TooLong("days"));
        }
        if self.earn_period > MOST_SECONDS {
            return Err(OfferFault::EarnedTooLate);
        }
        if self.supply > MOST_SUPPLY {
            return Err(OfferFault::Supply(self.supply));
        }
        for (named, what) in [(&self.territory, "territory"), (&self.field_of_use, "field-of-use")] {
            if named.as_deref().is_some_and(|named| !is_line(named)) {
                return Err(OfferFault::Line(what));
            }
        }
        Ok(())
    }

    /// Its terms, as the market keeps them.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let named = |text: &Option<String>| text.as_ref().map_or(B256::ZERO, keccak256);
        Terms {
            rights: U256::from(self.rights),
            maxCalls: self.max_calls,
            callsPerMinute: self.calls_per_minute,
            territory: named(&self.territory),
            fieldOfUse: named(&self.field_of_use),
            obligations: U256::from(self.obligations),
            legalTextHash: self.text_hash(),
            transferable: self.transferable,
            delegable: self.delegable,
            revocable: self.revocation == Revocation::ByOwner,
        }
    }

    /// The offer, as the market keeps it.
    #[must_use]
    pub fn offer(&self) -> Offer {
        Offer {
            assetId: self.asset.0,
            termsId: keccak256(self.terms().abi_encode()),
            token: self.token,
            price: self.price,
            duration: self.duration,
            upfrontBps: self.upfront_bps,
            earnPeriod: self.earn_period,
            supply: self.supply,
        }
    }

    /// keccak-256 of the legal text.
    #[must_use]
    pub fn text_hash(&self) -> B256 {
        keccak256(&self.legal_text)
    }
}

/// Whether two offers sell the same: the same terms, which an offer names by their hash, at the same price.
#[must_use]
pub fn is_same(one: &Offer, other: &Offer) -> bool {
    one.abi_encode() == other.abi_encode()
}
