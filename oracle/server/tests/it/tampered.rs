//! A closed epoch's batch with something changed: attestors refuse, and say what is wrong. Where the host could sign the
//! change itself, it does.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::local::PrivateKeySigner,
};
use tokio::sync::OnceCell;
use tributary_chain::{
    ChainError, root,
    verify::{self, Fault},
};
use tributary_sdk::{
    batch::{Batch, ReceiptRow, Session},
    client::{self, Client},
    release::{Manifest, ManifestError},
    sign_in::{Authorization, Credential},
    sketch::Sketch,
    typed_data::{self, SessionAuthorization},
};
use tributary_server::steps;

use crate::{
    studio::{Buyer, Studio},
    town::{DAY, Town, run, word},
};

/// A closed epoch of a dishonest host's: its key is at hand.
struct Closed {
    studio: Studio,
    buyer: Buyer,
    bytes: Bytes,
}

static CLOSED: OnceCell<Arc<Closed>> = OnceCell::const_new();

impl Closed {
    async fn get() -> Arc<Self> {
        CLOSED.get_or_init(|| async { Arc::new(Self::close().await) }).await.clone()
    }

    async fn close() -> Self {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 8).await;
        studio.town().advance(DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let url = Client::connect(&serving.url).await.unwrap().batch_url(epoch.data_hash);
        let bytes = client::fetch(&url).await.unwrap();
        serving.stop().await;
        Self { studio, buyer, bytes }
    }

    fn batch(&self) -> Batch {
        Batch::from_bytes(&self.bytes).unwrap()
    }

    /// The host signs a receipt as it now stands.
    fn sign(&self, row: &mut ReceiptRow) {
        let domain = self.studio.town().chain.ledger_domain();
        row.host_signature = typed_data::sign(&row.receipt, &domain, &self.studio.host).unwrap().into();
    }

    async fn verify(&self, bytes: &[u8]) -> Result<(), ChainError> {
        verify::before_posting(&self.studio.town().chain, bytes).await.map(|_| ())
    }

    /// An attestor's verdict on a changed batch, which must be a fault: nothing was signed.
    async fn fault(&self, batch: &Batch) -> Fault {
        match self.verify(&batch.to_bytes().unwrap()).await {
            Err(ChainError::Fault(fault)) => fault,
            other => panic!("no fault was found: {other:?}"),
        }
    }
}

/// What a dishonest host might do to a receipt.
type Change = fn(&mut ReceiptRow);

/// Asserts that a changed batch is refused with a fault like this.
fn refused(change: impl FnOnce(&Closed, &mut Batch), expected: impl FnOnce(&Fault, &Batch) -> bool) {
    run(async {
        let closed = Closed::get().await;
        let mut batch = closed.batch();
        change(&closed, &mut batch);
        let fault = closed.fault(&batch).await;
        assert!(expected(&fault, &batch), "{fault}");
    });
}

/// Asserts that a batch with receipt 3 changed is refused for that receipt, with these words.
fn receipt_refused(change: impl FnOnce(&Closed, &mut ReceiptRow), words: &'static str) {
    refused(
        |closed, batch| change(closed, &mut batch.receipts[3]),
        |fault, batch| match fault {
            Fault::Receipt { id, problem } => *id == batch.receipts[3].receipt.id && problem.contains(words),
            _ => false,
        },
    );
}

#[test]
fn the_batch_as_it_was_published_holds() {
    run(async {
        let closed = Closed::get().await;
        closed.verify(&closed.bytes).await.unwrap();
    });
}

#[test]
fn a_receipt_with_more_units_is_refused() {
    receipt_refused(|_, row| row.receipt.units = 9, "signed by");
    let inflated = |closed: &Closed, row: &mut ReceiptRow| {
        row.receipt.units = 9;
        closed.sign(row);
    };
    receipt_refused(inflated, "units");
    // The buyer's request, too, is signed.
    let both = |closed: &Closed, row: &mut ReceiptRow| {
        (row.receipt.units, row.request.units) = (9, 9);
        closed.sign(row);
    };
    receipt_refused(both, "signed by");
}

fn sketch(row: &ReceiptRow) -> Vec<i16> {
    row.sketch.as_ref().unwrap().values().to_vec()
}

#[test]
fn a_receipt_with_another_sketch_is_refused() {
    let other = |row: &mut ReceiptRow| {
        let mut values = sketch(row);
        values[0] = values[0].wrapping_add(1);
        row.sketch = Some(Sketch::new(values));
    };
    receipt_refused(|_, row| other(row), "sketch");
    let wide = |closed: &Closed, row: &mut ReceiptRow| {
        let wide = Sketch::new([sketch(row).as_slice(), &[1]].concat());
        row.receipt.sketchHash = wide.hash();
        row.sketch = Some(wide);
        closed.sign(row);
    };
    receipt_refused(wide, "width");
    // Nor is it left out of what everybody may read.
    let without = |_: &Closed, batch: &mut Batch| batch.receipts[3].sketch = None;
    refused(without, |fault, _| matches!(fault, Fault::SketchReaders(_)));
    // A sketch that the host stands by changes the division, which the leaves then contradict.
    refused(
        |closed, batch| {
            let row = &mut batch.receipts[3];
            let other = Sketch::new(sketch(row).iter().map(|value| value.saturating_neg()).collect());
            row.receipt.sketchHash = other.hash();
            row.sketch = Some(other);
            closed.sign(row);
        },
        |fault, _| matches!(fault, Fault::Leaves { .. }),
    );
}

#[test]
fn a_forged_host_signature_is_refused() {
    let stranger = |closed: &Closed, row: &mut ReceiptRow| {
        let domain = closed.studio.town().chain.ledger_domain();
        row.host_signature = typed_data::sign(&row.receipt, &domain, &PrivateKeySigner::random()).unwrap().into();
    };
    receipt_refused(stranger, "signed by");
    receipt_refused(|_, row| row.host_signature = Bytes::from(vec![0; 65]), "malformed");
    receipt_refused(|_, row| row.host_signature = Bytes::new(), "malformed");
}

#[test]
fn a_receipt_for_something_nobody_asked_is_refused() {
    // The host invents a request and signs it with a key of its own.
    let invented = |closed: &Closed, row: &mut ReceiptRow| {
        let domain = closed.studio.town().chain.ledger_domain();
        let key = PrivateKeySigner::random();
        row.credential = Credential::Key(key.address());
        row.request_signature = typed_data::sign(&row.request, &domain, &key).unwrap().into();
        row.receipt.requestSignatureHash = tributary_sdk::keccak256(&row.request_signature);
        closed.sign(row);
    };
    receipt_refused(invented, "session key");
    let changes: [(Change, &str); 7] = [
        (|row| row.receipt.assetId ^= 1, "another release"),
        (|row| row.receipt.version += 1, "another release"),
        (|row| row.receipt.weightsHash = B256::ZERO, "weights"),
        (|row| row.receipt.requestHash = B256::ZERO, "request hash"),
        (|row| row.receipt.inputCommitment = B256::ZERO, "input"),
        (|row| row.receipt.payer = Address::repeat_byte(1), "session"),
        (|row| row.receipt.amount = 1, "payment"),
    ];
    for (change, words) in changes {
        let resigned = |closed: &Closed, row: &mut ReceiptRow| {
            change(row);
            closed.sign(row);
        };
        receipt_refused(resigned, words);
    }
}

#[test]
fn a_receipt_from_outside_the_epoch_is_refused() {
    let late = |closed: &Closed, row: &mut ReceiptRow| {
        row.receipt.servedAt += 10 * DAY;
        closed.sign(row);
    };
    receipt_refused(late, "epoch");
    let early = |closed: &Closed, row: &mut ReceiptRow| {
        row.receipt.servedAt = 0;
        closed.sign(row);
    };
    receipt_refused(early, "epoch");
}

#[test]
fn a_dropped_receipt_is_noticed_in_the_leaves() {
    refused(
        |_, batch| {
            batch.receipts.remove(5);
        },
        |fault, _| matches!(fault, Fault::Leaves { .. }),
    );
}

#[test]
fn a_receipt_counted_twice_or_out_of_order_is_refused() {
    refused(
        |_, batch| batch.receipts.insert(2, batch.receipts[2].clone()),
        |fault, batch| matches!(fault, Fault::ReceiptOrder(id) if *id == batch.receipts[2].receipt.id),
    );
    refused(|_, batch| batch.receipts.swap(0, 1), |fault, _| matches!(fault, Fault::ReceiptOrder(_)));
}

#[test]
fn another_division_than_the_settlements_is_refused() {
    refused(
        |_, batch| {
            batch.leaves[0].cumulative += 1;
            batch.leaves[1].cumulative -= 1;
        },
        |fault, _| matches!(fault, Fault::Leaves { .. }),
    );
    refused(|_, batch| batch.leaves[0].cumulative += 1, |fault, _| matches!(fault, Fault::Leaves { .. }));
    refused(
        |_, batch| {
            batch.leaves.pop();
        },
        |fault, _| matches!(fault, Fault::Leaves { .. }),
    );
    refused(|_, batch| batch.leaves.swap(0, 1), |fault, _| matches!(fault, Fault::SumTree(_)));
    refused(|_, batch| batch.leaves.clear(), |fault, _| matches!(fault, Fault::SumTree(_)));
}

#[test]
fn another_end_of_the_period_is_refused() {
    refused(|_, batch| batch.period_end += 100 * DAY, |fault, _| matches!(fault, Fault::BadPeriod { .. }));
    refused(|_, batch| batch.period_end = 0, |fault, _| matches!(fault, Fault::BadPeriod { .. }));
    // Just before the day's earnings were distributed: the receipts are in it, the money is not.
    refused(
        |_, batch| batch.period_end -= DAY / 2,
        |fault, _| matches!(fault, Fault::Leaves { .. } | Fault::SumTree(_)),
    );
}

#[test]
fn a_session_that_its_holder_did_not_sign_covers_nothing() {
    let problem =
        |fault: &Fault, _: &Batch| matches!(fault, Fault::Receipt { problem, .. } if problem.contains("session"));
    refused(|_, batch| batch.sessions.clear(), problem);
    let later = |_: &Closed, batch: &mut Batch| match &mut batch.sessions[0].authorization {
        Authorization::Message(text) => *text = text.replacen("Expiration Time: 20", "Expiration Time: 21", 1),
        Authorization::Typed(authorization) => authorization.expiresAt += 1,
    };
    refused(later, problem);
    refused(|_, batch| batch.sessions[0].holder = Address::repeat_byte(1), problem);
}

#[test]
fn a_session_of_somebody_who_is_not_licensed_covers_nothing() {
    refused(
        |closed, batch| {
            // The host signs in as a holder it is not, and serves itself.
            let domain = closed.studio.town().chain.ledger_domain();
            let (host, key) = (&closed.studio.host, PrivateKeySigner::random());
            let authorization = SessionAuthorization {
                licenseId: closed.buyer.license,
                sessionKey: key.address(),
                expiresAt: batch.sessions[0].authorization.permission(&domain).unwrap().expires_at,
            };
            let signature = typed_data::sign(&authorization, &domain, host).unwrap().into();
            let block = batch.sessions[0].block;
            let authorization = Authorization::Typed(authorization);
            batch.sessions.push(Session { authorization, holder: host.address(), signature, block });
            let row = &mut batch.receipts[3];
            row.credential = Credential::Key(key.address());
            row.receipt.payer = host.address();
            row.request_signature = typed_data::sign(&row.request, &domain, &key).unwrap().into();
            row.receipt.requestSignatureHash = tributary_sdk::keccak256(&row.request_signature);
            closed.sign(row);
        },
        |fault, _| matches!(fault, Fault::Receipt { problem, .. } if problem.contains("license")),
    );
}

#[test]
fn a_batch_for_another_place_is_refused() {
    refused(|_, batch| batch.chain_id += 1, |fault, _| matches!(fault, Fault::WrongChain { .. }));
    refused(|_, batch| batch.index += 1, |fault, _| matches!(fault, Fault::NotPosted(_)));
    refused(|_, batch| batch.host = Address::repeat_byte(1), |fault, _| matches!(fault, Fault::WrongHost { .. }));
    refused(|_, batch| batch.vault = Address::repeat_byte(1), |fault, _| matches!(fault, Fault::WrongVault { .. }));
    refused(|_, batch| batch.prev_root = word(), |fault, _| matches!(fault, Fault::WrongPrevious { .. }));
    refused(|_, batch| batch.previous = batch.leaves.clone(), |fault, _| matches!(fault, Fault::WrongPrevious { .. }));
    // Nothing was paid in that token.
    refused(
        |_, batch| batch.token = Address::repeat_byte(1),
        |fault, _| matches!(fault, Fault::Leaves { .. } | Fault::SumTree(_)),
    );
}

#[test]
fn another_table_or_manifest_than_the_releases_is_refused() {
    refused(
        |_, batch| {
            let mut table = batch.table.to_vec();
            *table.last_mut().unwrap() ^= 1;
            batch.table = table.into();
        },
        |fault, _| matches!(fault, Fault::WrongTable { .. }),
    );
    run(async {
        let closed = Closed::get().await;
        let mut batch = closed.batch();
        batch.manifest = batch.manifest.replacen("\"records\"", "\"records\" ", 1);
        let refused = closed.verify(&batch.to_bytes().unwrap()).await;
        assert!(matches!(refused, Err(ChainError::Manifest(ManifestError::Hash { .. }))), "{refused:?}");
        let mut batch = closed.batch();
        batch.release.version = 2;
        let refused = closed.verify(&batch.to_bytes().unwrap()).await;
        assert!(matches!(refused, Err(ChainError::UnknownVersion { version: 2, .. })), "{refused:?}");
        let mut batch = closed.batch();
        batch.release.asset.0 ^= 1;
        let refused = closed.verify(&batch.to_bytes().unwrap()).await;
        assert!(matches!(refused, Err(ChainError::UnknownAsset(_))), "{refused:?}");
    });
}

#[test]
fn bytes_that_are_no_batch_are_refused_wherever_they_are_cut() {
    run(async {
        let closed = Closed::get().await;
        let length = closed.bytes.len();
        for cut in [0, 1, length / 3, length / 2, length - 2] {
            let refused = closed.verify(&closed.bytes[..cut]).await;
            assert!(matches!(refused, Err(ChainError::Manifest(ManifestError::Syntax(_)))), "{refused:?}");
        }
        let mut batch = closed.batch();
        batch.format = "tributary-batch/2".into();
        let refused = closed.verify(&batch.to_bytes().unwrap()).await;
        assert!(matches!(refused, Err(ChainError::Manifest(ManifestError::Format { .. }))), "{refused:?}");
    });
}

#[test]
fn nobody_attests_on_another_chain() {
    run(async {
        let closed = Closed::get().await;
        let key = &closed.studio.attestors[0];
        let elsewhere = Town::start().await;
        elsewhere.advance(2 * DAY).await;
        let deadline = elsewhere.now().await + DAY;
        let refused = root::attest(&elsewhere.chain, &closed.bytes, deadline, key).await.map(|_| ());
        assert!(matches!(refused, Err(ChainError::UnknownAsset(_))), "{refused:?}");
        let nowhere = Town::empty().await;
        nowhere.advance(2 * DAY).await;
        let refused = root::attest(&nowhere.chain, &closed.bytes, deadline, key).await.map(|_| ());
        assert!(matches!(refused, Err(ChainError::NoContract(_))), "{refused:?}");
    });
}
