//! An offer as readable text. The same offer gives the same bytes, for their hash is on chain.

use std::fmt::Write;

use alloy::primitives::{B256, U256, keccak256};
use tributary_chain::{
    licenses::{obligations, rights},
    tokens::Token,
};

use super::{
    NewOffer, Revocation, Subject,
    file::{Price, Sale},
    words::{earning, money, time, token as token_words},
};

const LICENSE_TO: &str = ": a license to model ";
const TERRITORY: &str = "- Territory: ";
const FIELD_OF_USE: &str = "- Field of use: ";

/// The territory or the field of use that an offer's text names, found by its hash.
#[must_use]
pub fn named(text: &str, hash: B256) -> Option<&str> {
    let named = |line| str::strip_prefix(line, TERRITORY).or_else(|| str::strip_prefix(line, FIELD_OF_USE));
    text.lines().filter_map(named).find(|named| keccak256(named) == hash)
}

/// What an offer's text calls it.
#[must_use]
pub fn title(text: &str) -> Option<&str> {
    let (name, _) = text.lines().next()?.strip_prefix("# ")?.split_once(LICENSE_TO)?;
    Some(name)
}

/// The text of an offer.
pub(super) fn of(subject: Subject, sale: &Sale, offer: &NewOffer, token: &Token) -> String {
    let Subject { chain, asset } = subject;
    let mut out = String::new();
    put(&mut out, &format!("# {}{LICENSE_TO}{asset}\n", sale.name));
    put(
        &mut out,
        &format!(
            "This license is to asset {asset} of the Tributary registry on the chain with the id {chain}, in all of its \
             versions. It is a token of that chain's license market, which has the keccak-256 of this text among the \
             license's terms. Whoever holds the token holds the license. One license is one seat: for one person or one \
             service at a time.\n"
        ),
    );
    let (may, may_not) = rights::words(U256::from(offer.rights));
    section(&mut out, "What you may do", may.iter().map(|right| format!("- {right}")));
    if !may_not.is_empty() {
        section(&mut out, "What you may not do", may_not.iter().map(|right| format!("- {right}")));
    }
    section(&mut out, "Limits", limits(offer));
    section(&mut out, "Price and time", price(sale, offer, token));
    let owed = obligations::words(U256::from(offer.obligations));
    let owed: Vec<String> = match owed.is_empty() {
        true => vec!["- nothing but the price".to_owned()],
        false => owed.iter().map(|owed| format!("- {owed}")).collect(),
    };
    section(&mut out, "What you owe in return", owed);
    if let Some(clauses) = &sale.clauses {
        section(&mut out, "Further clauses", [clauses.clone()]);
    }
    // One line break ends it.
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn limits(offer: &NewOffer) -> Vec<String> {
    let calls = match offer.max_calls {
        0 => "any number".to_owned(),
        most => format!("at most {most} over the license's whole life; each record asked about is a call"),
    };
    let by_minute = match offer.calls_per_minute {
        0 => "any number".to_owned(),
        most => format!("at most {most}"),
    };
    let transfer = match (offer.transferable, offer.rights & rights::RESELL > 0) {
        (true, true) => "the holder may give or sell the license to somebody else",
        (true, false) => "the holder may give the license to somebody else, and may not sell it",
        (false, _) => "none; the license stays with whoever got it first",
    };
    let lending = match offer.delegable {
        true => "the holder may name one user at a time (ERC-4907); holder and user share the limits",
        false => "none; the holder may name no user",
    };
    vec![
        format!("- Calls: {calls}."),
        format!("- Calls in any minute: {by_minute}."),
        format!("{TERRITORY}{}", offer.territory.as_deref().unwrap_or("worldwide")),
        format!("{FIELD_OF_USE}{}", offer.field_of_use.as_deref().unwrap_or("any")),
        format!("- Transfer: {transfer}."),
        format!("- Lending: {lending}."),
    ]
}

fn price(sale: &Sale, offer: &NewOffer, token: &Token) -> Vec<String> {
    let whole = money(offer.price, token);
    let price = match &sale.price {
        _ if offer.price == 0 => "nothing; the license is a gift to whoever takes it.".to_owned(),
        Price::License(_) => format!("{whole} for one license, paid in {}.", token_words(token)),
        Price::Call(_) => format!(
            "{whole} for one license, paid in {} before the first call: {} for each of its {} calls.",
            token_words(token),
            by_call(offer, token),
            offer.max_calls
        ),
    };
    let time = match offer.duration {
        0 => "good for ever; nothing is to be renewed.".to_owned(),
        seconds => format!(
            "good for {} from its purchase. Anyone may renew it as long as this is on sale, for the price and the time \
             that are said here; that adds time, and no calls.",
            time(seconds)
        ),
    };
    let end = match (offer.revocation, offer.price, offer.transferable) {
        (Revocation::Never, _, _) => "nobody can end the license early.",
        (Revocation::ByOwner, 0, _) => "the model's owner may end the license at any time.",
        (Revocation::ByOwner, _, true) => {
            "the model's owner may end the license at any time. What of its fees is not earned by then is the holder's."
        }
        (Revocation::ByOwner, _, false) => {
            "the model's owner may end the license at any time. What of its fees is not earned by then goes back to who \
             paid for the purchase."
        }
    };
    let mut lines = vec![format!("- Price: {price}"), format!("- Time: {time}")];
    if offer.price > 0 {
        lines.push(format!("- Earned: {}.", earning(offer.upfront_bps, offer.earn_period)));
    }
    lines.push(format!("- Early end: {end}"));
    if offer.supply > 0 {
        lines.push(format!("- Number: {} such licenses are sold, no more.", offer.supply));
    }
    lines
}

/// What one of the license's calls costs.
fn by_call(offer: &NewOffer, token: &Token) -> String {
    let price = offer.price.checked_div(offer.max_calls.into()).unwrap_or_default();
    money(price, token)
}

fn section(out: &mut String, title: &str, lines: impl IntoIterator<Item = String>) {
    put(out, &format!("## {title}\n"));
    for line in lines {
        put(out, &line);
    }
    out.push('\n');
}

fn put(out: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "{line}");
}
