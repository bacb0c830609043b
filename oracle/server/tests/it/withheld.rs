//! A release whose sketches only attestors may read: what everybody still recomputes, who reads the rest, and that nobody
//! else does.

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use serde_json::Value;
use tributary_chain::{ChainError, root, verify};
use tributary_sdk::{
    api::Reader,
    batch::Batch,
    client::{self, Client, ClientError},
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
};

/// Signs that somebody reads something for another hour.
async fn reader<A: alloy::sol_types::SolStruct>(
    studio: &Studio,
    key: &PrivateKeySigner,
    access: impl FnOnce(u64) -> A,
) -> Reader {
    let chain = &studio.town().chain;
    let until = chain.head().await.unwrap().timestamp + 3_600;
    let signature = typed_data::sign(&access(until), &chain.ledger_domain(), key).unwrap().into();
    Reader { signer: key.address(), until, signature }
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
            assert!(matches!(looked[0].1, Looked::Signed { index: 1, .. }), "{looked:?}");
        }
        let poster = town.account(&studio.host);
        let (posted, _) = steps::epoch::post_quorum(&poster, &client, asset, 1).await.unwrap().unwrap();

        let (seen, _) = steps::payout::audit(chain, &url, None).await.unwrap();
        assert!(matches!(seen.division(), Err(ChainError::SketchesWithheld)));
        assert_eq!((seen.statement.root, seen.statement.sum), (posted.root, posted.sum));
        let (known, _) = steps::payout::audit(chain, &url, Some(&studio.attestors[2])).await.unwrap();
        assert!(!known.division().unwrap().subpools.is_empty());
        let stranger = PrivateKeySigner::random();
        assert!(steps::payout::audit(chain, &url, Some(&stranger)).await.unwrap().0.division().is_err());
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
        let access = |until| InputAccess { receiptId: id, until };
        refused_as(client.attribution_for(id, &reader(&studio, &stranger, access).await).await, "no_reader");
        let forged = Reader { signer: studio.attestors[0].address(), ..reader(&studio, &stranger, access).await };
        refused_as(client.attribution_for(id, &forged).await, "bad_signature");
        for key in [&buyer.key, &studio.attestors[0]] {
            let made = client.attribution_for(id, &reader(&studio, key, access).await).await.unwrap();
            assert_eq!(made.scores.len(), studio.contributor_addresses().len());
        }

        // Of a batch only attestors read the sketches; of one that does not exist, nobody.
        let nothing = B256::repeat_byte(7);
        let access = |until| SketchAccess { dataHash: nothing, until };
        let url = client.batch_url(nothing);
        let asked = client::sketches(&url, &reader(&studio, &studio.attestors[0], access).await).await;
        assert!(matches!(asked, Err(ClientError::Refused { status: 404, .. })), "{asked:?}");
        serving.stop().await;
    });
}
