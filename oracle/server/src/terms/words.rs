//! What a file calls rights and obligations, and what people are told of numbers.

use serde::Deserialize;
use tributary_chain::{
    licenses::{obligations, rights},
    tokens::{NATIVE, Token},
};

use super::whole_units;

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// A right by its name in a terms file, in the order of the contracts' bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Ask the model.
    Infer,
    /// Fine-tune it.
    FineTune,
    /// Distil it.
    Distil,
    /// Merge it.
    Merge,
    /// Redistribute its weights.
    Redistribute,
    /// Train on its answers.
    TrainOnOutputs,
    /// Use it commercially.
    Commercial,
    /// Sublicense it.
    Sublicense,
    /// Resell the license.
    Resell,
    /// Train on the data.
    Train,
}

impl Right {
    /// Its bit.
    #[must_use]
    pub fn bit(self) -> u64 {
        bit(&rights::NAMES, self as usize)
    }
}

/// An obligation by its name in a terms file, in the order of the contracts' bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    /// Name the model and its contributors.
    NameContributors,
    /// License what is derived under the same terms.
    ShareAlike,
    /// Tell users that an output was made by a model.
    Disclose,
}

impl Obligation {
    /// Its bit.
    #[must_use]
    pub fn bit(self) -> u64 {
        bit(&obligations::NAMES, self as usize)
    }
}

fn bit(names: &[(u64, &str)], place: usize) -> u64 {
    names.get(place).map_or(0, |(bit, _)| *bit)
}

/// A time: in the largest of days, hours, minutes and seconds of which it is whole ones.
#[must_use]
pub fn time(seconds: u64) -> String {
    for (unit, length) in [("day", DAY), ("hour", 3_600), ("minute", 60)] {
        if let (Some(count @ 1..), Some(0)) = (seconds.checked_div(length), seconds.checked_rem(length)) {
            return if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
        }
    }
    format!("{seconds} seconds")
}

/// Basis points in percent, exactly.
#[must_use]
pub fn percent(basis_points: u16) -> String {
    format!("{} %", whole_units(basis_points.into(), 2))
}

/// An amount of a token in whole units, with what the token calls itself.
#[must_use]
pub fn money(amount: u128, token: &Token) -> String {
    let whole = whole_units(amount, token.decimals);
    match &token.symbol {
        Some(symbol) => format!("{whole} {symbol}"),
        None if token.address == NATIVE => format!("{whole} of the chain's coin"),
        None => format!("{whole} of token {}", token.address),
    }
}

/// What a token is, for people.
#[must_use]
pub fn token(token: &Token) -> String {
    match token.address {
        NATIVE => "the chain's own coin".to_owned(),
        address => format!("the token {address}"),
    }
}

/// When a price is earned.
#[must_use]
pub fn earning(upfront_bps: u16, earn_period: u64) -> String {
    match (upfront_bps, earn_period) {
        (10_000.., _) | (_, 0) => "all at once".to_owned(),
        (0, period) => format!("evenly over {}", time(period)),
        (upfront, period) => format!("{} at once, the rest evenly over {}", percent(upfront), time(period)),
    }
}

/// Whether text can stand on one line of an offer's text and mean there what it says.
pub(super) fn is_line(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(is_hidden)
}

/// Whether text can stand in an offer's text over several lines.
pub(super) fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.lines().all(|line| !line.chars().any(is_hidden))
}

/// What is not seen, or changes the order in which the rest is seen. What some scripts are written with is none of it.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
