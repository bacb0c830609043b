//! From an intent to its end where nothing goes wrong.

use std::sync::Arc;

use alloy::primitives::U256;
use tributary_submission::{Kind, Policy, State, SubmissionError};

use crate::world::{on_own_chain, on_shared_chain, policy, slot};

#[test]
fn an_intent_becomes_final() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        assert_eq!(submitter.submit(intent.clone()).unwrap(), State::Built);
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 1));
        let record = submitter.record(intent.key).unwrap();
        assert_eq!(record.attempts.len(), 1);
        assert_eq!(record.attempts[0].kind, Kind::Call);
        assert_eq!(record.inclusion.unwrap().hash, record.attempts[0].hash);
    });
}

#[test]
fn the_same_intent_again_is_the_same_intent() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        assert_eq!(submitter.submit(intent.clone()).unwrap(), State::Built);
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!(submitter.submit(intent.clone()).unwrap(), State::Final);
        submitter.advance().await.unwrap();
        assert_eq!(world.nonce(signer.address()).await, 1);
        let other = world.intent(slot, 8).await;
        assert_eq!(submitter.submit(other).unwrap_err(), SubmissionError::Conflict { key: intent.key });
    });
}

#[test]
fn intents_are_sent_one_after_the_other_or_as_many_at_once_as_the_policy_says() {
    for at_once in [1, 3] {
        on_own_chain(async |world| {
            world.stop_mining().await;
            let folder = tempfile::tempdir().unwrap();
            let signer = world.signer().await;
            let several = Policy { in_flight: at_once, ..policy() };
            let submitter = world.open_with(folder.path(), &signer, several).await;
            let mut keys = Vec::new();
            for value in 1..=4 {
                let intent = world.intent(slot(), value).await;
                submitter.submit(intent.clone()).unwrap();
                keys.push(intent.key);
            }
            submitter.advance().await.unwrap();
            assert_eq!(submitter.status().unwrap().pending, at_once as u64);
            for key in &keys {
                assert_eq!(world.settle(&submitter, *key).await, State::Final);
            }
            let nonces: Vec<_> = keys.iter().map(|key| submitter.record(*key).unwrap().attempts[0].nonce).collect();
            assert_eq!((nonces, world.nonce(signer.address()).await), (vec![0, 1, 2, 3], 4));
        });
    }
}

#[test]
fn a_status_says_where_everything_stands() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "sent").await;
        let status = submitter.status().unwrap();
        assert_eq!((status.chain_id, status.signer), (31337, signer.address()));
        assert_eq!((status.nonce, status.pending, status.attempts), (1, 1, 1));
        assert_eq!((status.intents["sent"], status.fees_paid), (1, U256::ZERO));
        assert!(status.runway.unwrap() > 0);
        world.settle(&submitter, intent.key).await;
        let status = submitter.status().unwrap();
        assert_eq!((status.nonce, status.pending, status.pending_age), (1, 0, 0));
        assert_eq!(status.fees_paid, submitter.record(intent.key).unwrap().inclusion.unwrap().cost);
        assert!(status.fees_paid > U256::ZERO);
        assert!(serde_json::to_string(&status).unwrap().contains("\"final\":1"));
    });
}

#[test]
fn a_submitter_can_be_shared_and_runs_by_itself() {
    on_own_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = Arc::new(world.open(folder.path(), &signer).await);
        let running = tokio::spawn({
            let submitter = Arc::clone(&submitter);
            async move { submitter.run().await }
        });
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        let included = submitter.until(intent.key, |state| *state == State::Included).await.unwrap();
        assert_eq!(included, State::Included);
        world.mine(4).await;
        assert_eq!(submitter.settle(intent.key).await.unwrap(), State::Final);
        running.abort();
    });
}
