//! The client against answers that were changed on their way from a real host: it believes none of them.

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
};
use serde_json::{Value, json};
use tributary_sdk::{
    B256,
    client::{self, Client, ClientError},
};

use crate::{
    studio::Studio,
    town::{DAY, Town, run},
};

pub(crate) type Change = fn(&mut Value);

/// Passes everything on to a host, under the name that the client knows it by, and changes its answers on paths that have
/// `part` in them on the way back.
pub(crate) async fn between(host: String, part: &'static str, change: Change) -> String {
    let router = Router::new().fallback(pass).with_state((host, part, change));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass(
    State((host, part, change)): State<(String, &'static str, Change)>,
    request: Request,
) -> (StatusCode, Bytes) {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let url = format!("{host}{}", parts.uri);
    let host = parts.headers[axum::http::header::HOST].clone();
    let headers = [("host", host), ("content-type", "application/json".parse().unwrap())];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value)).collect();
    let answer = client::http().request(parts.method, url).headers(headers).body(body).send().await.unwrap();
    let status = answer.status();
    let mut bytes = answer.bytes().await.unwrap();
    if parts.uri.path().contains(part) {
        let mut value = serde_json::from_slice(&bytes).unwrap();
        change(&mut value);
        bytes = serde_json::to_vec(&value).unwrap().into();
    }
    (status, bytes)
}

#[test]
fn an_answer_that_is_not_what_the_receipt_says_is_not_believed() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let lies: [(Change, &str); 9] = [
            (|answer| answer["logits"][3] = json!(99.5), "output hash"),
            (|answer| answer["receipt"]["units"] = json!(2), "units"),
            (|answer| answer["receipt"]["id"] = json!(B256::ZERO), "id"),
            (|answer| answer["receipt"]["version"] = json!(2), "model"),
            (|answer| answer["receipt"]["weightsHash"] = json!(B256::ZERO), "weights hash"),
            (|answer| answer["receipt"]["licenseId"] = json!("0x7777"), "license"),
            (|answer| answer["receipt"]["inputCommitment"] = json!(B256::ZERO), "input commitment"),
            (|answer| answer["receipt"]["amount"] = json!("1"), "payment"),
            (|answer| answer["receipt"]["payer"] = json!("0x0000000000000000000000000000000000000001"), "payer"),
        ];
        for (lie, field) in lies {
            let refused = ask(&studio, &buyer, &between(serving.url.clone(), "/infer", lie).await).await;
            assert!(matches!(refused, Err(ClientError::ReceiptMismatch(found)) if found == field), "{refused:?}");
        }
        // What only the host's signature covers.
        let forged: [Change; 3] = [
            |answer| answer["receipt"]["servedAt"] = json!(1),
            |answer| answer["receipt"]["sketchHash"] = json!(B256::ZERO),
            |answer| answer["hostSignature"] = json!("0x00"),
        ];
        for forgery in forged {
            let refused = ask(&studio, &buyer, &between(serving.url.clone(), "/infer", forgery).await).await;
            assert!(matches!(refused, Err(ClientError::Signature(_))), "{refused:?}");
        }
        ask(&studio, &buyer, &between(serving.url.clone(), "/infer", |_| ()).await).await.unwrap();
        serving.stop().await;
    });
}

async fn ask(studio: &Studio, buyer: &crate::studio::Buyer, url: &str) -> Result<(), ClientError> {
    let client = Client::connect(url).await.unwrap();
    let until = studio.town().now().await + DAY;
    let key = alloy::signers::local::PrivateKeySigner::random();
    let session = client.sign_in(&buyer.key, buyer.license, key, until).await.unwrap();
    session.infer(&studio.request(&session, 0).await).await.map(|_| ())
}
