//! What chains do to transactions: drop them, outbid them, undo their blocks.

use std::time::Duration;

use alloy::{
    primitives::{B256, U256},
    providers::Provider,
};
use serde_json::Value;
use tributary_submission::{Alarm, Finality, Policy, State};

use crate::world::{on_own_chain, policy, slot};

#[test]
fn a_dropped_transaction_is_sent_again_with_the_same_bytes() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "sent").await;
        let hash = submitter.record(intent.key).unwrap().attempts[0].hash;
        for _ in 0..3 {
            let _: Value = world.rpc("anvil_dropTransaction", (hash,)).await;
            assert!(world.provider.get_transaction_by_hash(hash).await.unwrap().is_none());
            submitter.advance().await.unwrap();
            assert!(world.provider.get_transaction_by_hash(hash).await.unwrap().is_some());
        }
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!(submitter.record(intent.key).unwrap().attempts.len(), 1);
    });
}

#[test]
fn a_fee_spike_is_followed_up_to_the_ceiling() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let ceiling = 6_000_000_000;
        let hasty = Policy { replace_after: Duration::ZERO, max_fee_per_gas: ceiling, ..policy() };
        let submitter = world.open_with(folder.path(), &signer, hasty).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        // Blocks come, and none takes so little.
        for _ in 0..30 {
            submitter.advance().await.unwrap();
            let _: Value = world.rpc("anvil_setNextBlockBaseFeePerGas", (U256::from(9 * ceiling),)).await;
            world.mine(1).await;
            if !submitter.alarms().is_empty() {
                break;
            }
        }
        assert_eq!(submitter.alarms(), [Alarm::FeeCeiling { key: intent.key }]);
        let record = submitter.record(intent.key).unwrap();
        let fees: Vec<_> = record.attempts.iter().map(|attempt| attempt.fees).collect();
        assert!(fees.len() > 1);
        for pair in fees.windows(2) {
            assert!(pair[1].cap * 10 >= pair[0].cap * 11 && pair[1].tip * 10 >= pair[0].tip * 11);
            assert!(pair[1].cap <= ceiling);
        }
        // At the ceiling nothing more is signed, and the last is kept alive: it is there when fees fall.
        let last = record.attempts.last().unwrap().hash;
        let _: Value = world.rpc("anvil_dropTransaction", (last,)).await;
        submitter.advance().await.unwrap();
        let _: Value = world.rpc("anvil_setNextBlockBaseFeePerGas", (U256::from(1_000_000_000_u64),)).await;
        world.mine(1).await;
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        let record = submitter.record(intent.key).unwrap();
        assert_eq!((record.attempts.len(), record.inclusion.unwrap().hash), (fees.len(), last));
        assert_eq!((submitter.alarms(), world.nonce(signer.address()).await), (vec![], 1));
    });
}

#[test]
fn the_ceiling_per_intent_is_in_wei() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let max_cost = 200_000_000_000_000;
        let hasty = Policy { replace_after: Duration::ZERO, max_cost, ..policy() };
        let submitter = world.open_with(folder.path(), &signer, hasty).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        for _ in 0..40 {
            submitter.advance().await.unwrap();
        }
        assert_eq!(submitter.alarms(), [Alarm::FeeCeiling { key: intent.key }]);
        for attempt in submitter.record(intent.key).unwrap().attempts {
            assert!(attempt.fees.cap * u128::from(attempt.gas_limit) <= max_cost);
        }
    });
}

#[test]
fn whichever_of_the_replaced_transactions_is_mined_counts() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let hasty = Policy { replace_after: Duration::ZERO, ..policy() };
        let submitter = world.open_with(folder.path(), &signer, hasty).await;
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        for _ in 0..3 {
            submitter.advance().await.unwrap();
        }
        let attempts = submitter.record(intent.key).unwrap().attempts;
        assert_eq!(attempts.len(), 3);
        // Some proposer never saw the replacements.
        let _: Value = world.rpc("anvil_dropTransaction", (attempts[2].hash,)).await;
        let _: B256 = world.rpc("eth_sendRawTransaction", (attempts[0].raw.clone(),)).await;
        world.mine(1).await;
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        let record = submitter.record(intent.key).unwrap();
        assert_eq!(record.inclusion.unwrap().hash, attempts[0].hash);
        assert_eq!((record.attempts.len(), world.nonce(signer.address()).await), (3, 1));
    });
}

#[test]
fn reorganisations_before_finality_are_followed() {
    on_own_chain(async |world| {
        for depth in 1..=10_u64 {
            let folder = tempfile::tempdir().unwrap();
            let signer = world.signer().await;
            let deep = Policy { finality: Finality::Depth(12), ..policy() };
            let submitter = world.open_with(folder.path(), &signer, deep).await;
            let slot = slot();
            let intent = world.intent(slot, depth).await;
            world.mine(1).await;
            let before: Value = world.rpc("evm_snapshot", ()).await;
            submitter.submit(intent.clone()).unwrap();
            world.until(&submitter, intent.key, "included").await;
            world.mine(depth - 1).await;
            submitter.advance().await.unwrap();
            let was = submitter.record(intent.key).unwrap().inclusion.unwrap();

            // Another chain takes over, longer by one and without the transaction.
            let _: bool = world.rpc("evm_revert", (before,)).await;
            let _: Value = world.rpc("evm_setAutomine", (false,)).await;
            let _: Value = world.rpc("evm_increaseTime", (U256::from(7),)).await;
            world.mine(depth + 1).await;
            assert_eq!(world.value(slot).await, 0);
            submitter.advance().await.unwrap();
            let record = submitter.record(intent.key).unwrap();
            assert_eq!((record.state, record.inclusion), (State::Sent, None), "{depth}");
            let _: Value = world.rpc("evm_setAutomine", (true,)).await;

            assert_eq!(world.settle(&submitter, intent.key).await, State::Final, "{depth}");
            let record = submitter.record(intent.key).unwrap();
            let is = record.inclusion.unwrap();
            assert_eq!((is.hash, record.attempts.len()), (was.hash, 1), "{depth}");
            assert_ne!(is.block_hash, was.block_hash, "{depth}");
            assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (depth, 1), "{depth}");
        }
    });
}

#[test]
fn a_transaction_that_comes_back_in_another_block_is_found_there() {
    on_own_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let submitter = world.open(folder.path(), &signer).await;
        let slot = slot();
        let intent = world.intent(slot, 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "included").await;
        let was = submitter.record(intent.key).unwrap().inclusion.unwrap();
        world.mine(1).await;
        let raw = submitter.record(intent.key).unwrap().attempts[0].raw.clone();
        let _: Value = world.rpc("anvil_reorg", serde_json::json!([2, [[raw, 1]]])).await;
        world.mine(1).await;
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        let is = submitter.record(intent.key).unwrap().inclusion.unwrap();
        assert_eq!(is.hash, was.hash);
        assert_ne!(is.block_hash, was.block_hash);
        assert_eq!((world.value(slot).await, world.nonce(signer.address()).await), (7, 1));
    });
}
