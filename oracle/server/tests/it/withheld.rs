//! A release whose sketches only attestors may read: what everybody still recomputes, who reads the rest, and that nobody
//! else does.

use std::sync::{Arc, Mutex};

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::local::PrivateKeySigner,
    sol_types::SolStruct,
};
use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};
use tributary_chain::{ChainError, dispute::Difference, posted::Rejection, root, verify};
use tributary_sdk::{
    api::Reader,
    batch::Batch,
    client::{self, Client},
    release::{Manifest, SketchReaders},
    sketch::Sketch,
    typed_data::{self, InputAccess, SketchAccess},
};
use tributary_server::steps::{
    self, StepError,
    attest::Looked,
    watch::{Resolve, Watched},
};

use crate::{
    attesting::refused_as,
    http,
    studio::{Community, Serving, Studio, WINDOW},
    town::{DAY, Town, run},
    watching::{closed, post_changed, wrong},
};

/// Signs that somebody reads something of the host at `url` for another hour.
async fn reader<A: SolStruct>(
    studio: &Studio,
    url: &str,
    key: &PrivateKeySigner,
    access: impl FnOnce(String, u64) -> A,
) -> Reader {
    let chain = &studio.town().chain;
    let until = chain.head().await.unwrap().timestamp + 3_600;
    let authority = client::authority(url);
    let signature = typed_data::sign(&access(authority.clone(), until), &chain.ledger_domain(), key).unwrap().into();
    Reader { signer: key.address(), authority, until, signature }
}

/// Somebody who has a batch and answers whoever asks for its sketches with the same words.
struct Stubborn {
    url: String,
    /// What it was asked with.
    asked: Arc<Mutex<Vec<Reader>>>,
}

impl Stubborn {
    async fn start(batch: &Bytes, status: u16, words: impl Into<String>) -> Self {
        let (words, asked, batch) = (words.into(), Arc::<Mutex<Vec<Reader>>>::default(), batch.clone());
        let (seen, status) = (Arc::clone(&asked), StatusCode::from_u16(status).unwrap());
        let refuse = async move |Json(reader): Json<Reader>| {
            seen.lock().unwrap().push(reader);
            (status, words)
        };
        let router = Router::new()
            .route("/v1/batches/{hash}", get(async move || batch.to_vec()))
            .route("/v1/batches/{hash}/sketches", post(refuse));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    fn batch_url(&self, batch: &Bytes) -> String {
        client::batch_url(&self.url, Batch::data_hash(batch))
    }
}

/// How a host may refuse what its release promises.
fn refusals() -> [(u16, String); 6] {
    let coded = |code: &str| json!({"code": code, "error": "you may not"}).to_string();
    [
        (404, String::new()),
        (500, coded("lost")),
        (403, coded("no_reader")),
        (200, "not what was asked for".into()),
        (200, json!({"batch": B256::ZERO, "sketches": []}).to_string()),
        (403, "<Error><Code>AccessDenied</Code></Error>".into()),
    ]
}

async fn withholding(calls: usize) -> (Studio, Serving) {
    let town = Town::start().await;
    let host = town.resident().await;
    let studio = Studio::showing(Community::new(town).await, host, SketchReaders::Attestors).await;
    let serving = studio.asked(calls).await;
    studio.town().advance(30 * DAY).await;
    (studio, serving)
}

#[test]
fn attestors_recompute_all_and_everybody_else_all_but_the_division() {
    run(async {
        let (studio, serving) = withholding(3).await;
        let (town, chain) = (studio.town(), &studio.town().chain);
        let client = Client::connect(&serving.url).await.unwrap();
        let asset = studio.model.version.asset;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let url = client.batch_url(epoch.data_hash);
        let bytes = client::fetch(&url).await.unwrap();
        let batch = Batch::from_bytes(&bytes).unwrap();
        assert!(batch.receipts.len() == 3 && batch.receipts.iter().all(|row| row.sketch.is_none()));
        assert!(!String::from_utf8_lossy(&bytes).contains("\"sketch\""));

        // Somebody without the sketches signs nothing; who has others is not heard.
        let deadline = chain.head().await.unwrap().timestamp + DAY;
        let blind = root::attest(chain, &bytes, deadline, &studio.attestors[0]).await;
        assert!(matches!(blind, Err(ChainError::SketchesWithheld)), "{blind:?}");
        let other = vec![Sketch::new(vec![1, 2, 3]); 3];
        let published = verify::Published { batch: &bytes, sketches: Some(&other) };
        let mistaken = verify::before_posting(chain, published).await;
        assert!(matches!(mistaken, Err(ChainError::Sketches(_))), "{mistaken:?}");

        for attestor in &studio.attestors[..2] {
            let looked = steps::attest::look(chain, &serving.url, attestor).await.unwrap();
            assert!(matches!(looked[0].1, Ok(Looked::Signed { index: 1, .. })), "{looked:?}");
        }
        let poster = town.account(&studio.host);
        let (posted, _) = steps::epoch::post_quorum(&poster, &client, asset, 1).await.unwrap().unwrap();

        let seen = steps::payout::audit(chain, &url, None, None).await.unwrap().verified;
        assert!(matches!(seen.division(), Err(ChainError::SketchesWithheld)));
        assert_eq!((seen.statement.root, seen.statement.sum), (posted.root, posted.sum));
        let known = steps::payout::audit(chain, &url, None, Some(&studio.attestors[2])).await.unwrap();
        assert!(!known.verified.division().unwrap().subpools.is_empty() && known.unread.is_none());
        let stranger = PrivateKeySigner::random();
        let seen = steps::payout::audit(chain, &url, None, Some(&stranger)).await.unwrap();
        assert!(seen.verified.division().is_err() && seen.unread.is_none());

        // Whoever keeps a copy of the batch has no sketches: everything else is audited, and they are asked of the host.
        for (status, words) in refusals() {
            let copy = Stubborn::start(&bytes, status, words).await;
            let (at, key) = (copy.batch_url(&bytes), Some(&studio.attestors[2]));
            let audited = steps::payout::audit(chain, &at, None, key).await.unwrap();
            assert_eq!(audited.verified.statement.root, posted.root);
            assert!(audited.verified.division().is_err() && audited.unread.is_some(), "{audited:?}");
            let audited = steps::payout::audit(chain, &at, Some(&serving.url), key).await.unwrap();
            assert!(audited.verified.division().is_ok() && audited.unread.is_none());
            let asked = copy.asked.lock().unwrap().len();
            assert!(steps::payout::audit(chain, &at, None, Some(&stranger)).await.unwrap().unread.is_none());
            assert_eq!(copy.asked.lock().unwrap().len(), asked, "who may not read does not ask");
        }
        let watch = async |key| {
            steps::watch::watch(&town.account(&stranger), &serving.url, studio.on(), Resolve::Prove, key).await.unwrap()
        };
        assert!(matches!(watch(None).await, Watched::Holds { divided: false, .. }));
        assert!(matches!(watch(Some(&studio.attestors[0])).await, Watched::Holds { divided: true, .. }));

        // Why somebody was paid takes the sketches, too.
        let of = studio.contributor_addresses()[0];
        let why = async |key| steps::payout::why(chain, &client, asset, 1, of, key).await;
        assert!(matches!(why(None).await, Err(StepError::Chain(ChainError::SketchesWithheld))));
        why(Some(&studio.attestors[0])).await.unwrap();

        // The next epoch goes on from there.
        town.advance(u64::from(WINDOW) + 30 * DAY).await;
        steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        serving.stop().await;
    });
}

#[test]
fn payouts_that_no_sketches_could_give_are_refused_without_any() {
    run(async {
        let (studio, serving) = withholding(1).await;
        let chain = &studio.town().chain;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let bytes = client::fetch(&client::batch_url(&serving.url, epoch.data_hash)).await.unwrap();
        let refused = async |change: fn(&mut Batch)| {
            let mut batch = Batch::from_bytes(&bytes).unwrap();
            change(&mut batch);
            let bytes = batch.to_bytes().unwrap();
            match verify::before_posting(chain, &bytes).await {
                Err(ChainError::Fault(verify::Fault::NoDivision(problem))) => problem,
                other => panic!("{other:?}"),
            }
        };
        assert!(refused(|batch| batch.leaves[0].cumulative += 1).await.contains("the vault credited"));
        let stranger = |batch: &mut Batch| batch.leaves[0].account = Address::with_last_byte(1);
        assert!(refused(stranger).await.contains("contributed nothing"));
        // Who gets how much of it is what only the sketches tell.
        let mut moved = Batch::from_bytes(&bytes).unwrap();
        moved.leaves[0].cumulative += 1;
        moved.leaves[1].cumulative -= 1;
        verify::before_posting(chain, &moved.to_bytes().unwrap()).await.unwrap();

        // A sketch that is published all the same breaks the release's promise.
        let mut revealed = Batch::from_bytes(&bytes).unwrap();
        revealed.receipts[0].sketch = Some(Sketch::new(vec![1]));
        let refused = verify::before_posting(chain, &revealed.to_bytes().unwrap()).await;
        assert!(matches!(refused, Err(ChainError::Fault(verify::Fault::SketchReaders(_)))));
        serving.stop().await;
    });
}

#[test]
fn only_attestors_and_the_payer_read_what_is_withheld() {
    run(async {
        let town = Town::shared().await;
        let host = town.resident().await;
        let studio = Studio::showing(Community::new(town).await, host, SketchReaders::Attestors).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let session = studio.session(&serving, &buyer).await;
        let id = session.infer(&studio.request(&session, 0).await).await.unwrap().receipt.id;
        let client = Client::connect(&serving.url).await.unwrap();

        let page: Value = http::get(&format!("{}/v1/receipts/{id}", serving.url)).await.ok();
        assert!(page["receipt"]["sketchHash"].is_string() && page.get("sketch").is_none(), "{page}");
        refused_as(client.attribution(id).await, "sketch_withheld");
        let stranger = PrivateKeySigner::random();
        let access = |authority, until| InputAccess { receiptId: id, authority, until };
        let url = &serving.url;
        refused_as(client.attribution_for(id, &reader(&studio, url, &stranger, access).await).await, "no_reader");
        let forged = Reader { signer: studio.attestors[0].address(), ..reader(&studio, url, &stranger, access).await };
        refused_as(client.attribution_for(id, &forged).await, "bad_signature");
        for key in [&buyer.key, &studio.attestors[0]] {
            let made = client.attribution_for(id, &reader(&studio, url, key, access).await).await.unwrap();
            assert_eq!(made.scores.len(), studio.contributor_addresses().len());
            // What somebody else was sent is good there alone.
            let sent = reader(&studio, "https://elsewhere.example/", key, access).await;
            refused_as(client.attribution_for(id, &sent).await, "foreign_sign_in");
            refused_as(client.input(id, &sent).await, "foreign_sign_in");
            let renamed = Reader { authority: client::authority(url), ..sent };
            refused_as(client.attribution_for(id, &renamed).await, "bad_signature");
        }

        // Of a batch only attestors read the sketches; of one that does not exist, nobody.
        let nothing = B256::repeat_byte(7);
        let access = |authority, until| SketchAccess { dataHash: nothing, authority, until };
        let asked = json!(reader(&studio, url, &studio.attestors[0], access).await).to_string();
        http::post(&format!("{}/sketches", client.batch_url(nothing)), asked).await.refused(404, "unknown_batch");
        serving.stop().await;
    });
}

#[test]
fn a_host_that_refuses_sketches_to_an_attestor_does_not_hide_what_is_wrong() {
    run(async {
        let (studio, serving) = withholding(3).await;
        let (town, chain, attestor) = (studio.town(), &studio.town().chain, &studio.attestors[2]);
        let watcher = town.account(&town.resident().await);
        let watch = async |url: &str, resolve, key: Option<&PrivateKeySigner>| {
            steps::watch::watch(&watcher, url, studio.on(), resolve, key).await
        };

        // Leaves out of order need no sketches to be proven.
        let (_, bytes) = closed(&serving).await;
        let swapped = post_changed(&studio, &bytes, |batch| batch.leaves.swap(0, 1)).await;
        let lying = Stubborn::start(&swapped, 500, "").await;
        let proven = watch(&lying.url, Resolve::Prove, Some(attestor)).await.unwrap();
        assert!(matches!(proven, Watched::Proven { index: 1, reason: Rejection::Disorder }), "{proven:?}");

        // What an attestor sends to one host, that one cannot read with at another.
        let (url, bytes) = closed(&serving).await;
        let relaying = Stubborn::start(&bytes, 404, "").await;
        let deadline = town.now().await + DAY;
        let refused = steps::epoch::attest(chain, &relaying.batch_url(&bytes), deadline, attestor).await;
        assert!(matches!(refused, Err(StepError::NoSketches(_))), "{refused:?}");
        let sent = relaying.asked.lock().unwrap().pop().unwrap();
        let relay = async |reader: &Reader| http::post(&format!("{url}/sketches"), json!(reader).to_string()).await;
        relay(&sent).await.refused(422, "foreign_sign_in");
        let renamed = Reader { authority: client::authority(&serving.url), ..sent };
        relay(&renamed).await.refused(401, "bad_signature");

        // One base unit moved: only the sketches tell, and who may read them asks for them.
        let access = |authority, until| SketchAccess { dataHash: Batch::data_hash(&bytes), authority, until };
        let reading = reader(&studio, &url, attestor, access).await;
        let given = http::post(&format!("{url}/sketches"), json!(reading).to_string()).await.ok();
        let moved = post_changed(&studio, &bytes, |batch| {
            batch.leaves[0].cumulative += 1;
            batch.leaves[1].cumulative -= 1;
        })
        .await;
        let found = Stubborn::start(&moved, 200, given.to_string()).await;
        let difference = wrong(watch(&found.url, Resolve::Prove, Some(attestor)).await);
        assert!(matches!(difference, Difference::Recomputation(_)), "{difference}");
        for (status, words) in refusals() {
            let lying = Stubborn::start(&moved, status, words).await;
            let difference = wrong(watch(&lying.url, Resolve::Prove, Some(attestor)).await);
            assert!(matches!(difference, Difference::SketchesWithheld(_)), "{difference}");
            let stranger = PrivateKeySigner::random();
            for key in [None, Some(&stranger)] {
                let holds = watch(&lying.url, Resolve::Challenge, key).await.unwrap();
                assert!(matches!(holds, Watched::Holds { divided: false, .. }), "{holds:?}");
            }
        }
        let lying = Stubborn::start(&moved, 403, json!({"code": "no_reader", "error": "no"}).to_string()).await;
        let challenged = watch(&lying.url, Resolve::Challenge, Some(attestor)).await.unwrap();
        let Watched::Challenged { index: 1, reason, .. } = challenged else { panic!("{challenged:?}") };
        assert!(reason.contains("was not given its sketches"), "{reason}");
        serving.stop().await;
    });
}
