//! Requests that must not be served: each has its status and its code, and none leaves a receipt.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    signers::local::PrivateKeySigner,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tributary_sdk::{
    api::{Infer, SignIn, tensor_bytes},
    client::{Client, Session},
    records::input_commitment,
    sign_in::Authorization,
    typed_data::{self, SessionAuthorization},
};
use tributary_server::{host::Host, http::Patience};

use crate::{
    http::{Answer, get, post, post_too_much, send},
    studio::{Buyer, Serving, Studio, image},
    town::{DAY, Town, run, word},
};

/// A served model and somebody licensed, for all tests of this file.
pub(crate) struct Open {
    pub(crate) studio: Studio,
    pub(crate) serving: Serving,
    pub(crate) buyer: Buyer,
}

static OPEN: OnceCell<Arc<Open>> = OnceCell::const_new();

impl Open {
    pub(crate) async fn get() -> Arc<Self> {
        OPEN.get_or_init(|| async { Arc::new(Self::with_patience(Patience::default()).await) }).await.clone()
    }

    /// Another one, which gives clients so long to say what they want.
    pub(crate) async fn with_patience(patience: Patience) -> Self {
        let studio = Studio::new(Town::shared().await).await;
        let host = Host::open(&studio.town().chain, studio.opening()).await.unwrap();
        let (serving, buyer) = (Serving::start_with(host, patience).await, studio.buyer().await);
        Self { studio, serving, buyer }
    }

    pub(crate) async fn session(&self) -> Session {
        self.studio.session(&self.serving, &self.buyer).await
    }

    fn url(&self) -> String {
        format!("{}/v1/models/{}/infer", self.serving.url, self.studio.model.version.asset)
    }

    /// Asks by a new connection.
    pub(crate) async fn infer(&self, infer: &Infer) -> Answer {
        post(&self.url(), serde_json::to_vec(infer).unwrap()).await
    }

    async fn sign_in(&self, authorization: &SessionAuthorization, key: &PrivateKeySigner) -> Answer {
        let signature = typed_data::sign(authorization, &self.studio.town().chain.ledger_domain(), key).unwrap();
        let body = SignIn {
            authorization: Authorization::Typed(authorization.clone()),
            signature: signature.into(),
            holder: None,
        };
        post(&format!("{}/v1/sessions", self.serving.url), serde_json::to_vec(&body).unwrap()).await
    }

    async fn authorization(&self, license: U256) -> SessionAuthorization {
        let expires = self.studio.town().now().await + DAY;
        SessionAuthorization { licenseId: license, sessionKey: word_address(), expiresAt: expires }
    }
}

fn word_address() -> Address {
    Address::from_word(word())
}

/// Asserts that a request for these features, properly committed to and signed, is refused, and left nothing behind.
async fn refused_features(features: Vec<f32>, status: u16, code: &str) {
    let change = |infer: &mut Infer| {
        infer.request.inputCommitment = input_commitment(infer.salt, &tensor_bytes(&features));
        infer.features = features;
    };
    refused_request(change, None, status, code).await;
}

async fn no_receipt(open: &Open, id: B256) {
    get(&format!("{}/v1/receipts/{id}", open.serving.url)).await.refused(404, "unknown_receipt");
}

/// Asserts that a good request with something changed before it is signed is refused.
async fn refused_request(change: impl FnOnce(&mut Infer), key: Option<PrivateKeySigner>, status: u16, code: &str) {
    let open = Open::get().await;
    let signer = PrivateKeySigner::random();
    let client = Client::connect(&open.serving.url).await.unwrap();
    let until = open.studio.town().now().await + DAY;
    let session = client.sign_in(&open.buyer.key, open.buyer.license, signer.clone(), until).await.unwrap();
    let mut infer = open.studio.request(&session, 0).await;
    change(&mut infer);
    let signature = typed_data::sign(&infer.request, &client.domain(), key.as_ref().unwrap_or(&signer)).unwrap();
    infer.signature = signature.into();
    open.infer(&infer).await.refused(status, code);
    no_receipt(&open, infer.request.id).await;
}

#[test]
fn a_good_request_is_answered_with_a_receipt_and_its_top_contributors() {
    run(async {
        let open = Open::get().await;
        let session = open.session().await;
        let infer = open.studio.request(&session, 3).await;
        let answer = session.infer(&infer).await.unwrap();
        assert_eq!(answer.logits.len(), 10);
        assert!(!answer.contributors.is_empty());
        let contributors = open.studio.contributor_addresses();
        assert!(answer.contributors.iter().all(|influence| contributors.contains(&influence.account)));
        let url = format!("{}/v1/receipts/{}", open.serving.url, infer.request.id);
        let stored = get(&url).await.ok();
        assert_eq!(stored["receipt"], serde_json::to_value(&answer.receipt).unwrap());
    });
}

#[test]
fn an_image_of_the_wrong_size_is_refused() {
    run(async {
        for width in [0, 1, 63, 65, 639] {
            refused_features(vec![1.0; width], 422, "wrong_input_width").await;
        }
    });
}

#[test]
fn numbers_that_json_makes_infinite_are_refused() {
    run(async {
        let open = Open::get().await;
        let mut features = image(0);
        features[7] = f32::INFINITY;
        let session = open.session().await;
        let now = open.studio.town().now().await;
        let infer = session.request(open.studio.model.version.asset, features, word(), word(), now).unwrap();
        // JSON has no infinity; 1e39 is a number that only f32 cannot hold.
        let mut body = serde_json::to_value(&infer).unwrap();
        for large in [json!(1e39), json!(-1e39)] {
            body["features"][7] = large;
            open.infer_value(&body).await.refused(422, "non_finite_input");
        }
        no_receipt(&open, infer.request.id).await;
    });
}

impl Open {
    async fn infer_value(&self, body: &Value) -> Answer {
        post(&self.url(), serde_json::to_vec(body).unwrap()).await
    }
}

#[test]
fn the_largest_and_smallest_numbers_are_answered_finitely() {
    run(async {
        let open = Open::get().await;
        let session = open.session().await;
        let now = open.studio.town().now().await;
        for value in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, -0.0] {
            let asset = open.studio.model.version.asset;
            let infer = session.request(asset, vec![value; 64], word(), word(), now).unwrap();
            let answer = session.infer(&infer).await.unwrap();
            assert!(answer.logits.iter().all(|logit| logit.is_finite()));
        }
    });
}

#[test]
fn bodies_that_do_not_read_are_refused() {
    run(async {
        let open = Open::get().await;
        let session = open.session().await;
        let good = serde_json::to_value(open.studio.request(&session, 0).await).unwrap();
        let text = good.to_string();
        let mut unknown = good.clone();
        unknown["tip"] = json!(1);
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove("salt");
        let mut nan = good.clone();
        nan["features"][0] = json!("NaN");
        let mut number = good.clone();
        number["request"]["assetId"] = json!(7);
        let bodies = [
            String::new(),
            "{".into(),
            "[]".into(),
            "null".into(),
            text[..text.len() / 2].into(),
            format!("{text} {text}"),
            text.replacen("\"features\":[", "\"features\":[NaN,", 1),
            text.replacen("\"features\":[", "\"features\":[1e999,", 1),
            unknown.to_string(),
            without.to_string(),
            nan.to_string(),
            number.to_string(),
            "[".repeat(100_000),
        ];
        for body in bodies {
            post(&open.url(), body.clone()).await.refused(400, "bad_body");
            post(&format!("{}/v1/sessions", open.serving.url), body).await.refused(400, "bad_body");
        }
        post(&open.url(), vec![0xff, 0xfe, 0x00]).await.refused(400, "bad_body");
        post_too_much(&open.url(), vec![b' '; (1 << 20) + 1]).await.refused(413, "body_too_large");
    });
}

#[test]
fn another_model_is_unknown_here() {
    run(async {
        let open = Open::get().await;
        let session = open.session().await;
        let infer = open.studio.request(&session, 0).await;
        let url = format!("{}/v1/models/0x00000000000000000000000000000001/infer", open.serving.url);
        post(&url, serde_json::to_vec(&infer).unwrap()).await.refused(404, "unknown_model");
        refused_request(|infer| infer.request.assetId ^= 1, None, 422, "other_model").await;
        let url = format!("{}/v1/models/seven/infer", open.serving.url);
        post(&url, serde_json::to_vec(&infer).unwrap()).await.refused(400, "bad_path");
    });
}

#[test]
fn another_version_is_not_served() {
    run(async {
        refused_request(|infer| infer.request.version = 2, None, 409, "wrong_version").await;
        refused_request(|infer| infer.request.version = 0, None, 409, "wrong_version").await;
    });
}

#[test]
fn a_request_from_another_time_is_refused() {
    run(async {
        refused_request(|infer| infer.request.issuedAt += 10 * DAY, None, 422, "future_request").await;
        refused_request(|infer| infer.request.issuedAt = u64::MAX, None, 422, "future_request").await;
        refused_request(|infer| infer.request.issuedAt = 0, None, 409, "stale_request").await;
    });
}

#[test]
fn a_request_has_one_unit() {
    run(async {
        for units in [0, 2, u64::MAX] {
            refused_request(|infer| infer.request.units = units, None, 422, "wrong_units").await;
        }
    });
}

#[test]
fn routes_methods_and_paths_that_do_not_exist_are_refused_in_json() {
    run(async {
        let open = Open::get().await;
        let url = &open.serving.url;
        let model = open.studio.model.version.asset;
        for path in ["/", "/v1", "/v2/host", "/v1/epochs", "/v1/host/", "/v3/models", "/v1/models/0x1/epochs/1/proofs"]
        {
            get(&format!("{url}{path}")).await.refused(404, "unknown_route");
        }
        get(&format!("{url}/v1/sessions")).await.refused(405, "wrong_method");
        let epochs = format!("{url}/v1/models/{model}/epochs");
        send(Method::DELETE, &epochs, None, "").await.refused(405, "wrong_method");
        let nobody = Address::repeat_byte(1);
        for path in ["/v1/receipts/0x12", "/v1/batches/zz", "/v1/models/digits", "/v1/models/0x/epochs"] {
            get(&format!("{url}{path}")).await.refused(400, "bad_path");
        }
        for path in [format!("one/proofs/{nobody}"), format!("-1/proofs/{nobody}"), "1/proofs/0x12".into()] {
            get(&format!("{epochs}/{path}")).await.refused(400, "bad_path");
        }
        get(&format!("{epochs}/9/proofs/{nobody}")).await.refused(404, "unknown_epoch");
        get(&format!("{url}/v1/models/0x12")).await.refused(404, "unknown_model");
        get(&format!("{url}/v1/batches/{}", word())).await.refused(404, "unknown_batch");
        get(&format!("{url}/v1/receipts/{}", word())).await.refused(404, "unknown_receipt");
    });
}

#[test]
fn a_request_without_a_session_is_refused() {
    run(async {
        // Signed by a key that never signed in.
        refused_request(|_| (), Some(PrivateKeySigner::random()), 401, "no_session").await;
        // Signed in, but for another license.
        refused_request(|infer| infer.request.licenseId += U256::ONE, None, 401, "no_session").await;
    });
}

#[test]
fn a_request_that_was_changed_after_it_was_signed_is_refused() {
    run(async {
        let open = Open::get().await;
        let session = open.session().await;
        let mut infer = open.studio.request(&session, 0).await;
        infer.request.id = word();
        open.infer(&infer).await.refused(401, "no_session");
        infer.signature = Bytes::from(vec![7; 64]);
        open.infer(&infer).await.refused(401, "bad_signature");
        infer.signature = Bytes::from(vec![0; 65]);
        open.infer(&infer).await.refused(401, "bad_signature");
        infer.signature = Bytes::new();
        open.infer(&infer).await.refused(401, "bad_signature");
        no_receipt(&open, infer.request.id).await;
    });
}

#[test]
fn an_input_that_is_not_the_one_committed_to_is_refused() {
    run(async {
        refused_request(|infer| infer.features[9] += 1.0, None, 422, "wrong_commitment").await;
        refused_request(|infer| infer.salt = word(), None, 422, "wrong_commitment").await;
        refused_request(|infer| infer.features = image(1), None, 422, "wrong_commitment").await;
        // −0 equals 0 and is another input.
        let negative_zero = |infer: &mut Infer| {
            let zero = infer.features.iter().position(|value| *value == 0.0).unwrap();
            infer.features[zero] = -0.0;
            assert_ne!(infer.request.inputCommitment, input_commitment(infer.salt, &tensor_bytes(&infer.features)));
        };
        refused_request(negative_zero, None, 422, "wrong_commitment").await;
    });
}

#[test]
fn nobody_signs_in_with_somebody_elses_license() {
    run(async {
        let open = Open::get().await;
        let thief = PrivateKeySigner::random();
        let authorization = open.authorization(open.buyer.license).await;
        open.sign_in(&authorization, &thief).await.refused(403, "not_licensed");
        let nothing = open.authorization(U256::MAX).await;
        open.sign_in(&nothing, &thief).await.refused(403, "not_licensed");
    });
}

#[test]
fn a_license_for_another_model_opens_nothing_here() {
    run(async {
        let open = Open::get().await;
        let elsewhere = Studio::new(Town::shared().await).await;
        let foreign = elsewhere.buyer().await;
        let authorization = open.authorization(foreign.license).await;
        open.sign_in(&authorization, &foreign.key).await.refused(403, "foreign_license");
    });
}

#[test]
fn a_session_that_has_ended_is_not_opened() {
    run(async {
        let open = Open::get().await;
        let past = open.studio.town().now().await;
        for expires in [0, past] {
            let mut authorization = open.authorization(open.buyer.license).await;
            authorization.expiresAt = expires;
            open.sign_in(&authorization, &open.buyer.key).await.refused(401, "session_ended");
        }
    });
}

#[test]
fn a_sign_in_that_was_changed_after_it_was_signed_is_refused() {
    run(async {
        let open = Open::get().await;
        let authorization = open.authorization(open.buyer.license).await;
        let domain = open.studio.town().chain.ledger_domain();
        let signature: Bytes = typed_data::sign(&authorization, &domain, &open.buyer.key).unwrap().into();
        let url = format!("{}/v1/sessions", open.serving.url);
        let other = SessionAuthorization { sessionKey: word_address(), ..authorization };
        let mut changed = SignIn { authorization: Authorization::Typed(other), signature, holder: None };
        post(&url, serde_json::to_vec(&changed).unwrap()).await.refused(403, "not_licensed");
        changed.signature = Bytes::from(vec![1; 10]);
        post(&url, serde_json::to_vec(&changed).unwrap()).await.refused(401, "bad_signature");
    });
}

#[test]
fn only_the_operator_closes_epochs() {
    run(async {
        let open = Open::get().await;
        let url = format!("{}/v1/models/{}/epochs", open.serving.url, open.studio.model.version.asset);
        send(Method::POST, &url, None, "").await.refused(401, "not_operator");
        for wrong in ["", "wrong", &word().to_string()] {
            send(Method::POST, &url, Some(wrong), "").await.refused(401, "not_operator");
        }
        let long = "a".repeat(5_000);
        send(Method::POST, &url, Some(&long), "").await.refused(401, "not_operator");
        assert_eq!(get(&url).await.ok(), json!([]), "nothing was closed");
    });
}
