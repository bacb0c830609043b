//! Licenses: offer, buy, read.

use alloy::primitives::{Address, B256, U256, keccak256};
use tributary_chain::{
    Account, Chain,
    licenses::{self, rights},
    tokens,
};
use tributary_sdk::{
    AssetId,
    contracts::license::{Offer, Terms},
};

use super::StepError;

/// What an owner sells.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// The model.
    pub asset: AssetId,
    /// Rights, one bit each.
    pub rights: u64,
    /// Most calls over the license's life; 0 is no limit.
    pub max_calls: u64,
    /// Most calls in any minute; 0 is no limit.
    pub calls_per_minute: u32,
    /// The legal text; its hash goes on chain.
    pub legal_text: String,
    /// The payment token.
    pub token: Address,
    /// Price in base units.
    pub price: u128,
    /// How long a license lasts, in seconds; 0 is for ever.
    pub duration: u64,
    /// Part of the price that is earned at once, in basis points.
    pub upfront_bps: u16,
    /// How long the rest takes to be earned, in seconds.
    pub earn_period: u64,
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

/// Defines the terms and offers licenses under them.
pub async fn offer(owner: &Account, new: NewOffer) -> Result<U256, StepError> {
    let terms = Terms {
        rights: U256::from(new.rights),
        maxCalls: new.max_calls,
        callsPerMinute: new.calls_per_minute,
        territory: B256::ZERO,
        fieldOfUse: B256::ZERO,
        obligations: U256::ZERO,
        legalTextHash: keccak256(&new.legal_text),
        transferable: true,
        delegable: true,
        revocable: new.revocation == Revocation::ByOwner,
    };
    let terms_id = licenses::define_terms(owner, terms).await?;
    let offer = Offer {
        assetId: new.asset.0,
        termsId: terms_id,
        token: new.token,
        price: new.price,
        duration: new.duration,
        upfrontBps: new.upfront_bps,
        earnPeriod: new.earn_period,
        supply: 0,
    };
    Ok(licenses::offer(owner, offer).await?)
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

/// Terms in words, one line each: what may be done, what not, within which limits.
pub async fn describe(chain: &Chain, offer: U256) -> Result<Vec<String>, StepError> {
    let (_, terms) = licenses::offer_of(chain, offer).await?;
    Ok(words(&terms))
}

fn words(terms: &Terms) -> Vec<String> {
    let (may, may_not) = rights::words(terms.rights);
    let limit = |limit: u64| if limit == 0 { "any number of".to_owned() } else { format!("at most {limit}") };
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    vec![
        format!("may     {}", may.join(", ")),
        format!("may not {}", may_not.join(", ")),
        format!("limits  {} calls, {} in any minute", limit(terms.maxCalls), limit(terms.callsPerMinute.into())),
        format!(
            "license transferable: {}, lendable to a user: {}, revocable by the owner: {}",
            yes(terms.transferable),
            yes(terms.delegable),
            yes(terms.revocable)
        ),
    ]
}
