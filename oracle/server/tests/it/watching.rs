//! A watcher against a quorum that signs whatever it likes: the root does not become active.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{B256, Bytes};
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use tributary_chain::{
    ChainError, dispute,
    dispute::{Difference, Ruling},
    posted::Rejection,
    root::{self, Attestation},
    verify::{self, Fault, RootState},
};
use tributary_sdk::{
    batch::Batch,
    client::{self, Client},
    release::Manifest,
    sum_tree::PostedTree,
    typed_data::{self, RootStatement},
};
use tributary_server::steps::{
    self, StepError,
    watch::{Resolve, Watched},
};

use crate::{
    studio::{BOND, Serving, Studio, WINDOW},
    town::{DAY, Town, run},
};

/// The batch of the host's open epoch, and where the host publishes it.
pub(crate) async fn closed(serving: &Serving) -> (String, Bytes) {
    let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
    let url = Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash);
    (url.clone(), client::fetch(&url).await.unwrap())
}

/// Changes the leaves of a batch, and has a quorum sign and post what comes out.
pub(crate) async fn post_changed(studio: &Studio, bytes: &[u8], change: impl FnOnce(&mut Batch)) -> Bytes {
    let chain = &studio.town().chain;
    let honest = verify::before_posting(chain, bytes).await.unwrap().statement;
    let mut batch = Batch::from_bytes(bytes).unwrap();
    change(&mut batch);
    let tree = PostedTree::new(batch.leaves.clone()).unwrap();
    let bytes = batch.to_bytes().unwrap();
    let statement = RootStatement {
        root: tree.root().hash,
        sum: tree.root().sum,
        leafCount: tree.leaf_count(),
        dataHash: Batch::data_hash(&bytes),
        deadline: studio.town().now().await + DAY,
        ..honest
    };
    let signed = studio.attestors[..2].iter().map(|key| Attestation {
        signer: key.address(),
        signature: typed_data::sign(&statement, &chain.ledger_domain(), key).unwrap().into(),
    });
    root::post(&studio.town().account(&studio.host), &statement, &signed.collect::<Vec<_>>()).await.unwrap();
    bytes.into()
}

/// Publishes batches as a host does.
async fn publish(batches: Vec<Bytes>) -> String {
    let batches: BTreeMap<B256, Bytes> = batches.into_iter().map(|bytes| (Batch::data_hash(&bytes), bytes)).collect();
    let batch = async move |Path(hash): Path<B256>| {
        batches.get(&hash).cloned().map(|b| b.to_vec()).ok_or(StatusCode::NOT_FOUND)
    };
    let router = Router::new().route("/v1/batches/{hash}", get(batch));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[track_caller]
pub(crate) fn wrong(watched: Result<Watched, StepError>) -> Difference {
    match watched {
        Err(StepError::RootIsWrong { difference, .. }) => *difference,
        other => panic!("nothing was found wrong: {other:?}"),
    }
}

#[test]
fn a_dishonest_quorums_roots_are_rejected_one_after_the_other_until_an_honest_one_is_paid() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on) = (studio.town(), studio.on());
        let watcher = town.account(&town.resident().await);
        let watch = async |url: &str, resolve| steps::watch::watch(&watcher, url, on, resolve, None).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 4).await;
        town.advance(DAY).await;
        assert!(matches!(watch(&serving.url, Resolve::Challenge).await.unwrap(), Watched::NothingWaits));

        // Leaves out of order: proven, also by somebody who would not challenge.
        let (_, bytes) = closed(&serving).await;
        let swapped = post_changed(&studio, &bytes, |batch| batch.leaves.swap(0, 1)).await;
        let waiting = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap_err();
        assert!(waiting.to_string().contains("root"), "{waiting}");
        let url = publish(vec![swapped]).await;
        let proven = watch(&url, Resolve::Prove).await.unwrap();
        assert!(matches!(proven, Watched::Proven { index: 1, reason: Rejection::Disorder }), "{proven:?}");

        // One base unit moved: no fault of the leaves, but not what recomputing gives.
        let (_, bytes) = closed(&serving).await;
        let moved = post_changed(&studio, &bytes, |batch| {
            batch.leaves[0].cumulative += 1;
            batch.leaves[1].cumulative -= 1;
        });
        let moved = moved.await;
        let url = publish(vec![moved.clone()]).await;
        assert!(matches!(wrong(watch(&serving.url, Resolve::Prove).await), Difference::Withheld(_)));
        assert!(matches!(wrong(watch(&url, Resolve::Prove).await), Difference::Recomputation(_)));
        let challenged = watch(&url, Resolve::Challenge).await.unwrap();
        let Watched::Challenged { index: 1, reason, .. } = challenged else { panic!("{challenged:?}") };
        assert!(reason.contains("recomputing gives root"), "{reason}");
        // A second challenge is not possible, and not needed.
        wrong(watch(&url, Resolve::Challenge).await);
        dispute::rule(&town.account(&studio.arbiter), on, Ruling::Upheld).await.unwrap();
        let won = dispute::bond(&town.chain, watcher.address()).await.unwrap();
        assert_eq!(won.to::<u64>(), BOND / 2 + BOND / 2 + BOND);
        let audited = verify::after_posting(&town.chain, &moved).await.map(|_| ());
        let rejected = Fault::Rejected { index: 1, attempt: 1, reason: Rejection::Arbiter };
        assert!(matches!(&audited, Err(ChainError::Fault(fault)) if fault.to_string() == rejected.to_string()));

        // The host closes the same epoch once more, and the third root holds.
        let (url, bytes) = closed(&serving).await;
        assert_eq!(Batch::from_bytes(&bytes).unwrap().attempt, 2);
        let deadline = town.now().await + DAY;
        let mut attested = Vec::new();
        for key in &studio.attestors[..2] {
            attested.push(steps::epoch::attest(&town.chain, &url, deadline, key).await.unwrap());
        }
        steps::epoch::post(&town.account(&studio.host), &attested).await.unwrap();
        let holds = watch(&serving.url, Resolve::Challenge).await.unwrap();
        assert!(matches!(holds, Watched::Holds { index: 1, .. }), "{holds:?}");
        assert_eq!(steps::payout::audit(&town.chain, &url, None, None).await.unwrap().state, RootState::Pending);
        town.advance(u64::from(WINDOW)).await;
        let client = Client::connect(&serving.url).await.unwrap();
        let leaf = Batch::from_bytes(&bytes).unwrap().leaves[0];
        let paid = steps::payout::claim(&watcher, &client, on, 1, leaf.account).await.unwrap();
        assert_eq!(paid, leaf.cumulative);
        serving.stop().await;
    });
}

#[test]
fn a_batch_that_holds_of_another_vault_does_not_make_this_ones_root_right() {
    run(async {
        let town = Town::start().await;
        let (one, other) = (Studio::new(Arc::clone(&town)).await, Studio::new(Arc::clone(&town)).await);
        let (here, there) = (one.asked(1).await, other.asked(1).await);
        town.advance(30 * DAY).await;
        let (url, _) = closed(&there).await;
        let mut attested = Vec::new();
        for key in &other.attestors[..2] {
            let deadline = town.now().await + DAY;
            attested.push(steps::epoch::attest(&town.chain, &url, deadline, key).await.unwrap());
        }
        let (honest, _) = steps::epoch::post(&town.account(&other.host), &attested).await.unwrap();

        // A quorum signs the same for its own vault, which is credited as much by now.
        let (_, own) = closed(&here).await;
        assert!(Batch::from_bytes(&own).unwrap().leaves.iter().map(|leaf| leaf.cumulative).sum::<u128>() >= honest.sum);
        let statement = RootStatement { vault: one.on().vault, ..honest };
        let signed = one.attestors[..2].iter().map(|key| Attestation {
            signer: key.address(),
            signature: typed_data::sign(&statement, &town.chain.ledger_domain(), key).unwrap().into(),
        });
        root::post(&town.account(&one.host), &statement, &signed.collect::<Vec<_>>()).await.unwrap();
        let watcher = town.account(&town.resident().await);
        let watch = async |on| steps::watch::watch(&watcher, &there.url, on, Resolve::Prove, None).await;
        assert!(matches!(watch(other.on()).await, Ok(Watched::Holds { .. })));
        let difference = wrong(watch(one.on()).await);
        assert!(matches!(difference, Difference::OtherRoot { vault, .. } if vault == other.on().vault), "{difference}");
        here.stop().await;
        there.stop().await;
    });
}
