//! Licenses: offer, buy, read.

use alloy::primitives::{Address, B256, U256};
use tributary_chain::{
    Account, Chain, assets,
    licenses::{self, obligations, rights},
    tokens::{self, Token},
    transact,
};
use tributary_sdk::{
    AssetId,
    contracts::license::{Offer, Terms},
};

use crate::releases::ReleaseStore;
pub use crate::terms::{NewOffer, Revocation};
use crate::terms::{
    PricedTerms, Subject, TermsFile, named,
    offer::is_same,
    words::{earning, money, time, token as token_words},
};

use super::StepError;

/// An offer of a terms file that is on chain.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Its number on chain.
    pub id: U256,
    /// What the file calls it.
    pub name: String,
    /// Its price in base units.
    pub price: u128,
    /// keccak-256 of its text, which the store keeps.
    pub text_hash: B256,
    /// Since when it is on chain.
    pub standing: Standing,
}

/// Since when an offer is on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was put there now.
    New,
    /// It was there before, and is open.
    Stood,
}

/// Checks a terms file against its token, before anything is on chain: all that the contracts would refuse of it is refused
/// here, but that the asset is somebody else's.
///
/// # Errors
/// [`StepError::Terms`]; [`StepError::Chain`] where the token is none.
pub async fn check(chain: &Chain, file: &TermsFile) -> Result<PricedTerms, StepError> {
    Ok(file.priced(tokens::about(chain, file.token()).await?)?)
}

/// Offers what a terms file says, and keeps the texts. What is on offer already, for this asset and in every part the same,
/// is not offered again: so this goes on where it was broken off.
///
/// # Errors
/// Those of [`check`], before any transaction; [`StepError::NotTheOwner`]; whatever the chain answers.
pub async fn offer_all(
    owner: &Account,
    store: &ReleaseStore,
    asset: AssetId,
    file: &TermsFile,
) -> Result<Vec<Offered>, StepError> {
    let chain = owner.chain();
    let priced = check(chain, file).await?;
    let of = assets::owner(chain, asset).await?;
    if of != owner.address() {
        return Err(StepError::NotTheOwner { asset, owner: of, account: owner.address() });
    }
    // What was sent before this was broken off may not be in a block yet.
    transact::settled(owner).await?;
    let open = licenses::offers_of(chain, asset).await?;
    let mut offered = Vec::new();
    for prepared in priced.offers(Subject { chain: chain.id(), asset }) {
        let new = prepared.offer;
        let (price, text_hash) = (new.price, store.put_text(&new.legal_text).await?);
        let wanted = new.offer();
        let (id, standing) = match open.iter().find(|(_, there, _)| is_same(there, &wanted)) {
            Some((id, ..)) => (*id, Standing::Stood),
            None => (offer(owner, new).await?, Standing::New),
        };
        offered.push(Offered { id, name: prepared.name, price, text_hash, standing });
    }
    Ok(offered)
}

/// Defines the terms and offers licenses under them.
///
/// # Errors
/// [`StepError::Offer`], before any transaction; whatever the chain answers.
pub async fn offer(owner: &Account, new: NewOffer) -> Result<U256, StepError> {
    new.check()?;
    licenses::define_terms(owner, new.terms()).await?;
    Ok(licenses::offer(owner, new.offer()).await?)
}

/// Buys one license; says so beforehand if the money is not there.
pub async fn buy(buyer: &Account, offer: U256) -> Result<U256, StepError> {
    let (sold, _) = licenses::offer_of(buyer.chain(), offer).await?;
    check_funds(buyer, sold.token, U256::from(sold.price)).await?;
    Ok(licenses::buy(buyer, offer).await?)
}

/// Renews a license, whosever it is; says so beforehand if the money is not there. Returns its new end.
pub async fn renew(payer: &Account, license: U256) -> Result<u64, StepError> {
    let (token, price) = licenses::renewal_quote(payer.chain(), license).await?;
    check_funds(payer, token, price).await?;
    Ok(licenses::renew(payer, license).await?)
}

/// Ends a license to the account's asset, if its terms are revocable. Returns who is credited the part of its fee that is
/// not earned, and how much that is.
pub async fn revoke(owner: &Account, license: U256, reason: &str) -> Result<(Address, u128), StepError> {
    Ok(licenses::revoke(owner, license, reason).await?)
}

async fn check_funds(payer: &Account, token: Address, price: U256) -> Result<(), StepError> {
    let held = tokens::balance(payer.chain(), token, payer.address()).await?;
    if held < price {
        let [held, price] = [held, price].map(|amount| u128::try_from(amount).unwrap_or(u128::MAX));
        return Err(StepError::CannotPay { account: payer.address(), held, token, price });
    }
    Ok(())
}

/// An offer in words, one line each: what it costs, for how long, what may be done, what not, within which limits, in return
/// for what. Territory and field of use are named where the store keeps the offer's text.
pub async fn describe(chain: &Chain, store: Option<&ReleaseStore>, offer: U256) -> Result<Vec<String>, StepError> {
    let (offer, terms) = licenses::offer_of(chain, offer).await?;
    let text = match store {
        Some(store) => store.text(terms.legalTextHash).await?,
        None => None,
    };
    let token = tokens::about(chain, offer.token).await?;
    let hash = terms.legalTextHash;
    let kept = match text {
        Some(_) => format!("{hash}, kept with the releases as texts/{hash}.md"),
        None => format!("{hash}, not kept here: the model's host has it at /v1/texts/{hash}"),
    };
    let mut rows = rows(&offer, &terms, &token, text.as_deref());
    rows.push(("text", kept));
    Ok(rows.into_iter().map(|(name, words)| format!("{name:<8}{words}")).collect())
}

/// An offer in words: what each row is about, and what it says.
pub(super) fn rows(offer: &Offer, terms: &Terms, token: &Token, text: Option<&str>) -> Vec<(&'static str, String)> {
    let (may, may_not) = rights::words(terms.rights);
    let calls =
        |limit: u64| if limit == 0 { "any number of calls".to_owned() } else { format!("at most {limit} calls") };
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let list = |words: Vec<&str>| if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
    let place = |hash: B256, anywhere: &str| match text.and_then(|text| named(text, hash)) {
        _ if hash.is_zero() => anywhere.to_owned(),
        Some(name) => name.to_owned(),
        None => format!("only as the offer's text names it (keccak-256 {hash})"),
    };
    let price = match offer.price {
        0 => "nothing: a gift to whoever takes it".to_owned(),
        price => format!("{}, paid in {}", money(price, token), token_words(token)),
    };
    let good = match offer.duration {
        0 => "for ever".to_owned(),
        seconds => format!("for {} from its purchase", time(seconds)),
    };
    let mut rows = vec![("price", price), ("good", good)];
    if offer.price > 0 {
        rows.push(("earned", earning(offer.upfrontBps, offer.earnPeriod)));
    }
    if offer.supply > 0 {
        rows.push(("number", format!("{} licenses", offer.supply)));
    }
    rows.extend([
        ("may", list(may)),
        ("may not", list(may_not)),
        ("limits", format!("{}, {} in any minute", calls(terms.maxCalls), calls(terms.callsPerMinute.into()))),
        ("where", place(terms.territory, "worldwide")),
        ("field", place(terms.fieldOfUse, "any")),
        ("owed", list(obligations::words(terms.obligations))),
        (
            "license",
            format!(
                "transferable: {}, lendable to a user: {}, revocable by the owner: {}",
                yes(terms.transferable),
                yes(terms.delegable),
                yes(terms.revocable)
            ),
        ),
    ]);
    rows
}
