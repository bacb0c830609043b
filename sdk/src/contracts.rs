//! Bindings of the contract suite.
//!
//! ABI and initcode come from `sdk/abi`, which `cargo xtask contracts` writes; no Solidity compiler is needed here.

macro_rules! bind {
    ($($module:ident, $contract:ident, $path:literal;)*) => { $(
        #[allow(missing_docs, missing_debug_implementations, clippy::all, unreachable_pub, rust_2018_idioms)]
        mod $module {
            alloy::sol!(#[sol(rpc)] #[derive(Debug)] $contract, $path);
        }
        pub use $module::$contract;
    )* };
}

bind! {
    asset_registry, AssetRegistry, "abi/AssetRegistry.json";
    attribution_ledger, AttributionLedger, "abi/AttributionLedger.json";
    community_factory, CommunityFactory, "abi/CommunityFactory.json";
    community_governor, CommunityGovernor, "abi/CommunityGovernor.json";
    community_timelock, CommunityTimelock, "abi/CommunityTimelock.json";
    community_votes, CommunityVotes, "abi/CommunityVotes.json";
    consent_registry, ConsentRegistry, "abi/ConsentRegistry.json";
    demo_dollar, DemoDollar, "abi/DemoDollar.json";
    ledger_extension, LedgerExtension, "abi/LedgerExtension.json";
    license_market, LicenseMarket, "abi/LicenseMarket.json";
    license_renderer, LicenseRenderer, "abi/LicenseRenderer.json";
    license_token, LicenseToken, "abi/LicenseToken.json";
    royalty_vault, RoyaltyVault, "abi/RoyaltyVault.json";
}

/// Structs and constants of the asset registry.
pub mod registry {
    pub use super::asset_registry::IAssetRegistry::*;
    pub use super::asset_registry::IAttributionLedger::Policy;

    /// A dataset.
    pub const DATASET: u8 = 0;
    /// A model.
    pub const MODEL: u8 = 1;
    /// How a child uses its parent, by the number of the edge's kind.
    pub const EDGE_KINDS: [&str; 6] = ["base", "data", "fine-tune", "merge", "distil", "eval"];
    /// A model was built on the parent.
    pub const EDGE_BASE: u8 = 0;
    /// A model was trained on the parent.
    pub const EDGE_DATA: u8 = 1;
    /// A model was trained on from the parent.
    pub const EDGE_FINETUNE: u8 = 2;
    /// Anyone may derive, for the minimum share.
    pub const DERIVATION_OPEN: u8 = 0;
    /// Whoever has a license that allows it may derive.
    pub const DERIVATION_LICENSED: u8 = 1;
    /// Nobody but the owner may derive, and whom the owner allows.
    pub const DERIVATION_CLOSED: u8 = 2;

    impl Derivation {
        /// Anyone may derive, for no share.
        pub fn open() -> Self {
            Self { rule: DERIVATION_OPEN, minShareBps: 0, licenseToken: Default::default() }
        }
    }

    impl Policy {
        /// That of an asset whose pool has no share.
        pub fn none() -> Self {
            Self {
                signers: vec![],
                threshold: 0,
                window: 0,
                arbiter: Default::default(),
                arbiterPeriod: 0,
                posterBond: Default::default(),
                challengeBond: Default::default(),
                fallbackAfter: 0,
                settlementPolicy: Default::default(),
            }
        }
    }
}

/// Structs of the attribution ledger.
pub mod ledger {
    pub use super::attribution_ledger::IAttributionLedger::*;

    /// A root that waits for its window to pass.
    pub const PENDING: u8 = 1;
    /// A root that waits for its arbiter.
    pub const CHALLENGED: u8 = 2;
    /// A root that can be claimed against, for ever.
    pub const ACTIVE: u8 = 3;

    /// The challenge is dismissed.
    pub const DISMISSED: u8 = 0;
    /// The challenge is upheld.
    pub const UPHELD: u8 = 1;
}

/// Structs of the consent registry, and what a grant can allow.
pub mod consent {
    pub use super::consent_registry::IConsentRegistry::*;
}

/// Structs of the license market and the license token.
pub mod license {
    pub use super::license_market::ILicenseMarket::*;
    pub use super::license_market::ILicensePurchases::Purchase as AuthorizedPurchase;
    pub use super::license_market::ILicenseRenewals::Renewal as AuthorizedRenewal;
    pub use super::license_token::ILicenseToken::{License, Limits};
}
