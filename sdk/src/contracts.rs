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
    consent_registry, ConsentRegistry, "abi/ConsentRegistry.json";
    demo_dollar, DemoDollar, "abi/DemoDollar.json";
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
    /// A model was trained on the parent.
    pub const EDGE_DATA: u8 = 1;
    /// Anyone may derive, for the minimum share.
    pub const DERIVATION_OPEN: u8 = 0;
}

/// Structs of the attribution ledger.
pub mod ledger {
    pub use super::attribution_ledger::IAttributionLedger::*;
}

/// Structs of the consent registry, and what a grant can allow.
pub mod consent {
    pub use super::consent_registry::IConsentRegistry::*;
}

/// Structs of the license market and the license token.
pub mod license {
    pub use super::license_market::ILicenseMarket::*;
    pub use super::license_token::ILicenseToken::License;
}
