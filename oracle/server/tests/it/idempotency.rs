//! A request is one thing however often it arrives: answered alike, counted once, and never two things.

use std::sync::Arc;

use tokio::task::JoinSet;
use tributary_sdk::{
    api::{Infer, Inferred},
    client::{ClientError, Session},
    records::input_commitment,
    typed_data,
};
use tributary_server::steps;

use crate::{
    http::post,
    studio::{Studio, image},
    town::{Town, run},
};

#[track_caller]
fn code(result: Result<Inferred, ClientError>) -> String {
    match result {
        Err(ClientError::Refused { status, code, .. }) => format!("{status} {code}"),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_same_request_twice_has_one_receipt_and_counts_once() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        let infer = studio.request(&session, 0).await;
        let first = session.infer(&infer).await.unwrap();
        let second = session.infer(&infer).await.unwrap();
        assert_eq!(first, second);
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 1);
        assert_eq!(code(session.infer(&infer).await), "410 already_settled");
        serving.stop().await;
    });
}

#[test]
fn many_copies_at_once_have_one_receipt_and_count_once() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let session = Arc::new(studio.session(&serving, &buyer).await);
        let infer = Arc::new(studio.request(&session, 0).await);
        let mut copies = JoinSet::new();
        for _ in 0..16 {
            let (session, infer) = (session.clone(), infer.clone());
            copies.spawn(async move { until_answered(&session, &infer).await });
        }
        let answers = copies.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 1);
        serving.stop().await;
    });
}

/// Does what the host's answer to a copy of a request in progress says: asks again.
async fn until_answered(session: &Session, infer: &Infer) -> Inferred {
    loop {
        match session.infer(infer).await {
            Err(ClientError::Refused { status: 409, code, .. }) if code == "in_progress" => {}
            other => return other.unwrap(),
        }
        tokio::task::yield_now().await;
    }
}

#[test]
fn an_id_used_for_another_request_is_refused() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let key = alloy::signers::local::PrivateKeySigner::random();
        let client = tributary_sdk::client::Client::connect(&serving.url).await.unwrap();
        let until = studio.town().now().await + crate::town::DAY;
        let session = client.sign_in(&buyer.key, buyer.license, key.clone(), until).await.unwrap();
        let first = studio.request(&session, 0).await;
        session.infer(&first).await.unwrap();

        let mut other = first.clone();
        other.features = image(1);
        let bytes = tributary_sdk::api::tensor_bytes(&other.features);
        other.request.inputCommitment = input_commitment(other.salt, &bytes);
        other.signature = typed_data::sign(&other.request, &client.domain(), &key).unwrap().into();
        assert_eq!(code(session.infer(&other).await), "409 request_id_reused");

        // Nor for another license's request.
        let second = studio.buyer().await;
        let elsewhere = client.sign_in(&second.key, second.license, key.clone(), until).await.unwrap();
        let mut foreign = first.clone();
        foreign.request.licenseId = second.license;
        foreign.signature = typed_data::sign(&foreign.request, &client.domain(), &key).unwrap().into();
        assert_eq!(code(elsewhere.infer(&foreign).await), "409 request_id_reused");

        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 1);
        serving.stop().await;
    });
}

#[test]
fn an_answer_is_kept_over_a_restart_of_the_host() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let serving = studio.serve().await;
        let buyer = studio.buyer().await;
        let session = studio.session(&serving, &buyer).await;
        let infer = studio.request(&session, 0).await;
        let first = session.infer(&infer).await.unwrap();
        serving.stop().await;

        let again = studio.serve().await;
        let url = format!("{}/v1/models/{}/infer", again.url, studio.model.version.asset);
        let kept = post(&url, serde_json::to_vec(&infer).unwrap()).await.ok();
        assert_eq!(serde_json::from_value::<Inferred>(kept).unwrap(), first);
        let epoch = steps::epoch::close(&again.url, None, &again.token).await.unwrap();
        assert_eq!(epoch.receipts, 1);
        again.stop().await;
    });
}
