//! A host whose disk is full, whose folder another process has, or whose files were cut.

use std::fs;

use alloy::signers::local::PrivateKeySigner;
use tributary_chain::{
    root,
    verify::{self, RootState},
};
use tributary_ledger::{FILE_NAME, LedgerError};
use tributary_sdk::{
    api::RootStanding,
    client::{Client, ClientError},
};
use tributary_server::{
    host::{Batches, Host, OpenError, Refusal},
    steps,
};

use crate::{
    crash::process::{EPOCH, LOOKS, Orders, PAUSE, Process},
    studio::{Studio, WINDOW},
    town::{DAY, Town, run},
};

/// Room for some receipts, in blocks of 512 bytes.
const ROOM: u64 = 256;
/// More than there is room for.
const MANY: usize = 5_000;

#[test]
fn a_host_whose_disk_is_full_says_so_and_loses_nothing_that_it_answered() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (buyer, poster) = (studio.buyer().await, studio.town().resident().await);
        let orders = Orders::of(&studio, &poster);
        let process = Process::start(&orders);
        let client = process.serving().await;
        let until = studio.town().now().await + DAY;
        let key = PrivateKeySigner::random();
        let session = client.sign_in(&buyer.key, buyer.license, key, until).await.unwrap();

        // Another process cannot have the folder meanwhile.
        let refused = Host::open(&studio.town().chain, studio.opening()).await.map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Ledger(LedgerError::InUse { .. })), "{refused}");
        process.end().await;

        let length = fs::metadata(orders.data().join(FILE_NAME)).unwrap().len();
        let process = Process::start(&orders.clone().with_files_up_to(length / 512 + ROOM));
        let session = session.at(process.serving().await);
        let mut given = Vec::new();
        let failed = loop {
            assert!(given.len() < MANY, "the disk is never full");
            let infer = studio.request(&session, given.len() % 20).await;
            match session.infer(&infer).await {
                Ok(answer) => given.push((infer, answer)),
                Err(ClientError::Refused { status: 500, code, .. }) => {
                    assert_eq!(code, "ledger_failed");
                    break infer;
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert!(!given.is_empty());
        process.says("a commit failed").await;
        // Nothing more is written, and what is there can be read.
        let again = session.infer(&failed).await.unwrap_err();
        assert!(matches!(again, ClientError::Refused { status: 500, .. }), "{again}");
        let client = Client::connect(&process.url().unwrap()).await.unwrap();
        assert_eq!(client.receipt(given[0].1.receipt.id).await.unwrap().receipt, given[0].1.receipt);
        process.end().await;

        // With room again it goes on where it was.
        let process = Process::start(&orders);
        let session = session.at(process.serving().await);
        for (infer, answer) in &given {
            assert_eq!(session.infer(infer).await.unwrap(), *answer);
        }
        session.infer(&failed).await.unwrap();
        process.end().await;
        let report = tributary_ledger::check(orders.data()).unwrap();
        assert_eq!((report.findings.len(), report.open), (0, given.len() as u64 + 1));
    });
}

#[test]
fn a_disk_that_is_full_while_an_epoch_closes_is_named_and_the_epoch_is_closed_when_there_is_room() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, on, asset) = (studio.town(), studio.on(), studio.model.version.asset);
        let (buyer, poster) = (studio.buyer().await, town.resident().await);
        let orders = Orders::of(&studio, &poster);
        // Before the receipts are sealed, before the batch is written, and before the file for what attestors say is.
        let cases = [
            ("tributary_server Collected", "a commit failed"),
            ("tributary_server Settled", "the batch could not be kept"),
            ("tributary_server BatchPublished", "the batch could not be kept"),
        ];
        let mut given = Vec::new();
        for (index, (moment, complaint)) in (1..).zip(cases) {
            let process = Process::start(&orders.clone().with_a_full_disk_from(moment));
            let client = process.serving().await;
            let until = town.now().await + 10 * DAY;
            let session = client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await.unwrap();
            given.extend(studio.ask(&session, 2).await.into_iter().map(|answer| answer.receipt));
            town.advance(EPOCH).await;
            process.says(complaint).await;
            // What is there can be read.
            for receipt in &given {
                assert_eq!(client.receipt(receipt.id).await.unwrap().receipt, *receipt);
            }
            // A ledger whose commit failed is opened again; files are written when they can be.
            let process = if index == 1 {
                process.end().await;
                Process::start(&orders)
            } else {
                process.free_disk();
                process
            };
            let client = process.serving().await;
            eventually("a closed epoch", async || client.epochs(asset).await.unwrap().len() == index).await;
            let url = process.url().unwrap();
            studio.attest(&url, &studio.attestors[0]).await;
            process.fill_disk();
            let looked = steps::attest::look(&town.chain, &url, &studio.attestors[1]).await.unwrap();
            let refused = looked.into_iter().next().unwrap().1.unwrap_err();
            assert!(refused.to_string().contains("batch_failed"), "{refused}");
            process.free_disk();
            studio.attest(&url, &studio.attestors[1]).await;
            let posted = Some((index as u64, RootStanding::Posted));
            eventually("a posted root", async || root::newest(&town.chain, on).await.unwrap() == posted).await;
            town.advance(u64::from(WINDOW) + 1).await;
            process.end().await;
        }
        let report = tributary_ledger::check(orders.data()).unwrap();
        assert_eq!((report.findings.len(), report.sealed, report.open), (0, given.len() as u64, 0));
        let batches = Batches::at(orders.data());
        let mut settled = Vec::new();
        for (index, hash) in batches.list().unwrap() {
            let (verified, state) = verify::after_posting(&town.chain, &batches.bytes(hash).unwrap()).await.unwrap();
            assert_eq!(state, RootState::Active, "root {index}");
            settled.extend(verified.batch.receipts.into_iter().map(|row| row.receipt));
        }
        given.sort_by_key(|receipt| receipt.id);
        settled.sort_by_key(|receipt| receipt.id);
        assert_eq!(settled, given);
    });
}

async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..LOOKS {
        if is_so().await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("there is never {what}");
}

#[test]
fn a_batch_that_was_cut_is_named_and_good_again_when_it_is_restored() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(1).await;
        let closed = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        serving.stop().await;
        let path = studio.community.folder.path().join(format!("batches/1-{}.json", closed.data_hash));
        let whole = fs::read(&path).unwrap();
        for cut in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &[]] {
            fs::write(&path, cut).unwrap();
            let host = Host::open(&studio.town().chain, studio.opening()).await.unwrap();
            let refused = host.services()[0].close_epoch().await.unwrap_err();
            assert!(matches!(&refused, Refusal::StoredBatch(said) if said.contains("restore the file")), "{refused}");
        }
        fs::write(&path, &whole).unwrap();
        let serving = studio.serve().await;
        assert_eq!(steps::epoch::close(&serving.url, None, &serving.token).await.unwrap(), closed);
        serving.stop().await;
    });
}
