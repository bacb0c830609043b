//! How old what a host knows of the chain may be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::{primitives::U256, providers::Provider};
use serde_json::{Value, json};
use tributary_chain::Chain;
use tributary_sdk::client::{Client, ClientError, Session};
use tributary_server::{
    host::{Host, Opening},
    steps::{
        self,
        license::{NewOffer, Revocation},
    },
};

use crate::{
    attesting::refused_as,
    proxy::{Fault, Proxy},
    studio::{Serving, Studio},
    town::{DAY, Town, run},
};

const ALWAYS: usize = 1_000_000;

/// What asking says.
async fn asked(studio: &Studio, session: &Session) -> Result<(), String> {
    match session.infer(&studio.request(session, 0).await).await {
        Ok(_) => Ok(()),
        Err(ClientError::Refused { code, .. }) => Err(code),
        Err(other) => panic!("{other}"),
    }
}

async fn moved_to(town: &Town, time: u64) {
    let provider = town.chain.provider();
    let _: Value = provider.raw_request("evm_setNextBlockTimestamp".into(), (U256::from(time),)).await.unwrap();
    let _: Value = provider.raw_request("evm_mine".into(), ()).await.unwrap();
}

#[test]
fn nobody_is_answered_by_a_chain_that_is_too_old_or_by_a_clock_that_is() {
    const AGE: u64 = 300;
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let proxy = Proxy::before(town.chain.url()).await;
        // Only development chains may have any time.
        proxy.fail("web3_clientVersion", Fault::Instead(json!("Geth/v1")), ALWAYS);
        let node = Chain::connect(&proxy.url).await.unwrap();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let buyer = studio.buyer().await;
        let serving = async |age: u64| {
            let opening = Opening { block_age: Duration::from_secs(age), ..studio.opening() };
            Serving::start(Host::open(&node, opening).await.unwrap()).await
        };
        let signed_in = async |serving: &Serving| {
            let client = Client::connect(&serving.url).await.unwrap();
            let key = alloy::signers::local::PrivateKeySigner::random();
            client.sign_in(&buyer.key, buyer.license, key, now() + 10 * DAY).await
        };
        // No block may be older than this second, and none comes.
        while now() <= town.now().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let strict = serving(0).await;
        refused_as(signed_in(&strict).await, "chain_behind");
        strict.stop().await;

        let serving = serving(AGE).await;
        let session = signed_in(&serving).await.unwrap();
        asked(&studio, &session).await.unwrap();
        // The chain runs away from the clock, as it seems to whoever's clock was set back.
        moved_to(town, now() + 2 * AGE).await;
        assert_eq!(asked(&studio, &session).await.unwrap_err(), "clock_behind");
        proxy.heal();
        serving.stop().await;
    });
}

#[test]
fn a_license_that_ends_is_good_for_as_long_as_the_host_may_not_have_looked_and_no_longer() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        // The first look holds for the whole test; by the second, every look is new.
        for (age, after) in [(FOR_EVER, Ok(())), (Duration::ZERO, Err("not_licensed".to_owned()))] {
            let opening = Opening { license_age: age, ..studio.opening() };
            let serving = Serving::start(Host::open(&town.chain, opening).await.unwrap()).await;
            let offer = NewOffer { revocation: Revocation::ByOwner, ..studio.offer() };
            let buyer = studio.sell(offer).await;
            let session = studio.session(&serving, &buyer).await;
            asked(&studio, &session).await.unwrap();
            steps::license::revoke(&town.account(&studio.community.builder), buyer.license, "a test").await.unwrap();
            assert_eq!(asked(&studio, &session).await, after);
            serving.stop().await;
        }
    });
}

const FOR_EVER: Duration = Duration::from_secs(3_600);
