//! A terms file, from TOML to offers.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use alloy::primitives::Address;
use serde::Deserialize;
use tributary_chain::tokens::Token;
use tributary_sdk::AssetId;

use super::{
    Amount, NewOffer, OfferFault, Prepared, Preset, Revocation, Subject,
    offer::is_same,
    preset::Earning,
    text,
    words::{DAY, Obligation, Right, is_line, is_text},
};

/// A terms file cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// It could not be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not TOML, or says what no terms file says.
    #[error("the terms file does not read: {0}")]
    Syntax(Box<toml::de::Error>),
    /// Its token is no address.
    #[error(
        "the terms file's token `{0}` is no address, or one letter of it is wrong: copy it again, 0x and 40 hexadecimal digits"
    )]
    Token(String),
    /// It offers nothing.
    #[error("the terms file offers nothing: write at least one [[offer]] with a preset and a price")]
    NoOffers,
    /// One of its offers cannot be made.
    #[error("offer {number} of the terms file (\"{name}\"): {fault}")]
    Offer {
        /// Its place, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// Why.
        fault: OfferFault,
    },
    /// Nobody could tell them apart.
    #[error("offers {one} and {other} of the terms file are the same: take one of them out, or give it another name")]
    Same {
        /// The first, from 1.
        one: usize,
        /// The second.
        other: usize,
    },
    /// Its prices were made for another token.
    #[error("the terms file names the token {named}, and {given} was asked about: ask about the file's token")]
    OtherToken {
        /// The file's.
        named: Address,
        /// Whose decimals were given.
        given: Address,
    },
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    token: String,
    #[serde(default, rename = "offer")]
    offers: Vec<Wanted>,
}

/// An offer as it is written: what is left out is the preset's.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Wanted {
    preset: Preset,
    name: Option<String>,
    price: Option<Amount>,
    price_per_call: Option<Amount>,
    days: Option<u64>,
    calls: Option<u64>,
    calls_per_minute: Option<u32>,
    rights: Option<Vec<Right>>,
    obligations: Option<Vec<Obligation>>,
    territory: Option<String>,
    field_of_use: Option<String>,
    transferable: Option<bool>,
    delegable: Option<bool>,
    revocable: Option<bool>,
    upfront: Option<u16>,
    earn_days: Option<u64>,
    supply: Option<u64>,
    clauses: Option<String>,
}

/// What one license costs.
#[derive(Clone, Debug)]
pub(super) enum Price {
    /// As a whole.
    License(Amount),
    /// By the call: as many as the license has.
    Call(Amount),
}

/// One offer of a file, with everything said.
#[derive(Clone, Debug)]
pub(super) struct Sale {
    pub(super) name: String,
    pub(super) price: Price,
    pub(super) clauses: Option<String>,
    /// Everything else, but asset, token, price and text.
    rest: NewOffer,
}

/// A terms file: what an owner sells, complete but for what only the token knows.
#[derive(Clone, Debug)]
pub struct TermsFile {
    token: Address,
    sales: Vec<Sale>,
}

impl FromStr for TermsFile {
    type Err = TermsError;

    fn from_str(text: &str) -> Result<Self, TermsError> {
        let file: File = toml::from_str(text).map_err(|error| TermsError::Syntax(Box::new(error)))?;
        let token = address(&file.token).ok_or_else(|| TermsError::Token(file.token.chars().take(64).collect()))?;
        if file.offers.is_empty() {
            return Err(TermsError::NoOffers);
        }
        let sale = |(number, wanted): (usize, Wanted)| {
            let name = wanted.name.clone().unwrap_or_else(|| wanted.preset.defaults().name.to_owned());
            wanted.complete(token).map_err(|fault| TermsError::Offer { number, name, fault })
        };
        let sales = (1..).zip(file.offers).map(sale).collect::<Result<_, _>>()?;
        Ok(Self { token, sales })
    }
}

/// An address, whose letters' case is a check on it unless all are alike (ERC-55).
fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x")?;
    let mixed =
        digits.bytes().any(|byte| byte.is_ascii_lowercase()) && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    match mixed {
        true => Address::parse_checksummed(text, None).ok(),
        false => text.parse().ok(),
    }
}

impl TermsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`TermsError`], but for what the token decides.
    pub fn read(path: &Path) -> Result<Self, TermsError> {
        let text = fs::read_to_string(path).map_err(|source| TermsError::File { path: path.to_owned(), source })?;
        text.parse()
    }

    /// What all of its offers are paid in.
    #[must_use]
    pub fn token(&self) -> Address {
        self.token
    }

    /// With prices in the token's base units: everything that the contracts would refuse is refused here.
    ///
    /// # Errors
    /// [`TermsError::Offer`], [`TermsError::Same`], [`TermsError::OtherToken`].
    pub fn priced(&self, token: Token) -> Result<PricedTerms, TermsError> {
        if token.address != self.token {
            return Err(TermsError::OtherToken { named: self.token, given: token.address });
        }
        let price = |(number, sale): (usize, &Sale)| {
            let name = sale.name.clone();
            let price = sale.price(token.decimals).map_err(|fault| TermsError::Offer { number, name, fault })?;
            Ok((sale.clone(), price))
        };
        let sales = (1..).zip(&self.sales).map(price).collect::<Result<_, _>>()?;
        let priced = PricedTerms { token, sales };
        priced.check()?;
        Ok(priced)
    }
}

impl Wanted {
    fn complete(self, token: Address) -> Result<Sale, OfferFault> {
        let preset = self.preset.defaults();
        let price = match (self.preset, self.price, self.price_per_call) {
            (Preset::Metered, Some(_), _) => return Err(OfferFault::PriceOfMetered),
            (Preset::Metered, None, None) => return Err(OfferFault::NoPricePerCall),
            (Preset::Metered, None, Some(_)) if self.calls.is_none_or(|calls| calls == 0) => {
                return Err(OfferFault::NoCalls);
            }
            (Preset::Metered, None, Some(price)) => Price::Call(price),
            (_, _, Some(_)) => return Err(OfferFault::PricePerCall),
            (_, None, None) => return Err(OfferFault::NoPrice),
            (_, Some(price), None) => Price::License(price),
        };
        let name = self.name.unwrap_or_else(|| preset.name.to_owned());
        if !is_line(&name) {
            return Err(OfferFault::Line("name"));
        }
        if self.clauses.as_deref().is_some_and(|clauses| !is_text(clauses)) {
            return Err(OfferFault::Clauses);
        }
        // Line ends and spaces around it are the editor's, not the owner's.
        let clauses = self.clauses.map(|clauses| clauses.trim().lines().collect::<Vec<_>>().join("\n"));
        let days = self.days.unwrap_or(preset.days);
        let earn_days = self.earn_days.unwrap_or(match preset.earning {
            Earning::OverItsTime => days,
            Earning::AtOnce => 0,
        });
        let seconds = |days: u64, fault| days.checked_mul(DAY).ok_or(fault);
        let bits = |bits: Vec<u64>| bits.into_iter().fold(0, |all, bit| all | bit);
        let rights = self.rights.map(|rights| bits(rights.into_iter().map(Right::bit).collect()));
        let obligations = self.obligations.map(|owed| bits(owed.into_iter().map(Obligation::bit).collect()));
        let rest = NewOffer {
            asset: AssetId(0),
            token,
            price: 0,
            duration: seconds(days, OfferFault::TooLong("days"))?,
            upfront_bps: self.upfront.unwrap_or(preset.upfront),
            earn_period: seconds(earn_days, OfferFault::EarnedTooLate)?,
            supply: self.supply.unwrap_or(0),
            rights: rights.unwrap_or(preset.rights),
            max_calls: self.calls.unwrap_or(0),
            calls_per_minute: self.calls_per_minute.unwrap_or(preset.calls_per_minute),
            territory: self.territory,
            field_of_use: self.field_of_use,
            obligations: obligations.unwrap_or(preset.obligations),
            legal_text: String::new(),
            transferable: self.transferable.unwrap_or(preset.transferable),
            delegable: self.delegable.unwrap_or(preset.delegable),
            revocation: if self.revocable.unwrap_or(false) { Revocation::ByOwner } else { Revocation::Never },
        };
        Ok(Sale { name, price, clauses, rest })
    }
}

impl Sale {
    /// Of one license, in base units.
    fn price(&self, decimals: u8) -> Result<u128, OfferFault> {
        match &self.price {
            Price::License(price) => Ok(price.base_units(decimals)?),
            Price::Call(price) => {
                let price = price.base_units(decimals)?;
                price.checked_mul(self.rest.max_calls.into()).ok_or(OfferFault::TooMuch)
            }
        }
    }
}

/// A terms file whose prices are exact amounts of its token, and all of whose offers the contracts would take.
#[derive(Clone, Debug)]
pub struct PricedTerms {
    token: Token,
    sales: Vec<(Sale, u128)>,
}

impl PricedTerms {
    /// What all of its offers are paid in.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Its offers of licenses to an asset, each with its text.
    #[must_use]
    pub fn offers(&self, subject: Subject) -> Vec<Prepared> {
        let prepared = |(sale, price): &(Sale, u128)| {
            let mut offer = NewOffer { asset: subject.asset, price: *price, ..sale.rest.clone() };
            offer.legal_text = text::of(subject, sale, &offer, &self.token);
            Prepared { name: sale.name.clone(), offer }
        };
        self.sales.iter().map(prepared).collect()
    }

    fn check(&self) -> Result<(), TermsError> {
        // Whatever the asset is: nothing that is refused depends on it.
        let offers = self.offers(Subject { chain: 0, asset: AssetId(0) });
        for (number, Prepared { name, offer }) in (1..).zip(&offers) {
            let refused = |fault| TermsError::Offer { number, name: name.clone(), fault };
            offer.check().map_err(refused)?;
            let before = (1..).zip(&offers).take_while(|(other, _)| *other < number);
            for (one, earlier) in before {
                if is_same(&earlier.offer.offer(), &offer.offer()) {
                    return Err(TermsError::Same { one, other: number });
                }
            }
        }
        Ok(())
    }
}
