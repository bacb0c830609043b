//! Terms, offers, licenses.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
};
use tributary_sdk::contracts::{
    DemoDollar, LicenseMarket, LicenseToken,
    license::{License, Offer, Terms},
};

use crate::{
    Account, Chain, ChainError,
    assets::event,
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

/// What the license is for.
pub async fn license(chain: &Chain, license: U256) -> Result<License, ChainError> {
    let token = LicenseToken::new(chain.deployment().license_token, chain.provider());
    ask(TOKEN, token.licenseOf(license)).await
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

/// Terms by their id.
pub async fn terms(chain: &Chain, id: B256) -> Result<Terms, ChainError> {
    let market = LicenseMarket::new(chain.deployment().market, chain.provider());
    ask(MARKET, market.termsOf(id)).await
}
