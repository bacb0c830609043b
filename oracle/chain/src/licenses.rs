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
    tokens::NATIVE,
    transact::{ask, send},
};

const MARKET: &str = "the license market";
const TOKEN: &str = "the license token";

/// Rights a license can give, one bit each, as the contracts define them.
pub mod rights {
    use alloy::primitives::U256;

    use super::divided;

    /// Ask the model.
    pub const INFER: u64 = 1;
    /// Use answers commercially.
    pub const COMMERCIAL: u64 = 1 << 6;
    /// Give others licenses of one's own.
    pub const SUBLICENSE: u64 = 1 << 7;
    /// Sell the license on.
    pub const RESELL: u64 = 1 << 8;
    /// Every right there is.
    pub const ALL: u64 = (1 << NAMES.len()) - 1;

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
    pub fn words(given: U256) -> (Vec<&'static str>, Vec<&'static str>) {
        divided(&NAMES, given)
    }
}

/// Obligations a license can ask for in return, one bit each, as the contracts define them.
pub mod obligations {
    use alloy::primitives::U256;

    use super::divided;

    /// Name the asset and its contributors.
    pub const ATTRIBUTE: u64 = 1;
    /// Every obligation there is.
    pub const ALL: u64 = (1 << NAMES.len()) - 1;

    /// Every obligation's bit and its words, for people.
    pub const NAMES: [(u64, &str); 3] = [
        (1, "name the model and its contributors"),
        (1 << 1, "license what is derived from it under the same terms"),
        (1 << 2, "tell users that an output was made by a model"),
    ];

    /// These obligations, in words.
    pub fn words(owed: U256) -> Vec<&'static str> {
        divided(&NAMES, owed).0
    }
}

/// The words of the bits that are set, and of those that are not.
fn divided(names: &[(u64, &'static str)], set: U256) -> (Vec<&'static str>, Vec<&'static str>) {
    let (of, not): (Vec<_>, Vec<_>) = names.iter().partition(|(bit, _)| set & U256::from(*bit) != U256::ZERO);
    let words = |named: Vec<&(u64, &'static str)>| named.into_iter().map(|(_, word)| *word).collect();
    (words(of), words(not))
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

/// Buys one license for the account at the offer's price; approves exactly that, or sends it as native coin.
pub async fn buy(account: &Account, offer: U256) -> Result<U256, ChainError> {
    let market = LicenseMarket::new(account.chain().deployment().market, account.provider());
    let sold = ask(MARKET, market.offerOf(offer)).await?;
    let price = U256::from(sold.price);
    let value = ready(account, sold.token, price).await?;
    let receipt = send(MARKET, market.buy(offer, 1, account.address(), price).value(value)).await?;
    Ok(event::<LicenseMarket::Bought>(&receipt)?.firstLicenseId)
}

/// Renews a license under its own offer, for the price of now; approves exactly that, or sends it. Anyone may: the license stays its
/// holder's. Returns its new end, in the chain's time.
pub async fn renew(account: &Account, license: U256) -> Result<u64, ChainError> {
    let market = LicenseMarket::new(account.chain().deployment().market, account.provider());
    let quote = ask(MARKET, market.renewalQuoteOf(license)).await?;
    let value = ready(account, quote.token, quote.price).await?;
    let receipt = send(MARKET, market.renew(license, quote.price).value(value)).await?;
    Ok(event::<LicenseMarket::Renewed>(&receipt)?.expiresAt)
}

/// Lets the market take a price of the account's token; returns what has to be sent along as native coin.
async fn ready(account: &Account, token: Address, price: U256) -> Result<U256, ChainError> {
    if token == NATIVE {
        return Ok(price);
    }
    let token = DemoDollar::new(token, account.provider());
    send("the payment token", token.approve(account.chain().deployment().market, price)).await?;
    Ok(U256::ZERO)
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
