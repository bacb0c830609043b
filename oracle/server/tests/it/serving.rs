//! The Open Inference Protocol, the proxy that signs, several models, and what is published about them.

use std::time::Duration;

use alloy::primitives::B256;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use tributary_chain::assets;
use tributary_sdk::{
    api::{Inferred, tensor_bytes},
    client::{self, Client, ClientError},
    merkle,
    typed_data::Receipt,
};
use tributary_server::{
    connect::Proxy,
    host::{Host, OpenError, Source},
    http::{Listening, ServeError},
    steps,
};

use crate::{
    epochs::attest_and_post,
    http,
    studio::{Buyer, Community, Serving, Studio, WINDOW, image},
    town::{DAY, Town, run, word},
};

/// A proxy on a port of its own.
struct Connected {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Connected {
    async fn start(studio: &Studio, serving: &Serving, buyer: &Buyer) -> Self {
        let hours = Duration::from_secs(3_600);
        let chain = &studio.town().chain;
        let proxy = Proxy::open(chain, &serving.url, buyer.key.clone(), buyer.license, hours).await.unwrap();
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = listening.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(listening.forward(proxy, 1 << 20, async {
            let _ = stopped.await;
        }));
        Self { url, stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

fn question(places: &[usize]) -> Value {
    let data: Vec<f32> = places.iter().flat_map(|place| image(*place)).collect();
    json!({"id": "q", "inputs": [{"name": "features", "shape": [places.len(), 64], "datatype": "FP32", "data": data}]})
}

fn receipt(answer: &Value) -> Receipt {
    serde_json::from_str(answer["parameters"]["receipt"].as_str().unwrap()).unwrap()
}

#[test]
fn clients_of_the_protocol_are_served_through_the_proxy_as_the_typed_route_would() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let connected = Connected::start(&studio, &serving, &buyer).await;
        let url = &connected.url;
        let asset = studio.model.version.asset;

        assert_eq!(http::get(&format!("{url}/v2")).await.ok()["name"], "tributary");
        assert_eq!(http::get(&format!("{url}/v2/health/live")).await.ok(), json!({"live": true}));
        assert_eq!(http::get(&format!("{url}/v2/health/ready")).await.ok(), json!({"ready": true}));
        let metadata = http::get(&format!("{url}/v2/models/{asset}")).await.ok();
        assert_eq!(metadata["versions"], json!(["1"]));
        assert_eq!(metadata["inputs"], json!([{"name": "features", "datatype": "FP32", "shape": [-1, 64]}]));
        assert_eq!(metadata["outputs"], json!([{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]));
        assert_eq!(metadata["parameters"]["asked_provider"], "cpu");
        assert_eq!(metadata["parameters"]["execution_provider"], "cpu");
        http::get(&format!("{url}/v2/models/{asset}/ready")).await.ok();
        http::get(&format!("{url}/v2/models/{asset}/versions/1/ready")).await.ok();
        http::get(&format!("{url}/v2/models/{asset}/versions/2")).await.refused(409, "wrong_version");
        http::get(&format!("{url}/v2/models/0x7")).await.refused(404, "unknown_model");

        let infer = format!("{url}/v2/models/{asset}/infer");
        let answer = http::post(&infer, question(&[3]).to_string()).await.ok();
        assert_eq!((&answer["id"], &answer["model_name"]), (&json!("q"), &json!(asset.to_string())));
        let session = studio.session(&serving, &buyer).await;
        let typed = session.infer(&studio.request(&session, 3).await).await.unwrap();
        let logits: Vec<f32> = serde_json::from_value(answer["outputs"][0]["data"].clone()).unwrap();
        assert_eq!(
            (logits.as_slice(), answer["outputs"][0]["shape"].clone()),
            (typed.logits.as_slice(), json!([1, 10]))
        );
        assert_eq!(receipt(&answer).outputHash, typed.receipt.outputHash);
        assert_ne!(receipt(&answer).requestSignatureHash, B256::ZERO, "the proxy signs");

        // The same tensor as bytes, the answer as bytes.
        let mut body = json!({
            "parameters": {"binary_data_output": true},
            "inputs": [{"name": "features", "shape": [1, 64], "datatype": "FP32", "parameters": {"binary_data_size": 256}}]
        })
        .to_string()
        .into_bytes();
        let length = body.len();
        body.extend(tensor_bytes(&image(3)));
        let request = client::http().post(&infer).header("inference-header-content-length", length).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/octet-stream");
        let json_length: usize = answer.headers()["inference-header-content-length"].to_str().unwrap().parse().unwrap();
        let bytes = answer.bytes().await.unwrap();
        assert_eq!(bytes[json_length..], tensor_bytes(&typed.logits));

        // The same name is the same question, however often it is sent.
        let named =
            |body: Value| client::http().post(&infer).header("idempotency-key", "n").body(body.to_string()).send();
        let first: Value = named(question(&[1])).await.unwrap().json().await.unwrap();
        let again: Value = named(question(&[1])).await.unwrap().json().await.unwrap();
        assert_eq!(first, again);
        assert_eq!(named(question(&[2])).await.unwrap().status(), 409);

        for (body, status, code) in [
            (json!({"inputs": []}), 422, "wrong_tensor"),
            (json!({"tensors": 1}), 400, "bad_body"),
            (json!({"inputs": [{"name": "x", "shape": [1, 64], "datatype": "FP32", "data": []}]}), 422, "wrong_tensor"),
        ] {
            http::post(&infer, body.to_string()).await.refused(status, code);
            let direct = format!("{}/v2/models/{asset}/infer", serving.url);
            http::post(&direct, body.to_string()).await.refused(status, code);
        }
        let direct = format!("{}/v2/models/{asset}/infer", serving.url);
        http::post(&direct, question(&[0]).to_string()).await.refused(401, "no_credential");
        connected.stop().await;
        serving.stop().await;
    });
}

#[test]
fn a_request_of_several_records_counts_as_many_and_is_settled_as_one() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.sell(steps::license::NewOffer { max_calls: 6, ..studio.offer() }).await;
        let session = studio.session(&serving, &buyer).await;
        let asset = studio.model.version.asset;
        let ask = async |places: &[usize]| -> Result<Inferred, ClientError> {
            let features = places.iter().flat_map(|place| image(*place)).collect();
            let now = studio.town().now().await;
            session.infer(&session.request(asset, features, word(), word(), now).unwrap()).await
        };
        let three = ask(&[0, 1, 2]).await.unwrap();
        assert_eq!((three.receipt.units, three.predicted.len(), three.logits.len()), (3, 3, 30));
        for (k, place) in [0, 1].into_iter().enumerate() {
            let one = ask(&[place]).await.unwrap();
            assert_eq!(one.predicted[0], three.predicted[k]);
        }
        match ask(&[0, 1]).await {
            Err(ClientError::Refused { status: 429, code, .. }) => assert_eq!(code, "quota_exceeded"),
            other => panic!("{other:?}"),
        }
        ask(&[5]).await.unwrap();
        let too_many: Vec<usize> = (0..33).collect();
        match ask(&too_many).await {
            Err(ClientError::Refused { status: 413, code, .. }) => assert_eq!(code, "too_many_records"),
            other => panic!("{other:?}"),
        }
        studio.town().advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 4);

        // Every receipt is under the root over receipts.
        let client = Client::connect(&serving.url).await.unwrap();
        let proof = client.receipt_proof(three.receipt.id).await.unwrap();
        assert_eq!((proof.epoch, proof.leaf_count), (epoch.index, 4));
        assert!(merkle::verify(proof.receipts_root, proof.leaf, proof.leaf_index, proof.leaf_count, &proof.proof));
        serving.stop().await;
    });
}

#[test]
fn calls_in_any_minute_are_limited_as_the_terms_say() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.serve().await;
        let buyer = studio.sell(steps::license::NewOffer { calls_per_minute: 2, ..studio.offer() }).await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 2).await;
        let url = format!("{}/v1/models/{}/infer", serving.url, studio.model.version.asset);
        let body = serde_json::to_vec(&studio.request(&session, 2).await).unwrap();
        let refused = client::http().post(&url).body(body).send().await.unwrap();
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(refused.status(), 429);
        studio.town().advance(wait).await;
        studio.ask(&session, 1).await;
        serving.stop().await;
    });
}

#[test]
fn one_host_serves_several_models_each_with_its_own_accounts() {
    run(async {
        let town = Town::start().await;
        let first = Studio::new(town.clone()).await;
        let second = Studio::hosted_by(Community::new(town.clone()).await, first.host.clone()).await;
        let mut opening = first.opening();
        let twice = Host::open(
            &town.chain,
            tributary_server::host::Opening {
                shelves: [opening.shelves.clone(), opening.shelves.clone()].concat(),
                ..opening.clone()
            },
        );
        assert!(matches!(twice.await, Err(OpenError::GivenTwice(_))));
        opening.shelves.extend(second.opening().shelves);
        let serving = Serving::start(Host::open(&town.chain, opening).await.unwrap()).await;
        let asked = async |studio: &Studio, count: usize| {
            let buyer = studio.buyer().await;
            let session = studio.session(&serving, &buyer).await;
            studio.ask(&session, count).await;
            session
        };
        let session = asked(&first, 2).await;
        asked(&second, 3).await;

        // A license for one model is none for the other.
        let request = second.request(&session, 0).await;
        match session.infer(&request).await {
            Err(ClientError::Refused { code, .. }) => assert_eq!(code, "no_session"),
            other => panic!("{other:?}"),
        }
        // A receipt is asked for by its id alone: one id is one model's.
        let (buyer, rival) = (second.buyer().await, first.buyer().await);
        let (theirs, ours) = (second.session(&serving, &buyer).await, first.session(&serving, &rival).await);
        let taken = second.request(&theirs, 0).await;
        theirs.infer(&taken).await.unwrap();
        let now = town.now().await;
        let asset = first.model.version.asset;
        let copy = ours.request(asset, image(0), taken.request.id, word(), now).unwrap();
        match ours.infer(&copy).await {
            Err(ClientError::Refused { status, .. }) => assert_eq!(status, 409),
            other => panic!("{other:?}"),
        }
        town.advance(30 * DAY).await;
        let which = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap_err().to_string();
        assert!(which.contains("--model"), "{which}");
        for (studio, receipts) in [(&first, 2), (&second, 4)] {
            let asset = Some(studio.model.version.asset);
            let epoch = steps::epoch::close(&serving.url, asset, &serving.token).await.unwrap();
            assert_eq!(epoch.receipts, receipts);
        }
        serving.stop().await;
    });
}

#[test]
fn models_are_taken_away_and_brought_back_while_the_host_serves() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let session = studio.session(&serving, &buyer).await;
        let asset = studio.model.version.asset;
        let to = |act: &str| format!("{}/v2/repository/models/{asset}/{act}", serving.url);
        let operator = Some(serving.token.reveal());
        for act in ["load", "unload"] {
            http::post(&to(act), "").await.refused(401, "not_operator");
        }
        // What was asked before is answered; nothing that was taken is dropped.
        let mut asking = Vec::new();
        for place in 0..8 {
            let (session, request) = (session.clone(), studio.request(&session, place).await);
            asking.push(tokio::spawn(async move { session.infer(&request).await }));
        }
        http::send(Method::POST, &to("unload"), operator, "").await.ok();
        for answer in asking {
            match answer.await.unwrap() {
                Ok(_) => {}
                Err(ClientError::Refused { status: 503, code, .. }) => assert_eq!(code, "model_unloaded"),
                Err(other) => panic!("{other}"),
            }
        }
        let index = http::post(&format!("{}/v2/repository/index", serving.url), "").await.ok();
        assert_eq!(index, json!([{"name": asset.to_string(), "version": "", "state": "UNAVAILABLE"}]));
        http::get(&format!("{}/v2/models/{asset}/ready", serving.url)).await.refused(503, "model_unloaded");
        http::send(Method::POST, &to("unload"), operator, "").await.refused(503, "model_unloaded");
        let loaded = http::send(Method::POST, &to("load"), operator, "").await.ok();
        assert_eq!(loaded["versions"], json!(["1"]));
        // Sessions and receipts are where they were.
        studio.ask(&session, 1).await;
        serving.stop().await;
    });
}

#[test]
fn a_new_release_is_served_from_the_next_epoch_on_without_a_restart() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let town = studio.town();
        let mut opening = studio.opening();
        opening.shelves[0].source = Source::folder(&town.chain, studio.community.folder.path()).unwrap();
        let serving = Serving::start(Host::open(&town.chain, opening).await.unwrap()).await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        studio.ask(&session, 2).await;

        // The same files are published as version 2.
        let builder = town.account(&studio.community.builder);
        let asset = studio.model.version.asset;
        let published = assets::version(&town.chain, asset, 1).await.unwrap();
        assets::publish(&builder, asset, published.contentHash, published.manifestHash, "").await.unwrap();
        let load = format!("{}/v2/repository/models/{asset}/load", serving.url);
        let operator = Some(serving.token.reveal());
        // The open epoch has answers of the first release: it goes on with that.
        let loaded = http::send(Method::POST, &load, operator, "").await.ok();
        assert_eq!(loaded["versions"], json!(["1"]));
        assert_eq!(studio.ask(&session, 1).await[0].receipt.version, 1);
        town.advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 3, "all of the first release");
        let metadata = http::get(&format!("{}/v2/models/{asset}", serving.url)).await.ok();
        assert_eq!(metadata["versions"], json!(["2"]));
        // Who has not looked since asks for the first release, and is told.
        match session.infer(&studio.request(&session, 0).await).await {
            Err(ClientError::Refused { status: 409, code, .. }) => assert_eq!(code, "wrong_version"),
            other => panic!("{other:?}"),
        }
        let session = studio.session(&serving, &buyer).await;
        assert_eq!(studio.ask(&session, 1).await[0].receipt.version, 2);
        // Its root is posted while the second release is asked already, and so is that one's after it.
        attest_and_post(&studio, &serving, &epoch).await;
        town.advance(u64::from(WINDOW)).await;
        let second = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!((second.index, second.receipts), (epoch.index + 1, 1));
        attest_and_post(&studio, &serving, &second).await;
        serving.stop().await;
    });
}

#[test]
fn what_a_model_is_and_costs_and_who_made_an_answer_is_published() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let session = studio.session(&serving, &buyer).await;
        let client = Client::connect(&serving.url).await.unwrap();
        let asset = studio.model.version.asset;
        let page = client.page(asset).await.unwrap();
        assert_eq!(page.release, *client.model(asset).unwrap());
        let dataset = studio.community.data.dataset().unwrap().asset;
        let parent = &page.lineage[0];
        assert_eq!((parent.kind.as_str(), parent.asset, parent.version), ("data", dataset, 1));
        let offer = &page.offers[0];
        assert_eq!(offer.may, ["ask the model"]);
        assert!(offer.may_not.contains(&"train on its answers".to_owned()), "{offer:?}");
        assert_eq!((offer.price, offer.max_calls), (studio.offer().price, None));

        let answer = session.infer(&studio.request(&session, 0).await).await.unwrap();
        let attribution = client.attribution(answer.receipt.id).await.unwrap();
        assert_eq!(attribution.scores.len(), studio.contributor_addresses().len());
        let best = attribution.scores.iter().max_by_key(|score| score.score).unwrap();
        assert_eq!((best.account, best.bps), (answer.contributors[0].account, answer.contributors[0].bps));
        let positive: i64 = attribution.scores.iter().map(|score| score.score.max(0)).sum();
        assert_eq!(best.bps, best.score * 10_000 / positive);

        let checked = steps::receipt::check(&studio.town().chain, &serving.url, answer.receipt.id).await.unwrap();
        assert_eq!(checked.settled, steps::receipt::Settled::Open);
        let document = http::get(&format!("{}/openapi.json", serving.url)).await.ok();
        assert_eq!(document, serde_json::to_value(tributary_server::http::document()).unwrap());
        let page = client::http().get(format!("{}/docs/", serving.url)).send().await.unwrap();
        assert!(page.text().await.unwrap().contains("swagger"), "a page that shows the document");
        serving.stop().await;
    });
}

#[test]
fn answers_say_how_long_they_took_and_a_deadline_is_kept() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let session = studio.session(&serving, &buyer).await;
        let url = format!("{}/v1/models/{}/infer", serving.url, studio.model.version.asset);
        let request = studio.request(&session, 0).await;
        let post = |timeout: &'static str| {
            let body = serde_json::to_vec(&request).unwrap();
            client::http().post(&url).header("x-request-timeout-ms", timeout).body(body).send()
        };
        let late = post("0").await.unwrap();
        assert_eq!(late.status(), 503);
        assert!(late.headers().contains_key("retry-after"));
        assert!(late.text().await.unwrap().contains("deadline_exceeded"));
        assert_eq!(post("soon").await.unwrap().status(), 400);
        let answer = post("10000").await.unwrap();
        assert_eq!(answer.status(), 200);
        for name in ["x-total-time", "x-queue-time", "x-inference-time"] {
            let millis: f64 = answer.headers()[name].to_str().unwrap().parse().unwrap();
            assert!(millis >= 0.0, "{name}");
        }
        assert_eq!(answer.headers()["x-batch-size"], "1");
        serving.stop().await;
    });
}

#[test]
fn the_committed_openapi_document_is_the_codes() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json"));
    let mut document = tributary_server::http::document().to_pretty_json().unwrap();
    document.push('\n');
    assert!(committed.unwrap() == document, "docs/openapi.json is stale: run `make openapi`");
}

#[test]
fn records_are_exported_copied_while_the_host_serves_and_restored_elsewhere() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let serving = studio.asked(3).await;
        let asset = studio.model.version.asset;
        let to = |path: &str| format!("{}/v1/models/{asset}/{path}", serving.url);
        http::get(&to("receipts")).await.refused(401, "not_operator");
        http::post(&to("backups"), "").await.refused(401, "not_operator");
        http::send(Method::GET, &to("receipts?format=xls"), Some(serving.token.reveal()), "")
            .await
            .refused(400, "bad_path");

        let open = steps::records::export(&serving.url, None, None, "csv", &serving.token).await.unwrap();
        assert_eq!(String::from_utf8(open).unwrap().lines().count(), 1 + 3);
        studio.town().advance(30 * DAY).await;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        let closed =
            steps::records::export(&serving.url, None, Some(epoch.index), "csv", &serving.token).await.unwrap();
        let closed = String::from_utf8(closed).unwrap();
        assert_eq!(closed.lines().count(), 1 + 3);
        assert!(closed.lines().next().unwrap().contains("served_at"));
        let unknown = steps::records::export(&serving.url, None, Some(9), "csv", &serving.token).await;
        assert!(unknown.unwrap_err().to_string().contains("unknown_epoch"));

        let copied = steps::records::backup(&serving.url, None, &serving.token).await.unwrap();
        let again = steps::records::backup(&serving.url, None, &serving.token).await.unwrap();
        assert_ne!(copied.folder, again.folder);
        serving.stop().await;

        // Another machine goes on with the copy.
        let elsewhere = crate::town::folder();
        let (report, batches) = steps::records::restore(copied.folder.as_ref(), elsewhere.path()).unwrap();
        assert_eq!((report.epochs, report.sealed, report.open, batches), (1, 3, 0, 1));
        assert!(steps::records::restore(copied.folder.as_ref(), elsewhere.path()).is_err(), "never over a ledger");
        let release = studio.community.data.release();
        let opening = studio.opening_in(elsewhere.path(), release);
        let serving = Serving::start(Host::open(&studio.town().chain, opening).await.unwrap()).await;
        let client = Client::connect(&serving.url).await.unwrap();
        assert_eq!(client.epochs(asset).await.unwrap(), [epoch]);
        serving.stop().await;
    });
}
