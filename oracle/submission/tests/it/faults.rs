//! Nodes that time out, answer nothing, lose answers, lie about nonces or change chains.

use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use serde_json::json;
use tempfile::TempDir;
use tributary_submission::{Alarm, Class, Endpoint, Intent, Policy, State, SubmissionError, Submitter};

use crate::{
    proxy::{Fault, Proxy},
    world::{World, connect, on_own_chain, on_shared_chain, policy, slot},
};

struct Setup {
    _folder: TempDir,
    signer: PrivateKeySigner,
    proxy: Proxy,
    submitter: Submitter,
    intent: Intent,
}

fn endpoint(proxy: &Proxy, name: &str) -> Endpoint {
    Endpoint::new(name, connect(&proxy.url))
}

async fn setup(world: &'static World) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let signer = world.signer().await;
    let proxy = Proxy::before(&world.url).await;
    let impatient = Policy { call_timeout: Duration::from_millis(500), ..policy() };
    let endpoints = vec![endpoint(&proxy, "proxy")];
    let submitter = Submitter::open(folder.path(), endpoints, signer.clone(), world.target(), impatient).await.unwrap();
    let intent = world.intent(slot(), 7).await;
    Setup { _folder: folder, signer, proxy, submitter, intent }
}

/// Whatever one method fails with, twice in a row or until nobody tries any more, the intent becomes final in one
/// transaction.
#[test]
fn faults_of_any_method_are_survived() {
    const METHODS: [&str; 9] = [
        "eth_chainId",
        "eth_getBlockByNumber",
        "eth_getTransactionCount",
        "eth_feeHistory",
        "eth_getBalance",
        "eth_call",
        "eth_estimateGas",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
    ];
    on_shared_chain(async |world| {
        for method in METHODS {
            for fault in [Fault::Null, Fault::Busy, Fault::LostAnswer] {
                for times in [2, 6] {
                    let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
                    submitter.submit(intent.clone()).unwrap();
                    proxy.fail(method, fault.clone(), times);
                    assert_eq!(world.settle(&submitter, intent.key).await, State::Final, "{method} {fault:?}");
                    // A transaction whose answer was lost need not be sent again.
                    assert!(proxy.left() < times, "{method} {fault:?}");
                    assert_eq!(world.nonce(signer.address()).await, 1, "{method} {fault:?}");
                    let hashes = submitter.record(intent.key).unwrap().attempts.len();
                    assert_eq!(hashes, 1, "{method} {fault:?}");
                }
            }
        }
    });
}

#[test]
fn a_node_that_is_silent_is_not_waited_for() {
    on_shared_chain(async |world| {
        let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
        submitter.submit(intent.clone()).unwrap();
        proxy.fail("eth_sendRawTransaction", Fault::Silence, 1);
        proxy.fail("eth_getTransactionReceipt", Fault::Silence, 1);
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!((proxy.left(), world.nonce(signer.address()).await), (0, 1));
    });
}

#[test]
fn a_transaction_whose_answer_was_lost_is_assumed_sent() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let Setup { proxy, submitter, intent, _folder, .. } = setup(world).await;
        submitter.submit(intent.clone()).unwrap();
        proxy.fail("eth_sendRawTransaction", Fault::LostAnswer, 1);
        submitter.advance().await.unwrap();
        assert_eq!(submitter.record(intent.key).unwrap().state, State::Sent);
        assert_eq!(submitter.status().unwrap().last_error, Some(Class::Indeterminate.label()));
        world.mine(1).await;
        world.until(&submitter, intent.key, "included").await;
    });
}

#[test]
fn a_nonce_that_no_transaction_explains_is_not_believed() {
    on_shared_chain(async |world| {
        let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
        submitter.submit(intent.clone()).unwrap();
        proxy.fail("eth_getTransactionCount", Fault::Instead(json!("0x9")), 1);
        let error = submitter.advance().await.unwrap_err();
        assert!(matches!(error, SubmissionError::Nonce { nonce: 0, .. }), "{error}");
        assert_eq!(error.class(), Class::Nonce);
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        assert_eq!(world.nonce(signer.address()).await, 1);
        assert_eq!(submitter.alarms(), []);
    });
}

#[test]
fn a_nonce_that_is_too_low_sends_nothing_twice() {
    on_shared_chain(async |world| {
        let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
        submitter.submit(intent.clone()).unwrap();
        assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        let slot = slot();
        let next = world.intent(slot, 8).await;
        submitter.submit(next.clone()).unwrap();
        proxy.fail("eth_getTransactionCount", Fault::Instead(json!("0x0")), 2);
        assert_eq!(world.settle(&submitter, next.key).await, State::Final);
        assert_eq!((world.nonce(signer.address()).await, world.value(slot).await), (2, 8));
        assert_eq!(submitter.alarms(), []);
    });
}

#[test]
fn a_chain_id_that_changes_stops_everything() {
    on_own_chain(async |world| {
        world.stop_mining().await;
        let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
        submitter.submit(intent.clone()).unwrap();
        proxy.fail("eth_chainId", Fault::Instead(json!("0x1")), 1);
        let error = submitter.advance().await.unwrap_err();
        assert!(matches!(error, SubmissionError::ChainChanged { expected: 31337, .. }), "{error}");
        assert!(!error.is_passing());
        assert_eq!(submitter.settle(intent.key).await.unwrap_err(), error);
        assert_eq!(submitter.alarms(), [Alarm::ChainChanged { endpoint: "proxy".into() }]);
        assert_eq!(submitter.record(intent.key).unwrap().state, State::Signed);
        // Nothing left for the other chain.
        world.mine(1).await;
        assert_eq!(world.nonce(signer.address()).await, 0);
    });
}

#[test]
fn a_file_of_another_chain_or_signer_is_refused() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        drop(world.open(folder.path(), &signer).await);
        let other = world.signer().await;
        let endpoints = || vec![world.endpoint()];
        let opened = Submitter::open(folder.path(), endpoints(), other, world.target(), policy()).await;
        assert!(matches!(opened.unwrap_err(), SubmissionError::OtherBinding { .. }));
        let proxy = Proxy::before(&world.url).await;
        proxy.fail("eth_chainId", Fault::Instead(json!("0x1")), 1);
        let endpoints = vec![endpoint(&proxy, "proxy")];
        let opened = Submitter::open(folder.path(), endpoints, signer, world.target(), policy()).await;
        assert!(matches!(opened.unwrap_err(), SubmissionError::OtherBinding { .. }));
    });
}

#[test]
fn endpoints_on_different_chains_are_refused() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let proxy = Proxy::before(&world.url).await;
        proxy.fail("eth_chainId", Fault::Instead(json!("0x1")), 1);
        let endpoints = vec![world.endpoint(), endpoint(&proxy, "other")];
        let signer = world.signer().await;
        let error = Submitter::open(folder.path(), endpoints, signer, world.target(), policy()).await.unwrap_err();
        assert!(matches!(&error, SubmissionError::ChainChanged { endpoint, .. } if endpoint == "other"), "{error}");
    });
}

#[test]
fn one_endpoint_alone_makes_nothing_final() {
    on_own_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let signer = world.signer().await;
        let proxy = Proxy::before(&world.url).await;
        let endpoints = vec![world.endpoint(), endpoint(&proxy, "other")];
        let quick = Policy { call_timeout: Duration::from_millis(500), ..policy() };
        let submitter = Submitter::open(folder.path(), endpoints, signer, world.target(), quick).await.unwrap();
        let intent = world.intent(slot(), 7).await;
        submitter.submit(intent.clone()).unwrap();
        world.until(&submitter, intent.key, "included").await;
        world.mine(8).await;

        // Without the second, nothing.
        proxy.fail("eth_getBlockByNumber", Fault::Busy, 1_000);
        for _ in 0..3 {
            let _ = submitter.advance().await;
            assert_eq!(submitter.record(intent.key).unwrap().state, State::Included);
        }

        // A second that has another block there is a disagreement.
        proxy.heal();
        let mut other: serde_json::Value = world.rpc("eth_getBlockByNumber", ("latest", false)).await;
        other["hash"] = json!(slot());
        proxy.fail("eth_getBlockByNumber", Fault::Instead(other), 1_000);
        assert!(matches!(submitter.advance().await.unwrap_err(), SubmissionError::Disagreement { .. }));
        assert!(matches!(submitter.alarms()[..], [Alarm::Disagreement { .. }]));
        assert_eq!(submitter.record(intent.key).unwrap().state, State::Included);

        proxy.heal();
        submitter.advance().await.unwrap();
        assert_eq!(submitter.record(intent.key).unwrap().state, State::Final);
        assert_eq!(submitter.alarms(), []);
    });
}

#[test]
fn no_error_shows_where_a_node_is() {
    on_shared_chain(async |world| {
        let Setup { proxy, submitter, intent, _folder, .. } = setup(world).await;
        submitter.submit(intent).unwrap();
        proxy.fail("*", Fault::Busy, 1_000);
        let error = submitter.advance().await.unwrap_err();
        let port = proxy.url.rsplit(':').next().unwrap().to_owned();
        for text in
            [error.to_string(), format!("{error:?}"), format!("{submitter:?}"), format!("{:?}", endpoint(&proxy, "x"))]
        {
            assert!(!text.contains(&port) && !text.contains("://"), "{text}");
        }
    });
}

/// Whatever a node says to a transaction, it ends in one that counts; how many were signed, and which error was seen.
#[test]
fn what_a_node_says_to_a_transaction_is_understood() {
    let cases = [
        (Fault::TakenAnd("already known"), 1, None),
        (Fault::TakenAnd("nonce too low: next nonce 1, tx nonce 0"), 1, Some(Class::Nonce)),
        (Fault::Refusal("nonce too low: next nonce 1, tx nonce 0"), 1, Some(Class::Nonce)),
        (Fault::Refusal("max fee per gas less than block base fee"), 2, Some(Class::Fee)),
        (Fault::Refusal("insufficient funds for gas * price + value"), 1, Some(Class::Funds)),
        (Fault::Refusal("intrinsic gas too low"), 1, Some(Class::Fatal)),
        (Fault::Refusal("words that nobody has heard"), 1, Some(Class::Indeterminate)),
    ];
    on_shared_chain(async |world| {
        for (fault, signed, class) in cases {
            let Setup { signer, proxy, submitter, intent, _folder } = setup(world).await;
            submitter.submit(intent.clone()).unwrap();
            proxy.fail("eth_sendRawTransaction", fault.clone(), 1);
            submitter.advance().await.unwrap();
            assert_eq!(submitter.status().unwrap().last_error, class.map(Class::label), "{fault:?}");
            let rejected = submitter.alarms().iter().any(|alarm| matches!(alarm, Alarm::Rejected { .. }));
            assert_eq!(rejected, class == Some(Class::Fatal), "{fault:?}");
            if class == Some(Class::Fee) {
                // Asked for again, it is more.
                proxy.fail("eth_sendRawTransaction", fault.clone(), 1);
            }
            assert_eq!(world.settle(&submitter, intent.key).await, State::Final, "{fault:?}");
            assert_eq!(submitter.record(intent.key).unwrap().attempts.len(), signed, "{fault:?}");
            assert_eq!((world.nonce(signer.address()).await, submitter.alarms()), (1, vec![]), "{fault:?}");
        }
    });
}

#[test]
fn a_file_of_something_else_is_refused() {
    on_shared_chain(async |world| {
        for content in [vec![], vec![7; 4096]] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(tributary_submission::FILE_NAME), content).unwrap();
            let signer = world.signer().await;
            let opened = Submitter::open(folder.path(), vec![world.endpoint()], signer, world.target(), policy()).await;
            assert!(matches!(opened.unwrap_err(), SubmissionError::Unreadable { .. }));
        }
    });
}
