//! The program is stopped at every moment and started again: nothing is lost and nothing is done twice.

#[path = "../../tests/it/world.rs"]
mod world;

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use alloy::{primitives::B256, providers::Provider, signers::local::PrivateKeySigner};

use super::Crash;
use crate::{Attempt, MOMENTS, Moment, Policy, State, Submitter};
use world::{World, on_own_chain, on_shared_chain, policy, slot};

const ORDERS: &str = "TRIBUTARY_SUBMISSION_CRASH";

/// Opens, submits and moves on until the moment is reached.
async fn until_crash(world: &'static World, folder: &Path, signer: &PrivateKeySigner, slot: B256, crash: Crash) {
    let mut submitter = world.open(folder, signer).await;
    submitter.crash = Some(crash);
    if submitter.submit(world.intent(slot, 7).await).is_err() {
        return;
    }
    for _ in 0..60 {
        if submitter.advance().await.is_err() {
            return;
        }
        world.mine(1).await;
    }
    panic!("{crash:?} was never reached");
}

/// What is on disk after the crash, then the end. Whatever was signed on disk is what the chain has.
async fn resumes(world: &'static World, folder: &Path, signer: &PrivateKeySigner, slot: B256, moment: Moment) {
    let intent = world.intent(slot, 7).await;
    let submitter = world.open(folder, signer).await;
    let before: Vec<Attempt> = submitter.record(intent.key).unwrap().attempts;
    assert_eq!(
        before.is_empty(),
        matches!(moment, Moment::Built | Moment::Planned | Moment::SignedInMemory),
        "{moment:?}"
    );
    submitter.submit(intent.clone()).unwrap();
    assert_eq!(world.settle(&submitter, intent.key).await, State::Final, "{moment:?}");
    let record = submitter.record(intent.key).unwrap();
    assert_eq!(record.attempts.len(), 1, "{moment:?}");
    if let Some(signed) = before.first() {
        assert_eq!(&record.attempts[0], signed, "{moment:?}");
        assert_eq!(record.inclusion.unwrap().hash, signed.hash, "{moment:?}");
    }
    assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 1), "{moment:?}");
    assert_eq!(submitter.alarms(), [], "{moment:?}");
}

#[test]
fn an_error_at_any_moment_loses_nothing() {
    on_shared_chain(async |world| {
        for moment in MOMENTS {
            let folder = tempfile::tempdir().unwrap();
            let (signer, slot) = (world.signer().await, slot());
            until_crash(world, folder.path(), &signer, slot, Crash::Error(moment)).await;
            resumes(world, folder.path(), &signer, slot, moment).await;
        }
    });
}

#[test]
fn sigkill_at_any_moment_loses_nothing() {
    on_shared_chain(async |world| {
        for (number, moment) in MOMENTS.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let (signer, slot) = (world.signer().await, slot());
            let key = signer.to_bytes();
            let orders = format!("{number} {} {} {key} {slot} {}", world.url, world.register, folder.path().display());
            let mut child = Command::new(env::current_exe().unwrap())
                .args(["crash::tests::the_process_that_is_killed", "--exact", "--ignored", "--nocapture"])
                .env(ORDERS, orders)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
            assert!(lines.any(|line| line == format!("reached {moment:?}")), "{moment:?} was never reached");
            child.kill().unwrap();
            assert!(!child.wait().unwrap().success());
            resumes(world, folder.path(), &signer, slot, moment).await;
        }
    });
}

/// Not a test by itself: the process that the test above starts and kills.
#[test]
#[ignore = "a child of another test, which does nothing without its orders"]
fn the_process_that_is_killed() {
    let Ok(orders) = env::var(ORDERS) else { return };
    let orders: Vec<&str> = orders.split(' ').collect();
    let moment = MOMENTS[orders[0].parse::<usize>().unwrap()];
    let signer: PrivateKeySigner = orders[3].parse().unwrap();
    let folder = Path::new(orders[5]);
    world::run(async {
        let world = Box::leak(Box::new(World::at(orders[1], orders[2].parse().unwrap())));
        until_crash(world, folder, &signer, orders[4].parse().unwrap(), Crash::Wait(moment)).await;
    });
}

#[test]
fn a_crash_while_replacing_loses_no_hash() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        for (moment, signatures) in [(Moment::SignedInMemory, 1), (Moment::Signed, 2), (Moment::Broadcast, 2)] {
            let folder = tempfile::tempdir().unwrap();
            let (signer, slot) = (world.signer().await, slot());
            let intent = world.intent(slot, 7).await;
            let submitter = world.open(folder.path(), &signer).await;
            submitter.submit(intent.clone()).unwrap();
            world.until(&submitter, intent.key, "sent").await;
            drop(submitter);

            let mut submitter = open_hasty(world, folder.path(), &signer).await;
            submitter.crash = Some(Crash::Error(moment));
            submitter.advance().await.unwrap_err();
            drop(submitter);

            let submitter = world.open(folder.path(), &signer).await;
            let signed = submitter.record(intent.key).unwrap().attempts;
            assert_eq!(signed.len(), signatures, "{moment:?}");
            submitter.advance().await.unwrap();
            let newest = signed.last().unwrap().hash;
            assert!(world.provider.get_transaction_by_hash(newest).await.unwrap().is_some(), "{moment:?}");
            assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
            assert_eq!(submitter.record(intent.key).unwrap().inclusion.unwrap().hash, newest, "{moment:?}");
            assert_eq!(world.nonce(signer.address()).await, 1);
        }
    });
}

#[test]
fn a_crash_while_filling_a_gap_loses_nothing() {
    for moment in [Moment::SignedInMemory, Moment::Signed, Moment::Broadcast] {
        on_own_chain(async |world| {
            let folder = tempfile::tempdir().unwrap();
            let (signer, slot) = (world.signer().await, slot());
            let intent = world.intent(slot, 7).await;
            let submitter = world.open(folder.path(), &signer).await;
            world.mine(1).await;
            let before: serde_json::Value = world.rpc("evm_snapshot", ()).await;
            world.send_as(&signer, signer.address(), Default::default()).await;
            submitter.submit(intent.clone()).unwrap();
            world.until(&submitter, intent.key, "included").await;
            let _: bool = world.rpc("evm_revert", (before,)).await;
            world.mine(1).await;
            drop(submitter);

            let mut submitter = world.open(folder.path(), &signer).await;
            submitter.crash = Some(Crash::Error(moment));
            for _ in 0..3 {
                let _ = submitter.advance().await;
            }
            drop(submitter);

            let submitter = world.open(folder.path(), &signer).await;
            assert_eq!(world.settle(&submitter, intent.key).await, State::Final, "{moment:?}");
            let filler = submitter.records().unwrap().into_iter().find(|record| record.fills_gap).unwrap();
            assert_eq!(filler.attempts.len(), 1, "{moment:?}");
            assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 2), "{moment:?}");
        });
    }
}

async fn open_hasty(world: &'static World, folder: &Path, signer: &PrivateKeySigner) -> Submitter {
    world.open_with(folder, signer, Policy { replace_after: Duration::ZERO, ..policy() }).await
}
