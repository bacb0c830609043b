//! Chains that are not there, things that are not on them, and a development chain's end.

use alloy::primitives::B256;
use tributary_chain::{Chain, ChainError, anvil::Anvil, assets, root};
use tributary_sdk::AssetId;

use crate::{
    payroll::{LONG, Payroll},
    world::{assert_refused, on_chain, run},
};

#[test]
fn a_node_that_is_not_there_is_an_error_with_advice() {
    run(async {
        for url in ["http://127.0.0.1:1", "no url", "", "https://127.0.0.1:1"] {
            let refused = Chain::connect(url).await.map(|_| ());
            assert!(matches!(refused, Err(ChainError::Rpc(_))), "{url}: {refused:?}");
            assert!(refused.unwrap_err().to_string().contains("check the chain's URL"));
        }
    });
}

#[test]
fn assets_and_versions_that_do_not_exist_are_said_to() {
    on_chain(async |world| {
        let (_, somebody) = world.account().await;
        let unknown = AssetId::derive(somebody.address(), B256::ZERO);
        let asset = assets::asset(&world.chain, unknown).await.map(|_| ());
        assert!(matches!(asset, Err(ChainError::UnknownAsset(id)) if id == unknown), "{asset:?}");
        let version = assets::version(&world.chain, unknown, 1).await.map(|_| ());
        assert!(matches!(version, Err(ChainError::UnknownVersion { version: 1, .. })), "{version:?}");
    });
}

#[test]
fn an_anvil_that_is_dropped_is_gone() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let url = anvil.url().to_owned();
        Chain::connect(&url).await.unwrap();
        drop(anvil);
        assert!(matches!(Chain::connect(&url).await, Err(ChainError::Rpc(_))));
    });
}

#[test]
fn a_refused_transaction_does_not_hold_up_the_accounts_next_ones() {
    on_chain(async |world| {
        let payroll = Payroll::new(world, LONG).await;
        for _ in 0..3 {
            let nobody = root::withdraw(&payroll.payer, payroll.on, payroll.payer.address()).await;
            assert_refused(nobody, "Vault_NothingToWithdraw");
            // It would wait for ever for the nonce that the refused one had taken.
            payroll.pay(1).await;
        }
        assert_eq!(payroll.books().await.pool_credited, 3);
    });
}

#[test]
fn where_a_contract_should_be_and_is_not_is_said_so() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let anvil = Anvil::start(folder.path()).await.unwrap();
        let chain = Chain::connect(anvil.url()).await.unwrap();
        let missing = assets::asset(&chain, AssetId(1)).await.map(|_| ()).unwrap_err();
        assert!(matches!(missing, ChainError::NoContract(_)), "{missing:?}");
        assert!(missing.to_string().contains("tributary deploy --check"));
    });
}
