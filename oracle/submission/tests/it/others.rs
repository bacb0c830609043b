//! What others do: with the same key, and to the same contract.

use std::time::Duration;

use alloy::{
    eips::BlockId,
    primitives::{Bytes, U256},
    providers::Provider,
};
use serde_json::Value;
use tributary_submission::{
    Alarm, Effect, GivenUp, Intent, Kind, Policy, State, SubmissionError, Submitter, Target, Unclear,
};

use crate::world::{calldata, on_own_chain, on_shared_chain, policy, slot};

#[test]
fn an_equal_effect_by_somebody_else_is_adopted_once_it_is_final() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
        let submitter = world.open(folder.path(), &signer).await;
        world.send_as(&other, world.register, calldata(slot, 7)).await;
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        submitter.advance().await.unwrap();
        assert_eq!(world.settle(&submitter, intent.key).await, State::Adopted);
        assert_eq!(world.nonce(signer.address()).await, 0);
        assert_eq!(submitter.alarms(), []);
    });
}

#[test]
fn a_different_effect_by_somebody_else_halts() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
        let submitter = world.open(folder.path(), &signer).await;
        world.send_as(&other, world.register, calldata(slot, 8)).await;
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        let halted = State::Halted { reason: "the slot has 8".into() };
        assert_eq!(world.settle(&submitter, intent.key).await, halted);
        let alarm = Alarm::Halted { key: intent.key, reason: "the slot has 8".into() };
        assert_eq!(submitter.alarms(), std::slice::from_ref(&alarm));
        assert_eq!(submitter.status().unwrap().alarms["halted"], 1);
        drop(submitter);

        // It stays halted, and the alarm on, until an operator says otherwise; the question is the same then.
        let submitter = world.open(folder.path(), &signer).await;
        assert_eq!(submitter.alarms(), [alarm]);
        submitter.advance().await.unwrap();
        submitter.retry(intent.key).await.unwrap();
        assert_eq!(submitter.alarms(), []);
        assert_eq!(world.settle(&submitter, intent.key).await, halted);
        assert_eq!(world.nonce(signer.address()).await, 0);
    });
}

/// The others win while ours waits: its nonce is used up by a transaction that does nothing.
async fn overtaken(value: u64) -> (State, Vec<Kind>, Vec<Alarm>) {
    let world = Box::leak(Box::new(crate::world::World::start().await));
    let folder = tempfile::tempdir().unwrap();
    let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
    let submitter = world.open(folder.path(), &signer).await;
    world.stop_mining().await;
    let intent = world.intent(slot, 7).await;
    submitter.submit(intent.clone()).unwrap();
    world.until(&submitter, intent.key, "sent").await;
    let ours = submitter.record(intent.key).unwrap().attempts[0].hash;
    let _: Value = world.rpc("anvil_dropTransaction", (ours,)).await;
    world.send_as(&other, world.register, calldata(slot, value)).await;
    world.mine(1).await;
    submitter.advance().await.unwrap();
    assert!(world.provider.get_transaction_by_hash(ours).await.unwrap().is_none());
    let mut state = world.settle(&submitter, intent.key).await;
    // Also a halted intent's nonce comes to its end.
    for _ in 0..6 {
        world.mine(1).await;
        submitter.advance().await.unwrap();
    }
    let record = submitter.record(intent.key).unwrap();
    assert_eq!((record.nonce, world.nonce(signer.address()).await), (None, 1));
    assert_eq!(world.value(slot).await, value);
    if record.given_up.is_some() {
        assert_eq!(record.given_up, Some(GivenUp::Superseded));
        state = record.state;
    }
    (state, record.attempts.iter().map(|attempt| attempt.kind).collect(), submitter.alarms())
}

#[test]
fn an_equal_effect_while_ours_waits_is_adopted_and_ours_cancelled() {
    crate::world::run(async {
        assert_eq!(overtaken(7).await, (State::Adopted, vec![Kind::Call, Kind::Cancel], vec![]));
    });
}

#[test]
fn a_different_effect_while_ours_waits_halts_and_ours_is_cancelled() {
    crate::world::run(async {
        let (state, kinds, alarms) = overtaken(8).await;
        assert_eq!((state.label(), kinds), ("halted", vec![Kind::Call, Kind::Cancel]));
        assert!(matches!(alarms[..], [Alarm::Halted { .. }]));
    });
}

#[test]
fn a_cancel_that_waits_is_replaced_like_any_other() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
        let hasty = Policy { replace_after: Duration::ZERO, ..policy() };
        let submitter = world.open_with(folder.path(), &signer, hasty).await;
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "sent").await;
        let ours = submitter.record(intent.key).unwrap().attempts[0].hash;
        let _: Value = world.rpc("anvil_dropTransaction", (ours,)).await;
        world.send_as(&other, world.register, calldata(slot, 8)).await;
        world.mine(1).await;
        for _ in 0..3 {
            submitter.advance().await.unwrap();
        }
        let record = submitter.record(intent.key).unwrap();
        assert_eq!(record.state.label(), "halted");
        let kinds: Vec<_> = record.attempts.iter().map(|attempt| attempt.kind).collect();
        assert_eq!(kinds, [Kind::Call, Kind::Cancel, Kind::Cancel, Kind::Cancel]);
        // Until its nonce is used up, it cannot be tried again.
        assert!(matches!(submitter.retry(intent.key).await.unwrap_err(), SubmissionError::WrongState { .. }));
        for _ in 0..6 {
            world.mine(1).await;
            submitter.advance().await.unwrap();
        }
        assert_eq!(submitter.record(intent.key).unwrap().nonce, None);
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (8, 1));
    });
}

#[test]
fn a_transaction_that_reverts_is_judged_by_what_is_there() {
    for (value, end) in [(7, "adopted"), (8, "halted")] {
        on_own_chain(async |world| {
            let folder = tempfile::tempdir().unwrap();
            let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
            let submitter = world.open(folder.path(), &signer).await;
            world.stop_mining().await;
            let intent = world.intent(slot, 7).await;
            submitter.submit(intent.clone()).unwrap();
            world.until(&submitter, intent.key, "sent").await;
            // Into the same block, before ours.
            world.send_dear(&other, world.register, calldata(slot, value)).await;
            world.mine(1).await;
            submitter.advance().await.unwrap();
            let included = submitter.record(intent.key).unwrap().inclusion.unwrap();
            assert!(!included.success);
            assert_eq!(world.settle(&submitter, intent.key).await.label(), end);
            assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (value, 1));
            world.mine(4).await;
            submitter.advance().await.unwrap();
            assert!(submitter.status().unwrap().fees_paid > U256::ZERO);
        });
    }
}

#[test]
fn a_refusal_is_told_in_the_contracts_words_before_anything_is_signed() {
    /// Knows the words, and cannot be asked for the effect.
    struct Words;
    impl Target for Words {
        async fn effect(&self, _: &Intent, _: BlockId) -> Result<Effect, Unclear> {
            Ok(Effect::NotYet)
        }
        fn reason(&self, data: &[u8]) -> Option<String> {
            Some(format!("Taken({})", U256::from_be_slice(data.get(4..)?)))
        }
    }
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let (signer, other, slot) = (world.signer().await, world.signer().await, slot());
        world.send_as(&other, world.register, calldata(slot, 8)).await;
        let submitter =
            Submitter::open(folder.path(), vec![world.endpoint()], signer.clone(), Words, policy()).await.unwrap();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        assert_eq!(submitter.settle(intent.key).await.unwrap(), State::Failed { reason: "Taken(8)".into() });
        assert_eq!(submitter.record(intent.key).unwrap().attempts, []);
        assert_eq!(world.nonce(signer.address()).await, 0);
    });
}

#[test]
fn nothing_is_signed_until_what_others_need_is_there() {
    struct Unpublished;
    impl Target for Unpublished {
        async fn effect(&self, _: &Intent, _: BlockId) -> Result<Effect, Unclear> {
            Ok(Effect::NotYet)
        }
        async fn ready(&self, _: &Intent) -> Result<(), Unclear> {
            Err(Unclear::new("the batch at https://store.example/KEY cannot be read back"))
        }
    }
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter =
            Submitter::open(folder.path(), vec![world.endpoint()], signer, Unpublished, policy()).await.unwrap();
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        let error = submitter.advance().await.unwrap_err();
        assert!(error.is_passing() && !error.to_string().contains("KEY"), "{error}");
        assert_eq!(submitter.record(intent.key).unwrap().attempts, []);
    });
}

#[test]
fn a_call_that_takes_more_gas_than_its_cap_is_not_signed() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let intent = Intent { gas_cap: 30_000, ..world.intent(slot(), 7).await };
        submitter.submit(intent.clone()).unwrap();
        let State::Failed { reason } = submitter.settle(intent.key).await.unwrap() else { panic!() };
        assert!(reason.contains("its cap of 30000"), "{reason}");
        assert_eq!(world.nonce(signer.address()).await, 0);
    });
}

#[test]
fn a_second_submitter_with_the_folder_is_refused() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let _first = world.open(folder.path(), &signer).await;
        let second =
            Submitter::open(folder.path(), vec![world.endpoint()], signer, world.target(), policy()).await.unwrap_err();
        assert!(matches!(second, SubmissionError::InUse { .. }), "{second}");
    });
}

#[test]
fn two_submitters_with_one_key_bring_each_effect_about_once() {
    on_shared_chain(async |world| {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let signer = world.signer().await;
        let first = world.open(folders[0].path(), &signer).await;
        let second = world.open(folders[1].path(), &signer).await;
        let (shared, own) = (slot(), [slot(), slot()]);
        let shared = world.intent(shared, 7).await;
        for submitter in [&first, &second] {
            submitter.submit(shared.clone()).unwrap();
        }
        let own = [world.intent(own[0], 1).await, world.intent(own[1], 2).await];
        first.submit(own[0].clone()).unwrap();
        second.submit(own[1].clone()).unwrap();
        for _ in 0..30 {
            let _ = first.advance().await;
            let _ = second.advance().await;
            world.mine(1).await;
        }
        let mut ends = [&first, &second].map(|submitter| submitter.record(shared.key).unwrap().state.label());
        ends.sort_unstable();
        assert_eq!(ends, ["adopted", "final"]);
        assert_eq!(first.record(own[0].key).unwrap().state, State::Final);
        assert_eq!(second.record(own[1].key).unwrap().state, State::Final);
        // Each knows that the other was there.
        for submitter in [&first, &second] {
            let alarms = submitter.alarms();
            assert!(!alarms.is_empty());
            assert!(alarms.iter().all(|alarm| matches!(alarm, Alarm::ForeignUse { hash: Some(_), .. })), "{alarms:?}");
            submitter.acknowledge_foreign_use().unwrap();
            assert_eq!(submitter.alarms(), []);
        }
        drop(first);
        let first = world.open(folders[0].path(), &signer).await;
        assert_eq!(first.alarms(), []);
    });
}

#[test]
fn a_nonce_taken_by_somebody_with_the_key_is_named_and_the_intent_gets_another() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "sent").await;
        let ours = submitter.record(intent.key).unwrap().attempts[0].hash;
        let _: Value = world.rpc("anvil_dropTransaction", (ours,)).await;
        let theirs = world.send_as(&signer, world.register, calldata(crate::world::slot(), 1)).await;
        world.mine(1).await;
        submitter.advance().await.unwrap();
        assert_eq!(submitter.alarms(), [Alarm::ForeignUse { nonce: 0, hash: Some(theirs) }]);
        // Until that is final ours may still be the one.
        assert_eq!(submitter.record(intent.key).unwrap().nonce, Some(0));
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        let record = submitter.record(intent.key).unwrap();
        assert_eq!(record.attempts.iter().map(|attempt| attempt.nonce).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 2));
    });
}

#[test]
fn somebody_elses_waiting_transaction_is_an_alarm() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        world.send_as(&signer, signer.address(), Bytes::new()).await;
        let submitter = world.open(folder.path(), &signer).await;
        assert_eq!(submitter.alarms(), [Alarm::ForeignUse { nonce: 0, hash: None }]);
        world.mine(1).await;
        submitter.advance().await.unwrap();
        assert!(matches!(submitter.alarms()[..], [Alarm::ForeignUse { nonce: 0, hash: Some(_) }]));
    });
}

#[test]
fn a_gap_that_a_reorganisation_leaves_is_filled() {
    on_own_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        world.mine(1).await;
        let before: Value = world.rpc("evm_snapshot", ()).await;
        // Theirs takes nonce 0, ours then 1.
        world.send_as(&signer, signer.address(), Bytes::new()).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "included").await;
        assert_eq!(submitter.record(intent.key).unwrap().nonce, Some(1));
        // Both blocks go, and theirs never comes back.
        let _: bool = world.rpc("evm_revert", (before,)).await;
        world.mine(1).await;
        assert_eq!(world.nonce(signer.address()).await, 0);
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 2));
        let records = submitter.records().unwrap();
        assert_eq!(records.len(), 2);
        assert!(records[1].fills_gap);
        assert_eq!(records[1].attempts[0].nonce, 0);
    });
}

#[test]
fn what_is_given_up_is_cancelled() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "sent").await;
        submitter.give_up(intent.key).await.unwrap();
        let state = world.settle(&submitter, intent.key).await;
        assert_eq!(state, State::Failed { reason: "given up by an operator".into() });
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (0, 1));
        // A later decision brings it back.
        submitter.retry(intent.key).await.unwrap();
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!(world.value(slot).await, 7);
    });
}

#[test]
fn a_signer_without_funds_signs_nothing() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        world.fund(signer.address(), 1_000).await;
        let submitter = world.open(folder.path(), &signer).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        let error = submitter.advance().await.unwrap_err();
        assert!(matches!(error, SubmissionError::Funds { .. }), "{error}");
        let status = submitter.status().unwrap();
        assert_eq!((status.runway, status.balance), (Some(0), Some(U256::from(1_000))));
        assert!(status.alarms.contains_key("funds") && status.alarms.contains_key("runway"), "{status:?}");
        assert_eq!(submitter.record(intent.key).unwrap().attempts, []);
        world.fund(signer.address(), 10u128.pow(18)).await;
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!(submitter.alarms(), []);
    });
}

#[test]
fn the_reserve_is_not_touched() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let reserved = Policy { reserve: U256::from(10u128.pow(18)), poll: Duration::ZERO, ..policy() };
        let submitter = world.open_with(folder.path(), &signer, reserved).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        assert!(matches!(submitter.advance().await.unwrap_err(), SubmissionError::Funds { .. }));
        assert_eq!(world.nonce(signer.address()).await, 0);
    });
}
