//! Attestors as processes of their own, quorums over HTTP, accounts, and why somebody was paid.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use alloy::{primitives::Bytes, signers::local::PrivateKeySigner};
use tributary_chain::verify::{self, Verified};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    api::{Attested, Finding, Reader, Refused, RootStanding},
    client::{Client, ClientError},
    typed_data::{self, AttestationRefusal, RootStatement},
};
use tributary_server::{
    host::{Host, Opening},
    steps::{
        self,
        attest::Looked,
        sample::{Sampled, Verdict},
    },
};

use crate::{
    program::tributary,
    studio::{Serving, Studio, WINDOW},
    town::{DAY, Town, run, word},
};

async fn look(studio: &Studio, serving: &Serving, key: &PrivateKeySigner) -> Looked {
    let looked = steps::attest::look(&studio.town().chain, &serving.url, key).await.unwrap();
    assert_eq!(looked.len(), 1);
    looked.into_iter().next().unwrap().1.unwrap()
}

#[track_caller]
pub(crate) fn refused_as<T: std::fmt::Debug>(result: Result<T, ClientError>, expected: &str) {
    match result {
        Err(ClientError::Refused { code, .. }) => assert_eq!(code, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attestors_recompute_sign_and_tell_and_a_quorum_is_posted() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, chain) = (studio.town(), &studio.town().chain);
        let serving = studio.asked(4).await;
        let client = Client::connect(&serving.url).await.unwrap();
        let asset = studio.model.version.asset;
        assert!(matches!(look(&studio, &serving, &studio.attestors[0]).await, Looked::Nothing));
        refused_as(client.quorum(asset, 1).await, "unknown_epoch");
        town.advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();

        assert!(matches!(look(&studio, &serving, &studio.host).await, Looked::NoAttestor));
        assert!(matches!(look(&studio, &serving, &studio.attestors[0]).await, Looked::Signed { index: 1, .. }));
        assert!(matches!(look(&studio, &serving, &studio.attestors[0]).await, Looked::Before(_)));
        let poster = town.account(&studio.host);
        let posted = steps::epoch::post_quorum(&poster, &client, asset, epoch.index).await.unwrap();
        assert!(posted.is_none(), "one of two");

        // What is not an attestor's word about this batch is not taken down.
        let quorum = client.quorum(asset, 1).await.unwrap();
        let domain = chain.ledger_domain();
        let word_of = |statement: &RootStatement, key: &PrivateKeySigner| {
            let signature = typed_data::sign(statement, &domain, key).unwrap().into();
            Attested { statement: statement.clone(), signer: key.address(), signature }
        };
        let (second, stranger) = (&studio.attestors[1], PrivateKeySigner::random());
        let statement = &quorum.statement;
        let tell = async |finding: Finding| client.tell(asset, 1, &finding).await;
        refused_as(tell(Finding::Attested(word_of(statement, &stranger).into())).await, "no_attestor");
        let other = RootStatement { sum: statement.sum + 1, ..statement.clone() };
        refused_as(tell(Finding::Attested(word_of(&other, second).into())).await, "other_statement");
        let forged = Attested { signer: second.address(), ..word_of(statement, &stranger) };
        refused_as(tell(Finding::Attested(forged.into())).await, "bad_signature");
        let refusal = AttestationRefusal { dataHash: word(), reason: "no".into() };
        let about_another = Refused { refusal, signer: second.address(), signature: Bytes::new() };
        refused_as(tell(Finding::Refused(about_another.into())).await, "other_statement");

        // Who refuses is heard, and may think again.
        let refusal = AttestationRefusal { dataHash: statement.dataHash, reason: "my node is behind".into() };
        let signature = typed_data::sign(&refusal, &domain, second).unwrap().into();
        let refused = Refused { refusal, signer: second.address(), signature };
        let heard = tell(Finding::Refused(refused.into())).await.unwrap();
        assert_eq!((heard.attested.len(), heard.refused.len()), (1, 1));
        let heard = tell(Finding::Attested(word_of(statement, second).into())).await.unwrap();
        assert_eq!((heard.attested.len(), heard.refused.len()), (2, 0));

        let contributor = studio.contributor_addresses();
        let page = client.account(contributor[0]).await.unwrap();
        let books = &page.models[0];
        assert_eq!((books.posted, books.active, books.epochs[0].state), (0, 0, RootStanding::Closed));
        let (posted, _) = steps::epoch::post_quorum(&poster, &client, asset, 1).await.unwrap().unwrap();
        assert_eq!(posted.root, epoch.root);
        assert!(matches!(look(&studio, &serving, second).await, Looked::Nothing));
        // What was said stays to be read, also after its deadline; nothing is added.
        refused_as(tell(Finding::Attested(word_of(statement, second).into())).await, "already_posted");

        // The accounts of everybody, from allotted to claimed, and why.
        let on = studio.on();
        let mut allotted = 0;
        for account in contributor {
            let Some(books) = client.account(account).await.unwrap().models.pop() else { continue };
            assert_eq!((books.posted, books.active, books.claimed), (books.allocated, 0, 0));
            let why = steps::payout::why(chain, &client, asset, 1, account, None).await.unwrap();
            assert_eq!(why.paid, books.allocated);
            assert_eq!(why.paid, why.parts.iter().map(|part| part.paid).sum::<u128>());
            let receipts: usize = why.parts.iter().map(|part| part.because.len()).sum();
            assert_eq!(receipts, 4);
            allotted += books.allocated;
        }
        assert_eq!(allotted, posted.sum);
        town.advance(u64::from(WINDOW) + 1).await;
        let account = studio.contributor_addresses()[0];
        if let Some(before) = client.account(account).await.unwrap().models.pop() {
            assert_eq!((before.active, before.epochs[0].state), (before.allocated, RootStanding::Active));
            steps::payout::claim(&poster, &client, on, 1, account).await.unwrap();
            assert_eq!(client.account(account).await.unwrap().models[0].claimed, before.allocated);
        }
        assert!(client.account(stranger.address()).await.unwrap().models.is_empty());
        town.advance(30 * DAY).await;
        assert_eq!(client.quorum(asset, 1).await.unwrap().attested.len(), 2);
        serving.stop().await;
    });
}

#[test]
fn an_attestor_refuses_what_does_not_hold_and_says_why() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(2).await;
        studio.town().advance(30 * DAY).await;
        steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        // On its way the batch is changed: somebody is given what was another's.
        let more: crate::lying_host::Change = |batch| batch["leaves"][0]["cumulative"] = "7".into();
        let url = crate::lying_host::between(serving.url.clone(), "/v1/batches/", more).await;
        let looked = steps::attest::look(&studio.town().chain, &url, &studio.attestors[0]).await.unwrap();
        assert!(
            matches!(&looked[0].1, Ok(Looked::Refused { index: 1, reason }) if reason.contains("root")),
            "{looked:?}"
        );
        let client = Client::connect(&serving.url).await.unwrap();
        let quorum = client.quorum(studio.model.version.asset, 1).await.unwrap();
        assert_eq!(quorum.refused[0].signer, studio.attestors[0].address());
        assert!(quorum.attested.is_empty());
        serving.stop().await;
    });
}

/// The program as an attestor.
fn attesting(studio: &Studio, url: &str, key: &PrivateKeySigner, more: &[&str]) -> Command {
    let mut command = tributary(studio.community.folder.path());
    command.args(["attest", "--host", url]).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("TRIBUTARY_RPC", studio.town().chain.url()).env("TRIBUTARY_KEY", key.to_bytes().to_string());
    command
}

#[test]
fn one_models_failure_hides_no_other_and_fails_a_single_look() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(1).await;
        studio.town().advance(30 * DAY).await;
        steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        // The host serves one more model, which the chain does not know.
        let more: crate::lying_host::Change = |host| {
            let mut unknown = host["models"][0].clone();
            unknown["asset"] = "0x7".into();
            host["models"].as_array_mut().unwrap().insert(0, unknown);
        };
        let url = crate::lying_host::between(serving.url.clone(), "/v1/host", more).await;
        let looked = steps::attest::look(&studio.town().chain, &url, &studio.attestors[0]).await.unwrap();
        assert!(matches!(looked[..], [(_, Err(_)), (_, Ok(Looked::Signed { index: 1, .. }))]), "{looked:?}");

        let ended = attesting(&studio, &url, &studio.attestors[1], &["--once"]).output().unwrap();
        let (said, failed) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(1), "{failed}");
        assert!(said.contains("epoch 1 holds and is signed") && failed.contains("1 of 2 models"), "{said} {failed}");
        let client = Client::connect(&serving.url).await.unwrap();
        assert_eq!(client.quorum(studio.model.version.asset, 1).await.unwrap().attested.len(), 2);
        serving.stop().await;
    });
}

#[test]
fn an_attestor_that_waits_for_a_silent_host_stops_when_it_is_told_to() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let mut process = attesting(&studio, &url, &studio.attestors[0], &[]).spawn().unwrap();
        let _asked = silent.accept().await.unwrap();
        let told = Instant::now();
        Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(0), "it ends by itself, and not by the signal");
        assert!(told.elapsed() < Duration::from_secs(20), "{:?}", told.elapsed());
    });
}

#[test]
fn words_after_the_deadline_begin_a_new_round() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(1).await;
        let client = Client::connect(&serving.url).await.unwrap();
        let asset = studio.model.version.asset;
        studio.town().advance(30 * DAY).await;
        steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        look(&studio, &serving, &studio.attestors[0]).await;
        let first = client.quorum(asset, 1).await.unwrap();
        assert_eq!(first.attested.len(), 1);
        studio.town().advance(8 * DAY).await;
        let second = client.quorum(asset, 1).await.unwrap();
        assert!(second.attested.is_empty() && second.statement.deadline > first.statement.deadline);
        assert_eq!(second.statement.root, first.statement.root);
        for attestor in &studio.attestors[..2] {
            assert!(matches!(look(&studio, &serving, attestor).await, Looked::Signed { .. }));
        }
        let poster = studio.town().account(&studio.host);
        assert!(steps::epoch::post_quorum(&poster, &client, asset, 1).await.unwrap().is_some());
        serving.stop().await;
    });
}

#[test]
fn attestors_ask_the_model_again_from_inputs_that_the_host_keeps() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (town, chain) = (studio.town(), &studio.town().chain);
        let opening = Opening { keeps_inputs: 1, ..studio.opening() };
        let serving = Serving::start(Host::open(chain, opening).await.unwrap()).await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        let answers = studio.ask(&session, 5).await;
        town.advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let client = Client::connect(&serving.url).await.unwrap();
        assert_eq!(client.host().keeps_inputs, 1);
        let bytes = tributary_sdk::client::fetch(&client.batch_url(epoch.data_hash)).await.unwrap();
        let mut verified = verify::before_posting(chain, &bytes).await.unwrap();
        let release = studio.community.data.release();
        let runtime = OnnxRuntime::load(None).unwrap();
        let sample = async |verified: &Verified, key: &PrivateKeySigner| {
            steps::sample::sample(chain, &runtime, verified, &serving.url, &release, key, 3).await
        };
        for key in [&studio.attestors[0], &buyer.key] {
            let sampled = sample(&verified, key).await.unwrap();
            assert_eq!(sampled.len(), 3);
            for Sampled { verdict, .. } in &sampled {
                assert!(matches!(verdict, Verdict::Same | Verdict::Close(_)), "{sampled:?}");
            }
        }
        let stranger = sample(&verified, &PrivateKeySigner::random()).await.unwrap_err().to_string();
        assert!(stranger.contains("no_reader"), "{stranger}");

        // A host that wrote down another sketch is found out.
        for row in &mut verified.batch.receipts {
            let values = row.sketch.as_ref().unwrap().values().iter().map(|value| value / 2).rev().collect();
            row.sketch = Some(tributary_sdk::sketch::Sketch::new(values));
        }
        for Sampled { verdict, .. } in sample(&verified, &studio.attestors[1]).await.unwrap() {
            assert!(matches!(verdict, Verdict::Differs(_)), "{verdict:?}");
        }
        let (signer, authority) = (buyer.key.address(), tributary_sdk::client::authority(&serving.url));
        let late = Reader { signer, authority, until: town.now().await, signature: Bytes::new() };
        refused_as(client.input(answers[0].receipt.id, &late).await, "reading_time");
        serving.stop().await;
    });
}
