//! Where the suite stands: addresses that follow from the code, and the manifest of a chain it was put on.

mod manifest;

use alloy::{
    primitives::{Address, B256, Bytes, address},
    sol_types::SolValue,
};

use crate::contracts::{
    AssetRegistry, AttributionLedger, CommunityFactory, CommunityGovernor, CommunityTimelock, CommunityVotes,
    ConsentRegistry, DemoDollar, LicenseMarket, LicenseRenderer, RoyaltyVault,
};

pub use manifest::{ChainManifest, ChainManifestError, DeployedContract};

/// The usual CREATE2 proxy; it stands at this address on every chain. Its input is `salt:32 ‖ initcode`.
pub const CREATE2_PROXY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// The salt of every contract of the suite.
pub const SALT: B256 = B256::ZERO;

/// One contract to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its name in the sources.
    pub name: &'static str,
    /// Initcode without constructor arguments.
    pub code: Bytes,
    /// Constructor arguments, ABI-encoded.
    pub arguments: Bytes,
    /// What its constructor creates, in order.
    pub children: Vec<&'static str>,
}

impl Creation {
    /// A contract without children.
    pub fn new(name: &'static str, code: &Bytes, arguments: impl Into<Bytes>) -> Self {
        Self { name, code: code.clone(), arguments: arguments.into(), children: vec![] }
    }

    /// Initcode with constructor arguments.
    pub fn initcode(&self) -> Bytes {
        [self.code.as_ref(), self.arguments.as_ref()].concat().into()
    }

    /// What the proxy is sent.
    pub fn proxy_input(&self) -> Bytes {
        [SALT.as_slice(), &self.code, &self.arguments].concat().into()
    }

    /// Where it lands: the same address on every chain.
    pub fn address(&self) -> Address {
        CREATE2_PROXY.create2_from_code(SALT, self.initcode())
    }

    /// The contract and its children, with their addresses.
    pub fn contracts(&self) -> Vec<(&'static str, Address)> {
        let address = self.address();
        // A contract's first child has nonce 1 (EIP-161).
        let children = self.children.iter().zip(1..).map(|(name, nonce)| (*name, address.create(nonce)));
        [(self.name, address)].into_iter().chain(children).collect()
    }
}

/// The initcode of the contracts that the proxy creates, without constructor arguments.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Initcodes {
    pub ledger: Bytes,
    pub vault: Bytes,
    pub registry: Bytes,
    pub consent: Bytes,
    pub renderer: Bytes,
    pub market: Bytes,
    pub votes: Bytes,
    pub governor: Bytes,
    pub timelock: Bytes,
    pub communities: Bytes,
}

impl Initcodes {
    /// Those of this build.
    pub fn committed() -> Self {
        Self {
            ledger: AttributionLedger::BYTECODE.clone(),
            vault: RoyaltyVault::BYTECODE.clone(),
            registry: AssetRegistry::BYTECODE.clone(),
            consent: ConsentRegistry::BYTECODE.clone(),
            renderer: LicenseRenderer::BYTECODE.clone(),
            market: LicenseMarket::BYTECODE.clone(),
            votes: CommunityVotes::BYTECODE.clone(),
            governor: CommunityGovernor::BYTECODE.clone(),
            timelock: CommunityTimelock::BYTECODE.clone(),
            communities: CommunityFactory::BYTECODE.clone(),
        }
    }
}

/// Where the suite stands. The addresses follow from the committed initcode, so whoever builds from the same sources
/// computes the same ones, and an auditor needs to be told none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The attribution ledger.
    pub ledger: Address,
    /// The code of what the ledger rarely does, created by the ledger; it is called on the ledger.
    pub ledger_extension: Address,
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
    /// What every community's votes are a clone of.
    pub votes_implementation: Address,
    /// What every community's governor is a clone of.
    pub governor_implementation: Address,
    /// What every community's timelock is a clone of.
    pub timelock_implementation: Address,
    /// What makes communities.
    pub community_factory: Address,
}

impl Deployment {
    /// The suite of this build.
    pub fn canonical() -> Self {
        Self::plan(&Initcodes::committed()).0
    }

    /// The suite's contracts in the order of dependence.
    pub fn creations() -> Vec<Creation> {
        Self::plan(&Initcodes::committed()).1
    }

    /// The dollar of development chains; no part of the suite.
    pub fn demo_dollar() -> Creation {
        Creation::new("DemoDollar", &DemoDollar::BYTECODE, [])
    }

    /// Addresses and creations of the suite that these initcodes make.
    pub fn plan(codes: &Initcodes) -> (Self, Vec<Creation>) {
        let ledger = Creation::new("AttributionLedger", &codes.ledger, []);
        let ledger = Creation { children: vec!["LedgerExtension"], ..ledger };
        let vault = Creation::new("RoyaltyVault", &codes.vault, ledger.address().abi_encode());
        let registry = Creation::new("AssetRegistry", &codes.registry, vault.address().abi_encode());
        let consent = Creation::new("ConsentRegistry", &codes.consent, registry.address().abi_encode());
        let renderer = Creation::new("LicenseRenderer", &codes.renderer, []);
        let of_market = (registry.address(), renderer.address()).abi_encode();
        let market = Creation::new("LicenseMarket", &codes.market, of_market);
        let market = Creation { children: vec!["LicenseToken"], ..market };
        let votes = Creation::new("CommunityVotes", &codes.votes, consent.address().abi_encode());
        let governor = Creation::new("CommunityGovernor", &codes.governor, []);
        let timelock = Creation::new("CommunityTimelock", &codes.timelock, []);
        let of_communities = (votes.address(), governor.address(), timelock.address()).abi_encode();
        let communities = Creation::new("CommunityFactory", &codes.communities, of_communities);
        let deployment = Self {
            ledger: ledger.address(),
            ledger_extension: ledger.address().create(1),
            vault_implementation: vault.address(),
            registry: registry.address(),
            consent: consent.address(),
            renderer: renderer.address(),
            market: market.address(),
            license_token: market.address().create(1),
            votes_implementation: votes.address(),
            governor_implementation: governor.address(),
            timelock_implementation: timelock.address(),
            community_factory: communities.address(),
        };
        let creations =
            vec![ledger, vault, registry, consent, renderer, market, votes, governor, timelock, communities];
        (deployment, creations)
    }
}
