//! A host whose disk is full, whose folder another process has, or whose files were cut.

use std::{fs, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use tributary_ledger::{FILE_NAME, LedgerError};
use tributary_sdk::client::{Client, ClientError};
use tributary_server::{
    host::{Host, OpenError, Refusal},
    steps,
};

use crate::{
    crash::process::{Orders, Process},
    studio::Studio,
    town::{DAY, Town, run},
};

/// Room for some receipts, in blocks of 512 bytes.
const ROOM: u64 = 256;
/// More than there is room for.
const MANY: usize = 5_000;
const LOOKS: usize = 4_000;

async fn serving(process: &Process) -> Client {
    for _ in 0..LOOKS {
        if let Some(url) = process.url() {
            return Client::connect(&url).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no host comes up:\n{}", process.said());
}

async fn end(process: Process) {
    process.strike();
    for _ in 0..LOOKS {
        if process.killed().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not die");
}

#[test]
fn a_host_whose_disk_is_full_says_so_and_loses_nothing_that_it_answered() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (buyer, poster) = (studio.buyer().await, studio.town().resident().await);
        let orders = Orders::of(&studio, &poster);
        let process = Process::start(&orders);
        let client = serving(&process).await;
        let until = studio.town().now().await + DAY;
        let key = PrivateKeySigner::random();
        let session = client.sign_in(&buyer.key, buyer.license, key, until).await.unwrap();

        // Another process cannot have the folder meanwhile.
        let refused = Host::open(&studio.town().chain, studio.opening()).await.map(drop).unwrap_err();
        assert!(matches!(refused, OpenError::Ledger(LedgerError::InUse { .. })), "{refused}");
        end(process).await;

        let length = fs::metadata(orders.data().join(FILE_NAME)).unwrap().len();
        let process = Process::start(&orders.clone().with_files_up_to(length / 512 + ROOM));
        let session = session.at(serving(&process).await);
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
        assert!(process.said().contains("a commit failed"), "{}", process.said());
        // Nothing more is written, and what is there can be read.
        let again = session.infer(&failed).await.unwrap_err();
        assert!(matches!(again, ClientError::Refused { status: 500, .. }), "{again}");
        let client = Client::connect(&process.url().unwrap()).await.unwrap();
        assert_eq!(client.receipt(given[0].1.receipt.id).await.unwrap().receipt, given[0].1.receipt);
        end(process).await;

        // With room again it goes on where it was.
        let process = Process::start(&orders);
        let session = session.at(serving(&process).await);
        for (infer, answer) in &given {
            assert_eq!(session.infer(infer).await.unwrap(), *answer);
        }
        session.infer(&failed).await.unwrap();
        end(process).await;
        let report = tributary_ledger::check(orders.data()).unwrap();
        assert_eq!((report.findings.len(), report.open), (0, given.len() as u64 + 1));
    });
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
