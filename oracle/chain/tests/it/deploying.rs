//! The suite at its addresses.

use std::path::Path;

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    signers::local::PrivateKeySigner,
};
use tributary_chain::{
    Chain, ChainError,
    anvil::{self, Anvil},
    deploy::{self, Outcome, Since},
};
use tributary_sdk::deployment::{ChainManifest, ChainManifestError, DeployedContract, Deployment};

use crate::world::{on_chain, run};

#[test]
fn deploying_again_finds_everything_where_it_was() {
    on_chain(async |world| {
        let (_, somebody) = world.account().await;
        let again = deploy::deploy(&somebody, &Deployment::creations()).await.unwrap();
        assert_eq!(again.len(), Deployment::creations().len());
        for ((name, address, outcome), creation) in again.into_iter().zip(Deployment::creations()) {
            assert_eq!((name, address), (creation.name, creation.address()));
            assert_eq!(outcome, Outcome::Present, "{name}");
        }
        deploy::present(&world.chain).await.unwrap();
    });
}

#[test]
fn a_chain_without_the_suite_says_what_is_missing() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let chain = Chain::connect(anvil.url()).await.unwrap();
        let missing = deploy::check(&chain, &Deployment::creations()).await;
        let first = Deployment::creations()[0].address();
        assert!(
            matches!(missing, Err(ChainError::NotDeployed { name: "AttributionLedger", address }) if address == first),
            "{missing:?}"
        );
    });
}

/// A chain of its own with the suite and the dollar, and its manifest: what a test changes on it, no other test sees.
async fn deployed(folder: &Path) -> (Anvil, Chain, ChainManifest) {
    let anvil = Anvil::start(folder).await.unwrap();
    let chain = Chain::connect(anvil.url()).await.unwrap();
    let key = PrivateKeySigner::random();
    anvil::fund(&chain, key.address(), U256::from(10u64.pow(18))).await.unwrap();
    anvil::advance(&chain, 1).await.unwrap();
    let mut creations = Deployment::creations();
    creations.push(Deployment::demo_dollar());
    let outcomes = deploy::deploy(&chain.account(&key).unwrap(), &creations).await.unwrap();
    let manifest = deploy::manifest(&chain, &creations, &outcomes).await.unwrap();
    (anvil, chain, manifest)
}

async fn set_code(chain: &Chain, address: Address, code: Bytes) {
    let _: serde_json::Value = chain.provider().raw_request("anvil_setCode".into(), (address, code)).await.unwrap();
}

#[track_caller]
fn manifest_error(result: Result<Since, ChainError>) -> ChainManifestError {
    match result {
        Err(ChainError::ChainManifest(error)) => error,
        other => panic!("no fault of the manifest: {other:?}"),
    }
}

#[test]
fn a_manifest_says_what_stands_where_and_since_when() {
    on_chain(async |world| {
        // On a chain in use: contracts have storage, and blocks came after them.
        let mut creations = Deployment::creations();
        creations.push(Deployment::demo_dollar());
        let (_, somebody) = world.account().await;
        let outcomes = deploy::deploy(&somebody, &creations).await.unwrap();
        let manifest = deploy::manifest(&world.chain, &creations, &outcomes).await.unwrap();
        let since = deploy::check_manifest(&world.chain, &manifest).await.unwrap();
        assert_eq!(since, Since::Block(manifest.deployed_at));
        assert_eq!(manifest.contracts["LicenseToken"].address, world.chain.deployment().license_token);
        assert_eq!(manifest.contracts["LicenseToken"].constructor_args, None);
        assert_eq!(manifest.contracts["DemoDollar"].address, world.dollar);
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<ChainManifest>(&text).unwrap(), manifest);
    });
}

#[test]
fn the_block_of_a_deployment_is_found_again_on_chain() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (_anvil, chain, manifest) = deployed(folder.path()).await;
        anvil::advance(&chain, 1).await.unwrap();
        assert_eq!(manifest.deployed_at, 2, "one block was mined before");
        let since = deploy::since(&chain, &Deployment::creations()).await.unwrap();
        assert_eq!(since, Since::Block(manifest.deployed_at));
    });
}

#[test]
fn a_tampered_manifest_is_refused_with_the_contract_it_is_wrong_about() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (_anvil, chain, manifest) = deployed(folder.path()).await;
        let refused = async |tamper: fn(&mut ChainManifest)| {
            let mut tampered = manifest.clone();
            tamper(&mut tampered);
            manifest_error(deploy::check_manifest(&chain, &tampered).await)
        };
        fn market(manifest: &mut ChainManifest) -> &mut DeployedContract {
            manifest.contracts.get_mut("LicenseMarket").unwrap()
        }
        let name = || "LicenseMarket".to_owned();

        let address = refused(|manifest| market(manifest).address = Address::repeat_byte(1)).await;
        assert!(matches!(address, ChainManifestError::Address { name: of, .. } if of == name()));
        let code = refused(|manifest| market(manifest).code_hash = B256::ZERO).await;
        assert!(matches!(code, ChainManifestError::Code { name: of, .. } if of == name()));
        let arguments = refused(|manifest| market(manifest).constructor_args = Some(Bytes::new())).await;
        assert_eq!(arguments, ChainManifestError::Arguments(name()));
        let arguments = refused(|manifest| market(manifest).constructor_args = None).await;
        assert_eq!(arguments, ChainManifestError::Arguments(name()));
        let lacking = refused(|manifest| drop(manifest.contracts.remove("LicenseMarket"))).await;
        assert_eq!(lacking, ChainManifestError::Lacks(name()));
        let unknown = refused(|manifest| {
            let market = market(manifest).clone();
            manifest.contracts.insert("BlackMarket".into(), market);
        });
        assert_eq!(unknown.await, ChainManifestError::Unknown("BlackMarket".into()));
        let origin = refused(|manifest| manifest.create2_proxy = Address::ZERO).await;
        assert_eq!(origin, ChainManifestError::Origin);
        let origin = refused(|manifest| manifest.salt = B256::repeat_byte(1)).await;
        assert_eq!(origin, ChainManifestError::Origin);
        let of_chain = refused(|manifest| manifest.chain_id = 1).await;
        assert_eq!(of_chain, ChainManifestError::Chain { manifest: 1, chain: chain.id() });
        // Too late would hide events, too early costs readers time.
        for (change, block) in [
            (refused(|manifest| manifest.deployed_at += 1).await, 3),
            (refused(|manifest| manifest.deployed_at -= 1).await, 1),
        ] {
            assert_eq!(change, ChainManifestError::Block { manifest: block, chain: 2 });
        }
    });
}

#[test]
fn other_code_at_a_contracts_address_is_named() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (_anvil, chain, manifest) = deployed(folder.path()).await;
        let provider = chain.provider();
        for name in ["LicenseMarket", "LicenseToken", "ConsentRegistry", "DemoDollar"] {
            let address = manifest.contracts[name].address;
            let code = provider.get_code_at(address).await.unwrap();
            let mut other = code.to_vec();
            *other.last_mut().unwrap() ^= 1;
            set_code(&chain, address, other.clone().into()).await;
            let refused = deploy::check_manifest(&chain, &manifest).await;
            let Err(ChainError::OtherCode(fault)) = refused else { panic!("{refused:?}") };
            assert_eq!((fault.name, fault.address, fault.found), (name, address, keccak256(&other)));
            assert_eq!(fault.expected, keccak256(&code));

            // A manifest that was changed to match does not help.
            let mut matching = manifest.clone();
            matching.contracts.get_mut(name).unwrap().code_hash = keccak256(&other);
            let refused = deploy::check_manifest(&chain, &matching).await;
            assert!(matches!(refused, Err(ChainError::OtherCode(fault)) if fault.name == name), "{refused:?}");
            set_code(&chain, address, code).await;
        }
        deploy::check_manifest(&chain, &manifest).await.unwrap();
    });
}

#[test]
fn right_code_with_another_immutable_is_named() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (_anvil, chain, manifest) = deployed(folder.path()).await;
        let registry = manifest.contracts["AssetRegistry"].address;
        let code = chain.provider().get_code_at(registry).await.unwrap();
        // The registry's code holds the ledger's address: this one would ask another ledger.
        let ledger = manifest.contracts["AttributionLedger"].address;
        let mut other = code.to_vec();
        let at = other.windows(20).position(|window| window == ledger.as_slice()).unwrap();
        other[at..at + 20].copy_from_slice(Address::repeat_byte(0x66).as_slice());
        set_code(&chain, registry, other.into()).await;
        let refused = deploy::check(&chain, &Deployment::creations()).await;
        assert!(matches!(refused, Err(ChainError::OtherCode(fault)) if fault.name == "AssetRegistry"), "{refused:?}");
    });
}
