//! Sign-in by EIP-4361, contract wallets, session keys and bearer keys.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, hex},
    providers::Provider,
    rpc::types::TransactionRequest,
    signers::{SignerSync, local::PrivateKeySigner},
};
use reqwest::Method;
use serde_json::{Value, json};
use tributary_chain::transact::send;
use tributary_sdk::{
    api::{Nonce, SignIn},
    batch::Batch,
    client::{self, Client, ClientError},
    contracts::LicenseToken,
    release::Manifest,
    sign_in::{Authorization, Credential, Occasion, Permission},
};
use tributary_server::steps;

use crate::{
    http::{self, Answer},
    studio::{Buyer, Serving, Studio, image},
    town::{DAY, Town, run},
};

/// A served model and somebody with a license.
struct Setting {
    studio: Studio,
    serving: Serving,
    buyer: Buyer,
    client: Client,
}

impl Setting {
    async fn new(town: std::sync::Arc<Town>) -> Self {
        let studio = Studio::new(town).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let client = Client::connect(&serving.url).await.unwrap();
        Self { studio, serving, buyer, client }
    }

    async fn permission(&self, credential: Credential) -> Permission {
        Permission {
            license_id: self.buyer.license,
            credential,
            begins_at: 0,
            expires_at: self.studio.town().now().await + 400 * DAY,
            holder: None,
            label: Some("a-service".into()),
        }
    }

    async fn occasion(&self) -> Occasion {
        let nonce: Nonce = serde_json::from_value(self.get("/v1/nonce").await.ok()).unwrap();
        let domain = self.serving.url.strip_prefix("http://").unwrap().to_owned();
        let uri = format!("{}/v1/sessions", self.serving.url);
        Occasion { domain, uri, nonce: nonce.nonce, issued_at: nonce.chain_time }
    }

    async fn get(&self, path: &str) -> Answer {
        http::get(&format!("{}{path}", self.serving.url)).await
    }

    /// Signs a message in, changed after it was made and before it was signed.
    async fn sign_in(&self, occasion: Occasion, change: impl FnOnce(String) -> String) -> Answer {
        let credential = Credential::Key(PrivateKeySigner::random().address());
        let permission = self.permission(credential).await;
        let domain = self.client.domain();
        let holder = &self.buyer.key;
        let made = Authorization::message(holder.address(), &permission, &occasion, &domain).unwrap();
        let Authorization::Message(text) = made else { panic!("messages are text") };
        let authorization = Authorization::Message(change(text));
        let signature = holder.sign_hash_sync(&authorization.digest(&domain)).unwrap().as_bytes().to_vec().into();
        self.post_sign_in(&SignIn { authorization, signature, holder: None }).await
    }

    async fn post_sign_in(&self, sign_in: &SignIn) -> Answer {
        http::post(&format!("{}/v1/sessions", self.serving.url), serde_json::to_vec(sign_in).unwrap()).await
    }

    /// Asks by the Open Inference Protocol with a bearer key.
    async fn ask(&self, key: Option<&str>, name: Option<&str>, place: usize) -> Answer {
        let url = format!("{}/v2/models/{}/infer", self.serving.url, self.studio.model.version.asset);
        let body = json!({"inputs": [
            {"name": "features", "shape": [1, 64], "datatype": "FP32", "data": image(place)}
        ]});
        let mut request = client::http().post(url).json(&body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(name) = name {
            request = request.header("idempotency-key", name);
        }
        let answer = request.send().await.unwrap();
        Answer { status: answer.status().as_u16(), body: answer.json().await.unwrap() }
    }
}

#[test]
fn a_message_is_good_once_for_this_host_and_as_it_was_signed() {
    run(async {
        let setting = Setting::new(Town::shared().await).await;
        let occasion = setting.occasion().await;
        setting.sign_in(occasion.clone(), |text| text).await.ok();
        setting.sign_in(occasion, |text| text).await.refused(401, "stale_nonce");
        let guessed = Occasion { nonce: "abcdefgh12345678".into(), ..setting.occasion().await };
        setting.sign_in(guessed, |text| text).await.refused(401, "stale_nonce");
        let elsewhere = Occasion { domain: "models.example".into(), ..setting.occasion().await };
        setting.sign_in(elsewhere, |text| text).await.refused(422, "foreign_sign_in");

        let ledger = setting.client.host().ledger.to_string();
        let changes: [&dyn Fn(String) -> String; 7] = [
            &|text| text.replace("Let a session key ask", "Let nobody ask"),
            &|text| text.replace("Chain ID: ", "Chain ID: 1"),
            &|text| text.replace(&ledger, &Address::repeat_byte(3).to_string()),
            &|text| text.replace("\n- tributary:license:", "\n- tributary:licence:"),
            &|text| text.lines().filter(|line| !line.starts_with("Expiration")).collect::<Vec<_>>().join("\n"),
            &|text| format!("{text}\n- tributary:extra:1"),
            &|_| "Sign in, please.".into(),
        ];
        for change in changes {
            setting.sign_in(setting.occasion().await, change).await.refused(422, "bad_sign_in");
        }

        // Signed by somebody else than the message names.
        let permission = setting.permission(Credential::Key(Address::repeat_byte(5))).await;
        let occasion = setting.occasion().await;
        let domain = setting.client.domain();
        let holder = setting.buyer.key.address();
        let authorization = Authorization::message(holder, &permission, &occasion, &domain).unwrap();
        let thief = PrivateKeySigner::random();
        let signature = thief.sign_hash_sync(&authorization.digest(&domain)).unwrap().as_bytes().to_vec().into();
        setting.post_sign_in(&SignIn { authorization, signature, holder: None }).await.refused(401, "bad_signature");
        setting.serving.stop().await;
    });
}

#[test]
fn keys_are_listed_and_revoked_with_the_token_of_a_sign_in() {
    run(async {
        let setting = Setting::new(Town::shared().await).await;
        let (chain, url) = (&setting.studio.town().chain, &setting.serving.url);
        let (holder, license) = (&setting.buyer.key, setting.buyer.license);
        let secret = steps::keys::bearer();
        let credential = Credential::of_bearer(secret.reveal());
        let label = Some("shop".into());
        let new = steps::keys::NewKey { license, credential, label, seconds: DAY };
        steps::keys::allow(chain, url, holder, new.clone()).await.unwrap();
        assert_eq!(setting.ask(Some(secret.reveal()), None, 0).await.status, 200);

        let (keys, usage) = steps::keys::list(chain, url, holder, license).await.unwrap();
        let found = keys.iter().find(|key| key.credential == credential).unwrap();
        assert_eq!((found.label.as_deref(), found.revoked_at), (Some("shop"), None));
        assert_eq!((usage.total, usage.max_calls), (1, None));

        // Of another license, of nobody, or none at all.
        let other = setting.studio.buyer().await;
        let key = Credential::Key(Address::repeat_byte(9));
        let permission = Permission { license_id: other.license, ..setting.permission(key).await };
        let token = setting.client.allow(&other.key, &permission).await.unwrap().token.unwrap();
        let path = format!("{url}/v1/licenses/{license}/keys");
        for wrong in [None, Some("00"), Some(token.as_str())] {
            http::send(Method::GET, &path, wrong, "").await.refused(401, "no_token");
            http::send(Method::DELETE, &format!("{path}/{credential}"), wrong, "").await.refused(401, "no_token");
        }
        assert_eq!(setting.ask(Some(secret.reveal()), None, 0).await.status, 200, "it was not revoked");

        let revoked = steps::keys::revoke(chain, url, holder, license, credential).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        setting.ask(Some(secret.reveal()), None, 1).await.refused(401, "no_session");
        let again = steps::keys::allow(chain, url, holder, new).await.unwrap_err().to_string();
        assert!(again.contains("key_revoked"), "{again}");
        setting.ask(Some(secret.reveal()), None, 1).await.refused(401, "no_session");
        setting.serving.stop().await;
    });
}

#[test]
fn what_a_bearer_key_asks_is_answered_once_a_name_and_settled_as_the_hosts_word() {
    run(async {
        let setting = Setting::new(Town::start().await).await;
        let studio = &setting.studio;
        let secret = steps::keys::bearer();
        let credential = Credential::of_bearer(secret.reveal());
        setting.ask(None, None, 0).await.refused(401, "no_credential");
        setting.ask(Some(secret.reveal()), None, 0).await.refused(401, "no_session");
        let permission = setting.permission(credential).await;
        setting.client.allow(&setting.buyer.key, &permission).await.unwrap();

        let receipt = |answer: &Value| -> Value {
            serde_json::from_str(answer["parameters"]["receipt"].as_str().unwrap()).unwrap()
        };
        let first = setting.ask(Some(secret.reveal()), Some("order 7"), 0).await.ok();
        let again = setting.ask(Some(secret.reveal()), Some("order 7"), 0).await.ok();
        assert_eq!(first, again, "the same name and input have one receipt");
        setting.ask(Some(secret.reveal()), Some("order 7"), 1).await.refused(409, "request_id_reused");
        let other = setting.ask(Some(secret.reveal()), None, 0).await.ok();
        assert_ne!(receipt(&first)["id"], receipt(&other)["id"]);
        assert_eq!(receipt(&first)["requestSignatureHash"], json!(B256::ZERO));
        let id: B256 = receipt(&first)["id"].as_str().unwrap().parse().unwrap();
        let row = setting.client.receipt(id).await.unwrap();
        assert_eq!((row.credential, row.request_signature), (credential, Bytes::new()));

        studio.town().advance(30 * DAY).await;
        let serving = &setting.serving;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 2);
        let bytes = client::fetch(&setting.client.batch_url(epoch.data_hash)).await.unwrap();
        let chain = &studio.town().chain;
        tributary_chain::verify::before_posting(chain, &bytes).await.unwrap();

        // Without the holder's word for bearer keys, nothing of it holds; nor with the claim of a signature.
        let mut batch = Batch::from_bytes(&bytes).unwrap();
        batch.sessions.clear();
        let refused = tributary_chain::verify::before_posting(chain, &batch.to_bytes().unwrap()).await.unwrap_err();
        assert!(refused.to_string().contains("session"), "{refused}");
        let mut batch = Batch::from_bytes(&bytes).unwrap();
        batch.receipts[0].credential = Credential::Key(setting.buyer.key.address());
        let refused = tributary_chain::verify::before_posting(chain, &batch.to_bytes().unwrap()).await.unwrap_err();
        assert!(refused.to_string().contains("signature"), "{refused}");

        let checked = steps::receipt::check(chain, &serving.url, id).await.unwrap();
        assert!(matches!(checked.settled, steps::receipt::Settled::Closed(_)), "{checked:?}");
        setting.serving.stop().await;
    });
}

/// A wallet that stands behind the digests it was given (32 bytes of calldata), until it is told not to (33 bytes).
const WALLET: [u8; 55] = hex!(
    "602e8060093d393df3"
    "36602014602157" "36602114602857" "60043554" "631626ba7e" "60e01b02" "5f52" "60205ff3"
    "5b60015f355500" "5b5f5f355500"
);

#[test]
fn a_contract_signs_in_and_what_it_takes_back_no_longer_counts() {
    run(async {
        let setting = Setting::new(Town::start().await).await;
        let studio = &setting.studio;
        let owner = studio.town().account(&setting.buyer.key);
        let deploy = TransactionRequest::default().with_deploy_code(WALLET.to_vec());
        let deployed = owner.provider().send_transaction(deploy).await.unwrap().get_receipt().await.unwrap();
        let wallet = deployed.contract_address.unwrap();
        let token = LicenseToken::new(owner.chain().deployment().license_token, owner.provider());
        let license = setting.buyer.license;
        send("the license token", token.transferFrom(setting.buyer.key.address(), wallet, license)).await.unwrap();

        let key = PrivateKeySigner::random();
        let permission = setting.permission(Credential::Key(key.address())).await;
        let domain = setting.client.domain();
        let authorization = Authorization::message(wallet, &permission, &setting.occasion().await, &domain).unwrap();
        let digest = authorization.digest(&domain);
        let tell = async |calldata: Vec<u8>| {
            let told = TransactionRequest::default().with_to(wallet).with_input(calldata);
            assert!(owner.provider().send_transaction(told).await.unwrap().get_receipt().await.unwrap().status());
        };
        let sign_in = SignIn { authorization, signature: Bytes::from(vec![1; 130]), holder: None };
        setting.post_sign_in(&sign_in).await.refused(401, "bad_signature");
        tell(digest.to_vec()).await;
        // The nonce was spent by the attempt.
        setting.post_sign_in(&sign_in).await.refused(401, "stale_nonce");
        let authorization = Authorization::message(wallet, &permission, &setting.occasion().await, &domain).unwrap();
        let digest = authorization.digest(&domain);
        tell(digest.to_vec()).await;
        let sign_in = SignIn { authorization, ..sign_in };
        let signed = setting.client.sign_in_as(&sign_in).await.unwrap();
        assert_eq!((signed.holder, signed.license_id), (wallet, license));

        let session = setting.client.session(signed, key).unwrap();
        studio.ask(&session, 3).await;
        // What a second ends with is what held in it.
        studio.town().advance(10).await;
        tell([digest.as_slice(), &[0]].concat()).await;
        let request = studio.request(&session, 0).await;
        match session.infer(&request).await {
            Err(ClientError::Refused { code, .. }) => assert_eq!(code, "bad_signature"),
            other => panic!("{other:?}"),
        }

        // What it stood behind when it was served holds in an audit.
        studio.town().advance(30 * DAY).await;
        let serving = &setting.serving;
        let epoch = steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
        assert_eq!(epoch.receipts, 3);
        let holder = token.ownerOf(license).block(BlockId::latest()).call().await.unwrap();
        assert_eq!(holder, wallet);
        setting.serving.stop().await;
    });
}
