//! Hosts that are asked to stop, and clients that leave or do not read.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::signers::local::PrivateKeySigner;
use tokio::{sync::oneshot, task::JoinSet, time::timeout};
use tributary_ledger::RowState;
use tributary_runtime::ModelOptions;
use tributary_sdk::{
    api::Infer,
    client::{self, Client},
};
use tributary_server::{
    host::{Host, Question},
    http::{Access, Listening, Patience},
};

use crate::{
    requests::Open,
    studio::{Studio, image},
    town::{DAY, Town, run, word},
};

/// Longer than any machine takes for what is waited for here.
const SURELY: Duration = Duration::from_secs(120);
const FOR_EVER: Duration = Duration::from_secs(3_600);

#[test]
fn a_host_that_stops_says_so_to_whoever_comes_until_it_is_gone() {
    run(async {
        let linger = Duration::from_secs(5);
        let Open { studio, serving, buyer } = Open::with_patience(Patience { linger, ..Patience::default() }).await;
        let url = serving.url.clone();
        let session = studio.session(&serving, &buyer).await;
        let infer = serde_json::to_vec(&studio.request(&session, 0).await).unwrap();
        let stopped = tokio::spawn(serving.stop());
        let refused = async |answer: reqwest::Response| {
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body: serde_json::Value = answer.json().await.unwrap();
            assert_eq!((status, &body["code"]), (503, &"draining".into()));
            assert!(headers.contains_key("retry-after"));
        };
        // Connections of their own.
        let ready = async || client::http().get(format!("{url}/readyz")).send().await.unwrap();
        let draining = async {
            loop {
                let answer = ready().await;
                if answer.status() != 200 {
                    break answer;
                }
            }
        };
        refused(timeout(SURELY, draining).await.unwrap()).await;
        let asked = format!("{url}/v1/models/{}/infer", studio.model.version.asset);
        refused(client::http().post(asked).body(infer).send().await.unwrap()).await;
        assert_eq!(client::http().get(format!("{url}/livez")).send().await.unwrap().status(), 200);
        timeout(SURELY, stopped).await.unwrap().unwrap();
        assert!(client::http().get(format!("{url}/readyz")).send().await.unwrap_err().is_connect());
    });
}

/// A client that asks for more than the system keeps for it, and reads nothing.
fn deaf(url: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let asked = "GET /openapi.json HTTP/1.1\r\nhost: h\r\n\r\n".repeat(1_000);
    // The host stops reading as well when it cannot write.
    let _ = stream.write(asked.as_bytes());
    stream
}

#[test]
fn a_client_that_does_not_read_its_answer_is_hung_up_on() {
    run(async {
        let patience = Patience { answer: Duration::from_secs(1), finish: FOR_EVER, ..Patience::default() };
        let Open { serving, .. } = Open::with_patience(patience).await;
        let mut client = deaf(&serving.url);
        // The host waits for ever for whoever is connected: that it ends is that it has hung up.
        timeout(SURELY, serving.stop()).await.unwrap();
        client.set_read_timeout(Some(SURELY)).unwrap();
        let mut said = Vec::new();
        let whole = client.read_to_end(&mut said).is_ok() && said.ends_with(b"}");
        assert!(!whole || said.len() < 10_000_000, "all answers were written");
    });
}

#[test]
fn a_client_that_does_not_read_does_not_keep_the_host_from_stopping() {
    run(async {
        let patience = Patience { answer: FOR_EVER, finish: Duration::from_secs(1), ..Patience::default() };
        let Open { serving, .. } = Open::with_patience(patience).await;
        let client = deaf(&serving.url);
        timeout(SURELY, serving.stop()).await.unwrap();
        drop(client);
    });
}

#[test]
fn questions_that_nobody_waits_for_any_more_are_dropped_and_voided_and_may_be_asked_again() {
    const QUESTIONS: usize = 20;
    const ROUNDS: usize = 50;
    /// As many as make a pass long.
    const RECORDS: usize = 1_000;
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let mut opening = studio.opening();
        // One question a pass: most wait.
        opening.shelves[0].options = ModelOptions { max_batch: RECORDS, ..ModelOptions::default() };
        opening.license_age = Duration::from_secs(60);
        let host = Arc::new(Host::open(&studio.town().chain, opening).await.unwrap());
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (url, access) = (listening.url(), Access { admin_token: None, max_body: 1 << 24, clerk: None });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(listening.serve(Arc::clone(&host), access, async { drop(stopped.await) }));
        let buyer = studio.buyer().await;
        let client = Client::connect(&url).await.unwrap();
        let until = studio.town().now().await + DAY;
        let session = client.sign_in(&buyer.key, buyer.license, PrivateKeySigner::random(), until).await.unwrap();

        let now = studio.town().now().await;
        let asset = studio.model.version.asset;
        let records: Vec<f32> = (0..RECORDS).flat_map(|place| image(place % 60)).collect();
        let state = |infer: &Infer| host.services()[0].ledger().row(infer.request.id).unwrap().map(|row| row.state);
        let question = |_| session.request(asset, records.clone(), word(), word(), now).unwrap();
        let mut dropped = None;
        // Where this test is kept waiting by others, everything may be answered before the clients have left.
        for _ in 0..ROUNDS {
            let (stayed, left): (Vec<Infer>, Vec<Infer>) =
                (0..QUESTIONS).map(|place| (question(place), question(place))).unzip();
            let (mut waiting, mut leaving) = (JoinSet::new(), JoinSet::new());
            for (stays, leaves) in stayed.iter().zip(&left) {
                for (asks, infer) in [(&mut waiting, stays), (&mut leaving, leaves)] {
                    let (host, infer) = (Arc::clone(&host), infer.clone());
                    asks.spawn(
                        async move { host.infer(asset, Question::signed(infer, Instant::now() + SURELY)).await },
                    );
                }
            }
            waiting.join_next().await.unwrap().unwrap().unwrap();
            leaving.abort_all();
            while let Some(answered) = waiting.join_next().await {
                answered.unwrap().unwrap();
            }
            let settled = async {
                while left.iter().any(|infer| state(infer) == Some(RowState::Reserved)) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            timeout(SURELY, settled).await.unwrap();
            assert!(stayed.iter().all(|infer| state(infer) == Some(RowState::Earned)));
            dropped = left.into_iter().find(|infer| state(infer) == Some(RowState::Voided));
            if dropped.is_some() {
                break;
            }
        }
        let dropped = dropped.expect("all were answered before their clients left, in every round");
        session.infer(&dropped).await.unwrap();
        assert_eq!(state(&dropped), Some(RowState::Earned));
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
    });
}
