//! Bindings of the contract suite, and where it stands.
//!
//! ABI and initcode come from `sdk/abi`, which `cargo xtask contracts` writes; no Solidity compiler is needed here.

use alloy::{
    primitives::{Address, B256, Bytes, address},
    sol_types::SolValue,
};

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

/// The usual CREATE2 proxy; it stands at this address on every chain. Its input is `salt:32 ‖ initcode`.
pub const CREATE2_PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// The salt of every contract of the suite.
pub const SALT: B256 = B256::ZERO;

/// One contract to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// For people.
    pub name: &'static str,
    /// Initcode with constructor arguments.
    pub initcode: Bytes,
}

impl Creation {
    fn new(name: &'static str, code: &Bytes, arguments: impl AsRef<[u8]>) -> Self {
        Self { name, initcode: [code.as_ref(), arguments.as_ref()].concat().into() }
    }

    /// Where it lands: the same address on every chain.
    pub fn address(&self) -> Address {
        CREATE2_PROXY.create2_from_code(SALT, &self.initcode)
    }
}

/// Where the suite stands. The addresses follow from the committed initcode, so whoever builds from the same sources
/// computes the same ones, and an auditor needs to be told none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The attribution ledger.
    pub ledger: Address,
    /// What every vault is a clone of.
    pub vault_implementation: Address,
    /// The asset registry.
    pub registry: Address,
    /// The consent registry.
    pub consent: Address,
    /// What draws licenses.
    pub renderer: Address,
    /// The license market.
    pub market: Address,
    /// The license token, created by the market.
    pub license_token: Address,
}

impl Deployment {
    /// The suite of this build.
    pub fn canonical() -> Self {
        Self::plan().0
    }

    /// The suite's contracts in the order of dependence.
    pub fn creations() -> Vec<Creation> {
        Self::plan().1
    }

    /// The dollar of development chains; no part of the suite.
    pub fn demo_dollar() -> Creation {
        Creation::new("DemoDollar", &DemoDollar::BYTECODE, [])
    }

    fn plan() -> (Self, Vec<Creation>) {
        let ledger = Creation::new("AttributionLedger", &AttributionLedger::BYTECODE, []);
        let vault = Creation::new("RoyaltyVault", &RoyaltyVault::BYTECODE, ledger.address().abi_encode());
        let registry = Creation::new("AssetRegistry", &AssetRegistry::BYTECODE, vault.address().abi_encode());
        let consent = Creation::new("ConsentRegistry", &ConsentRegistry::BYTECODE, registry.address().abi_encode());
        let renderer = Creation::new("LicenseRenderer", &LicenseRenderer::BYTECODE, []);
        let of_market = (registry.address(), renderer.address()).abi_encode();
        let market = Creation::new("LicenseMarket", &LicenseMarket::BYTECODE, of_market);
        let deployment = Self {
            ledger: ledger.address(),
            vault_implementation: vault.address(),
            registry: registry.address(),
            consent: consent.address(),
            renderer: renderer.address(),
            market: market.address(),
            license_token: market.address().create(1),
        };
        (deployment, vec![ledger, vault, registry, consent, renderer, market])
    }
}
