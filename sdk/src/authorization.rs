//! The nonces of ERC-3009 authorisations to the license market.
//!
//! An authorisation is the payment token's message and says nothing of what is bought; its nonce does, so that whoever
//! relays it can buy or renew nothing else with it.

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};

/// One purchase, as an authorisation pays it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The offer.
    pub offer_id: U256,
    /// The offer's terms.
    pub terms_id: B256,
    /// Who gets the licenses.
    pub recipient: Address,
    /// How many.
    pub quantity: u64,
    /// The most that all of them may cost, in base units.
    pub max_price: U256,
}

/// One renewal, as an authorisation pays it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The license.
    pub license_id: U256,
    /// The offer that it was bought under.
    pub offer_id: U256,
    /// The most that it may cost, in base units.
    pub max_price: U256,
}

impl Purchase {
    /// The nonce for `market` on chain `chain_id`; `salt` tells apart purchases that are the same in all else.
    pub fn nonce(&self, chain_id: u64, market: Address, salt: B256) -> B256 {
        let Self { offer_id, terms_id, recipient, quantity, max_price } = *self;
        let bound = (U256::from(chain_id), market, offer_id, terms_id, recipient, quantity, max_price, salt);
        keccak256(bound.abi_encode_params())
    }
}

impl Renewal {
    /// The nonce for `market` on chain `chain_id`; `salt` tells apart renewals that are the same in all else.
    pub fn nonce(&self, chain_id: u64, market: Address, salt: B256) -> B256 {
        let mut what = B256::ZERO;
        what[..RENEW.len()].copy_from_slice(RENEW);
        let Self { license_id, offer_id, max_price } = *self;
        let bound = (U256::from(chain_id), market, what, license_id, offer_id, max_price, salt);
        keccak256(bound.abi_encode_params())
    }
}

/// What keeps a renewal's nonce from being a purchase's.
const RENEW: &[u8] = b"renew";
