//! The suite at its addresses.

use tributary_chain::{
    Chain, ChainError,
    anvil::Anvil,
    deploy::{self, Outcome},
};
use tributary_sdk::contracts::Deployment;

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
        deploy::check(&world.chain).await.unwrap();
    });
}

#[test]
fn a_chain_without_the_suite_says_what_is_missing() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let chain = Chain::connect(anvil.url()).await.unwrap();
        let missing = deploy::check(&chain).await;
        let first = Deployment::creations()[0].address();
        assert!(
            matches!(missing, Err(ChainError::NotDeployed { name: "AttributionLedger", address }) if address == first),
            "{missing:?}"
        );
    });
}
