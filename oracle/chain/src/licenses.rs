//! Terms, offers, licenses.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use tributary_sdk::{
    AssetId,
    contracts::{
        DemoDollar, LicenseMarket, LicenseToken,
        license::{License, Limits, Offer, Terms},
    },
};

use crate::{
    Account, Chain, ChainError,
    assets::event,
    logs,
    transact::{ask, send},
};

const MARKET: &str = "the license market";
const TOKEN: &str = "the license token";

/// Rights a license can give, one bit each, as the contracts define them.
pub mod rights {
    /// Ask the model.
    pub const INFER: u64 = 1;
    /// Use answers commercially.
    pub const COMMERCIAL: u64 = 1 << 6;

    /// Every right's bit and its words, for people.
    pub const NAMES: [(u64, &str); 10] = [
        (1, "ask the model"),
        (1 << 1, "fine-tune it"),
        (1 << 2, "distil it"),
        (1 << 3, "merge it"),
        (1 << 4, "redistribute its weights"),
        (1 << 5, "train on its answers"),
        (1 << 6, "use it commercially"),
        (1 << 7, "sublicense it"),
        (1 << 8, "resell the license"),
        (1 << 9, "train on the data"),
    ];

    /// What may be done with these rights, in words, and what may not.
    pub fn words(given: alloy::primitives::U256) -> (Vec<&'static str>, Vec<&'static str>) {
        let has = |bit: u64| given & alloy::primitives::U256::from(bit) != alloy::primitives::U256::ZERO;
        let (may, may_not): (Vec<_>, Vec<_>) = NAMES.iter().partition(|(bit, _)| has(*bit));
        let names = |rights: Vec<&(u64, &'static str)>| rights.into_iter().map(|(_, name)| *name).collect();
        (names(may), names(may_not))
    }
}

/// Puts terms on chain; the id is their hash. Defining terms again changes nothing.
pub async fn define_terms(account: &Account, terms: Terms) -> Result<B256, ChainError> {
    let market = LicenseMarket::new(account.chain().deployment().market, account.provider());
    let id = ask(MARKET, market.termsIdOf(terms.clone())).await?;
    send(MARKET, market.defineTerms(terms)).await?;
    Ok(id)
}

/// Offers licenses to an asset of the account.
pub async fn offer(account: &Account, offer: Offer) -> Result<U256, ChainError> {
    let market = LicenseMarket::new(account.chain().deployment().market, account.provider());
    let receipt = send(MARKET, market.offer(offer)).await?;
    Ok(event::<LicenseMarket::Offered>(&receipt)?.offerId)
}

/// An offer and the terms it sells.
pub async fn offer_of(chain: &Chain, offer: U256) -> Result<(Offer, Terms), ChainError> {
    let market = LicenseMarket::new(chain.deployment().market, chain.provider());
    let offer = ask(MARKET, market.offerOf(offer)).await?;
    let terms = ask(MARKET, market.termsOf(offer.termsId)).await?;
    Ok((offer, terms))
}

/// Buys one license for the account with an ERC-20, at the offer's price; approves exactly that.
pub async fn buy(account: &Account, offer: U256) -> Result<U256, ChainError> {
    let deployment = account.chain().deployment();
    let market = LicenseMarket::new(deployment.market, account.provider());
    let terms = ask(MARKET, market.offerOf(offer)).await?;
    let token = DemoDollar::new(terms.token, account.provider());
    let price = U256::from(terms.price);
    send("the payment token", token.approve(deployment.market, price)).await?;
    let receipt = send(MARKET, market.buy(offer, 1, account.address(), price)).await?;
    Ok(event::<LicenseMarket::Bought>(&receipt)?.firstLicenseId)
}

/// Renews a license under its own offer, for the price of now; approves exactly that. Anyone may: the license stays its
/// holder's. Returns its new end, in the chain's time.
pub async fn renew(account: &Account, license: U256) -> Result<u64, ChainError> {
    let deployment = account.chain().deployment();
    let market = LicenseMarket::new(deployment.market, account.provider());
    let quote = ask(MARKET, market.renewalQuoteOf(license)).await?;
    let token = DemoDollar::new(quote.token, account.provider());
    send("the payment token", token.approve(deployment.market, quote.price)).await?;
    let receipt = send(MARKET, market.renew(license, quote.price)).await?;
    Ok(event::<LicenseMarket::Renewed>(&receipt)?.expiresAt)
}

/// What renewing a license costs now: the payment token, and the price in base units.
pub async fn renewal_quote(chain: &Chain, license: U256) -> Result<(Address, U256), ChainError> {
    let market = LicenseMarket::new(chain.deployment().market, chain.provider());
    let quote = ask(MARKET, market.renewalQuoteOf(license)).await?;
    Ok((quote.token, quote.price))
}

/// Ends a license to the account's asset for good, where its terms allow that. Returns what of its fee was not earned,
/// which is now a credit in the asset's vault, and whose.
pub async fn revoke(account: &Account, license: U256, reason: &str) -> Result<(Address, u128), ChainError> {
    let market = LicenseMarket::new(account.chain().deployment().market, account.provider());
    let receipt = send(MARKET, market.revoke(license, reason.to_owned())).await?;
    let event = event::<LicenseMarket::Revoked>(&receipt)?;
    Ok((event.refundedTo, event.amount))
}

/// All that a license allows, at a block.
pub async fn limits(chain: &Chain, license: U256, block: BlockId) -> Result<Limits, ChainError> {
    let token = LicenseToken::new(chain.deployment().license_token, chain.provider());
    ask(TOKEN, token.limitsOf(license).block(block)).await
}

/// What the license was for, at a block.
pub async fn license_at(chain: &Chain, license: U256, block: BlockId) -> Result<License, ChainError> {
    let token = LicenseToken::new(chain.deployment().license_token, chain.provider());
    ask(TOKEN, token.licenseOf(license).block(block)).await
}

/// Whether `account` holds or uses the license, with these rights, at a block.
pub async fn is_licensed(
    chain: &Chain,
    license: U256,
    account: Address,
    rights: u64,
    block: BlockId,
) -> Result<bool, ChainError> {
    let token = LicenseToken::new(chain.deployment().license_token, chain.provider());
    ask(TOKEN, token.isLicensed(license, account, U256::from(rights)).block(block)).await
}

/// Offers of licenses to an asset that are still open, oldest first, each with the terms it sells.
pub async fn offers_of(chain: &Chain, asset: AssetId) -> Result<Vec<(U256, Offer, Terms)>, ChainError> {
    let filter = Filter::new()
        .address(chain.deployment().market)
        .event_signature(LicenseMarket::Offered::SIGNATURE_HASH)
        .topic2(U256::from(asset.0));
    let market = LicenseMarket::new(chain.deployment().market, chain.provider());
    let mut open = Vec::new();
    for log in logs::between(chain, &filter, 0, chain.head().await?.number).await? {
        let Ok(event) = LicenseMarket::Offered::decode_log(&log.inner) else { continue };
        if ask(MARKET, market.offerStateOf(event.offerId)).await?.closed {
            continue;
        }
        let terms = ask(MARKET, market.termsOf(event.termsId)).await?;
        open.push((event.offerId, event.data.offer, terms));
    }
    Ok(open)
}
