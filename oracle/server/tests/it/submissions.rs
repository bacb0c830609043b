//! What an operator sees and decides of what the host submits.

use std::sync::Arc;

use alloy::primitives::B256;
use serde_json::json;
use tributary_chain::{
    Chain,
    dispute::{self, Ruling},
    root,
};
use tributary_sdk::client::Client;
use tributary_server::{
    clerk::{Clerk, Duties},
    host::Host,
    http::{Access, Listening},
    secret::Secret,
};
use tributary_submission::Policy;

use crate::{
    attesting::refused_as,
    proxy::{Fault, Proxy},
    studio::{Studio, WINDOW},
    town::{DAY, Town, folder, run},
};

const ALWAYS: usize = 1_000_000;
const TOKEN: &str = "operator";

#[test]
fn a_posting_that_failed_is_tried_again_when_more_have_signed_or_the_operator_says_so() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on) = (studio.town(), studio.on());
        let proxy = Proxy::before(town.chain.url()).await;
        let chain = Chain::connect(&proxy.url).await.unwrap();
        let host = Arc::new(Host::open(&chain, studio.opening()).await.unwrap());
        let posting = folder();
        let duties = Duties {
            folder: posting.path().to_owned(),
            key: town.resident().await,
            more: Vec::new(),
            policy: Policy::default(),
            epoch: DAY,
            every: DAY_LONG,
        };
        let clerk = Arc::new(Clerk::open(Arc::clone(&host), duties).await.unwrap());
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (url, token) = (listening.url(), Some(Secret::new(TOKEN)));
        let access = Access { admin_token: token, max_body: 1 << 20, clerk: Some(Arc::clone(&clerk)) };
        let serving = tokio::spawn(listening.serve(Arc::clone(&host), access, std::future::pending()));
        let client = Client::connect(&url).await.unwrap();
        let newest = async || root::newest(&town.chain, on).await.unwrap().map_or(0, |(newest, _)| newest);
        let posted = async |index: u64| {
            for _ in 0..100 {
                if newest().await == index {
                    return;
                }
                clerk.look().await;
            }
            panic!("root {index} is never posted");
        };
        let buyer = studio.buyer().await;
        let until = town.now().await + 3_650 * DAY;
        let key = alloy::signers::local::PrivateKeySigner::random();
        let session = client.sign_in(&buyer.key, buyer.license, key, until).await.unwrap();
        refused_as(client.submissions("guess").await, "not_operator");
        assert_eq!(client.submissions(TOKEN).await.unwrap().all, []);

        // An epoch whose root fails to be posted: the contract takes more gas than posting may.
        let failed = async |index: u64| {
            studio.ask(&session, 1).await;
            town.advance(DAY).await;
            clerk.look().await;
            for key in &studio.attestors[..2] {
                studio.attest(&url, key).await;
            }
            proxy.fail("eth_estimateGas", Fault::Instead(json!("0x1000000")), ALWAYS);
            clerk.look().await;
            assert!(proxy.left() < ALWAYS, "nobody asked");
            proxy.heal();
            for _ in 0..3 {
                clerk.look().await;
            }
            assert_eq!(newest().await, index - 1);
            let found = client.submissions(TOKEN).await.unwrap().all.pop().unwrap();
            assert_eq!((found.state.as_str(), found.nonce, found.transactions.len()), ("failed", None, 0));
            assert!(found.reason.unwrap().contains("more than its cap"));
            found.key
        };

        let first = failed(1).await;
        client.decide(first, "retry", TOKEN).await.unwrap();
        posted(1).await;
        for _ in 0..3 {
            clerk.look().await;
        }
        let all = client.submissions(TOKEN).await.unwrap().all;
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].key, all[0].state.as_str(), all[0].transactions.len()), (first, "final", 1));
        for decision in ["retry", "give-up"] {
            refused_as(client.decide(first, decision, TOKEN).await, "wrong_state");
            refused_as(client.decide(B256::repeat_byte(1), decision, TOKEN).await, "unknown_submission");
        }
        refused_as(client.decide(first, "forget", TOKEN).await, "unknown_route");
        client.acknowledge(TOKEN).await.unwrap();

        // What was said of the batch is not lost when it is closed again, and one more says it.
        town.advance(u64::from(WINDOW) + 1).await;
        failed(2).await;
        let asset = studio.model.version.asset;
        let before = client.quorum(asset, 2).await.unwrap();
        assert_eq!(client.close_epoch(asset, TOKEN).await.unwrap().index, 2);
        assert_eq!(client.quorum(asset, 2).await.unwrap(), before);
        studio.attest(&url, &studio.attestors[2]).await;
        posted(2).await;
        let states: Vec<String> =
            client.submissions(TOKEN).await.unwrap().all.into_iter().map(|one| one.state).collect();
        assert_eq!(states.len(), 3);
        assert_eq!(states[1], "failed");

        // A root that is rejected is not posted once more before somebody has looked into it.
        let challenger = town.account(&town.resident().await);
        dispute::challenge(&challenger, on, "it is wrong").await.unwrap();
        dispute::rule(&town.account(&studio.arbiter), on, Ruling::Upheld).await.unwrap();
        for _ in 0..3 {
            clerk.look().await;
        }
        assert_eq!((newest().await, client.submissions(TOKEN).await.unwrap().all.len()), (1, 3));
        client.close_epoch(asset, TOKEN).await.unwrap();
        for key in &studio.attestors[..2] {
            studio.attest(&url, key).await;
        }
        posted(2).await;
        assert_eq!(client.submissions(TOKEN).await.unwrap().all.len(), 4);
        serving.abort();
    });
}

const DAY_LONG: std::time::Duration = std::time::Duration::from_secs(DAY);
