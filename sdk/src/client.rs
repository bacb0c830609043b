//! Ask a model: sign in once with the license's wallet, then let a session key sign every request.
//!
//! Every answer is checked before it is returned: the receipt must be the host's, for this request, this input and
//! these very outputs. That the host is the model's host, on the chain it says, is for the caller to compare with the
//! chain ([`Client::host`]); the `tributary` program does.
//!
//! No call lasts for ever: a host that says nothing, or hardly anything, is an error like one that is not there.

mod dataset;

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{
        AccountPage, Attribution, BackupInfo, ClaimProof, EpochInfo, ErrorBody, Finding, HostInfo, Infer, Inferred,
        KeptInput, KeyInfo, LicenseUsage, ModelInfo, ModelPage, Nonce, Quorum, Reader, ReceiptProof, SignIn, SignedIn,
        Submissions, tensor_bytes,
    },
    batch::{Batch, ReceiptRow, Sketches, SketchesError},
    identity::AssetId,
    records::input_commitment,
    sign_in::{Authorization, Credential, Occasion, Permission, SignInError},
    sketch::Sketch,
    typed_data::{self, InferenceRequest, SignatureError},
};

pub use dataset::DatasetClient;

/// A call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The host was not reached, or the connection broke. Asking again with the same request id is safe.
    #[error("the host did not answer: {0}")]
    Transport(#[from] reqwest::Error),
    /// The host refused; the code is stable.
    #[error("the host refused ({status} {code}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// Sentence for people.
        message: String,
    },
    /// A message could not be signed or was not signed by who should have.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The sign-in message could not be made.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The input is not whole records.
    #[error("the input has {got} numbers; give a multiple of {width}, the numbers of one record")]
    WrongWidth {
        /// Numbers given.
        got: usize,
        /// Numbers of a record.
        width: u32,
    },
    /// The host's receipt is for something else.
    #[error("the receipt does not fit the request: its {0} differs; keep it as evidence against the host")]
    ReceiptMismatch(&'static str),
    /// What the host gave are not the batch's sketches.
    #[error("the host gave other sketches than its batch's: {0}; keep them as evidence against the host")]
    OtherSketches(#[from] SketchesError),
    /// A published file with another hash than it should have.
    #[error("the host gave another {0} than the one it names: do not use it, and ask its operator")]
    OtherFile(&'static str),
    /// The host serves no such model.
    #[error("the host does not serve model {0}")]
    UnknownModel(AssetId),
}

/// A host, before sign-in.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    info: HostInfo,
}

impl Client {
    /// Asks the host at `url` who it is.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let http = http();
        let base = url.trim_end_matches('/').to_owned();
        let info = read(http.get(format!("{base}/v1/host")).send().await?).await?;
        Ok(Self { http, base, info })
    }

    /// Who serves, and what.
    pub fn host(&self) -> &HostInfo {
        &self.info
    }

    /// One of the host's models.
    pub fn model(&self, asset: AssetId) -> Result<&ModelInfo, ClientError> {
        self.info.models.iter().find(|model| model.asset == asset).ok_or(ClientError::UnknownModel(asset))
    }

    /// The domain of receipts, requests and sessions.
    pub fn domain(&self) -> Eip712Domain {
        typed_data::domain(self.info.chain_id, self.info.ledger)
    }

    /// The model whose vault this is.
    pub fn model_of(&self, vault: Address) -> Option<&ModelInfo> {
        self.info.models.iter().find(|model| model.vault == vault)
    }

    /// What a model is, where it comes from, and on which terms it is licensed.
    pub async fn page(&self, asset: AssetId) -> Result<ModelPage, ClientError> {
        self.get(&format!("/v1/models/{asset}")).await
    }

    /// Signs in with the license holder's key; `session_key` then signs every request until `expires_at`.
    pub async fn sign_in(
        &self,
        holder: &PrivateKeySigner,
        license_id: U256,
        session_key: PrivateKeySigner,
        expires_at: u64,
    ) -> Result<Session, ClientError> {
        let permission = Permission {
            license_id,
            credential: Credential::Key(session_key.address()),
            begins_at: 0,
            expires_at,
            holder: None,
            label: None,
        };
        let signed = self.allow(holder, &permission).await?;
        Ok(Session { client: self.clone(), holder: signed.holder, license_id, key: session_key })
    }

    /// Lets a key ask, by a message of the license holder's: a session key's, or, where the holder wants that, a bearer
    /// key's.
    pub async fn allow(&self, holder: &PrivateKeySigner, permission: &Permission) -> Result<SignedIn, ClientError> {
        let Nonce { nonce, chain_time, .. } = self.get("/v1/nonce").await?;
        let uri = format!("{}/v1/sessions", self.base);
        let occasion = Occasion { domain: authority(&self.base), uri, nonce, issued_at: chain_time };
        let authorization = Authorization::message(holder.address(), permission, &occasion, &self.domain())?;
        let digest = authorization.digest(&self.domain());
        let signature = holder.sign_hash_sync(&digest).map_err(SignatureError::from)?.as_bytes().to_vec().into();
        self.sign_in_as(&SignIn { authorization, signature, holder: None }).await
    }

    /// Gives the host a sign-in that was signed elsewhere, by a contract's owners say.
    pub async fn sign_in_as(&self, sign_in: &SignIn) -> Result<SignedIn, ClientError> {
        self.post("/v1/sessions", sign_in).await
    }

    /// The session of a key that was signed in, by a contract's owners say.
    pub fn session(&self, signed: SignedIn, key: PrivateKeySigner) -> Result<Session, ClientError> {
        match signed.credential {
            Credential::Key(address) if address == key.address() => {
                Ok(Session { client: self.clone(), holder: signed.holder, license_id: signed.license_id, key })
            }
            _ => Err(SignatureError::Malformed.into()),
        }
    }

    /// The keys that were ever signed in under a license, oldest first; with the token of a sign-in.
    pub async fn keys(&self, license_id: U256, token: &str) -> Result<Vec<KeyInfo>, ClientError> {
        read(self.http.get(format!("{}/v1/licenses/{license_id}/keys", self.base)).bearer_auth(token).send().await?)
            .await
    }

    /// Revokes a key of a license; with the token of a sign-in.
    pub async fn revoke(&self, license_id: U256, key: Credential, token: &str) -> Result<KeyInfo, ClientError> {
        let url = format!("{}/v1/licenses/{license_id}/keys/{key}", self.base);
        read(self.http.delete(url).bearer_auth(token).send().await?).await
    }

    /// What was asked under a license at this host; with the token of a sign-in.
    pub async fn usage(&self, license_id: U256, token: &str) -> Result<LicenseUsage, ClientError> {
        read(self.http.get(format!("{}/v1/licenses/{license_id}/usage", self.base)).bearer_auth(token).send().await?)
            .await
    }

    /// A receipt with everything that proves it.
    pub async fn receipt(&self, id: B256) -> Result<ReceiptRow, ClientError> {
        self.get(&format!("/v1/receipts/{id}")).await
    }

    /// That a receipt is among those which a closed epoch's root commits to.
    pub async fn receipt_proof(&self, id: B256) -> Result<ReceiptProof, ClientError> {
        self.get(&format!("/v1/receipts/{id}/proof")).await
    }

    /// An input that the host keeps.
    pub async fn input(&self, id: B256, reader: &Reader) -> Result<KeptInput, ClientError> {
        self.post(&format!("/v1/receipts/{id}/input"), reader).await
    }

    /// Who made an answer.
    pub async fn attribution(&self, id: B256) -> Result<Attribution, ClientError> {
        self.get(&format!("/v1/attributions/{id}")).await
    }

    /// Who made an answer whose sketch is not everybody's to read.
    pub async fn attribution_for(&self, id: B256, reader: &Reader) -> Result<Attribution, ClientError> {
        self.post(&format!("/v1/attributions/{id}"), reader).await
    }

    /// A model's closed epochs, oldest first.
    pub async fn epochs(&self, asset: AssetId) -> Result<Vec<EpochInfo>, ClientError> {
        self.get(&format!("/v1/models/{asset}/epochs")).await
    }

    /// Closes a model's open epoch: the operator's to do, with the operator's token.
    pub async fn close_epoch(&self, asset: AssetId, token: &str) -> Result<EpochInfo, ClientError> {
        self.work(&format!("/v1/models/{asset}/epochs"), token).await
    }

    /// What an account is paid by the host's models.
    pub async fn account(&self, account: Address) -> Result<AccountPage, ClientError> {
        self.get(&format!("/v1/accounts/{account}")).await
    }

    /// What attestors have said of a closed epoch.
    pub async fn quorum(&self, asset: AssetId, index: u64) -> Result<Quorum, ClientError> {
        self.get(&format!("/v1/models/{asset}/epochs/{index}/attestations")).await
    }

    /// Tells what an attestor found.
    pub async fn tell(&self, asset: AssetId, index: u64, finding: &Finding) -> Result<Quorum, ClientError> {
        self.post(&format!("/v1/models/{asset}/epochs/{index}/attestations"), finding).await
    }

    /// Copies a model's records into a folder on the host's machine: the operator's to do, with the operator's token.
    pub async fn backup(&self, asset: AssetId, token: &str) -> Result<BackupInfo, ClientError> {
        self.work(&format!("/v1/models/{asset}/backups"), token).await
    }

    /// What the host submits to the chain: the operator's to see, with the operator's token.
    pub async fn submissions(&self, token: &str) -> Result<Submissions, ClientError> {
        read(self.http.get(format!("{}/v1/submissions", self.base)).bearer_auth(token).send().await?).await
    }

    /// Decides about something that is submitted: `retry` or `give-up`.
    pub async fn decide(&self, key: B256, what: &str, token: &str) -> Result<Submissions, ClientError> {
        let url = format!("{}/v1/submissions/{key}/{what}", self.base);
        read(self.http.post(url).bearer_auth(token).send().await?).await
    }

    /// Says that the operator knows why somebody else used the key that posts.
    pub async fn acknowledge(&self, token: &str) -> Result<Submissions, ClientError> {
        let url = format!("{}/v1/submissions/acknowledge", self.base);
        read(self.http.post(url).bearer_auth(token).send().await?).await
    }

    /// A model's receipts as a table, `csv` or `parquet`, of a closed epoch or of the open one: the operator's.
    pub async fn export(
        &self,
        asset: AssetId,
        epoch: Option<u64>,
        format: &str,
        token: &str,
    ) -> Result<Vec<u8>, ClientError> {
        let epoch = epoch.map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
        let url = format!("{}/v1/models/{asset}/receipts?format={format}{epoch}", self.base);
        let answer = http_within(WORK, WORK).get(url).bearer_auth(token).send().await?;
        if answer.status().is_success() { Ok(answer.bytes().await?.into()) } else { Err(refusal(answer).await) }
    }

    /// What `account` needs to claim against the root of a model's epoch `index`.
    pub async fn proof(&self, asset: AssetId, index: u64, account: Address) -> Result<ClaimProof, ClientError> {
        self.get(&format!("/v1/models/{asset}/epochs/{index}/proofs/{account}")).await
    }

    /// Where a batch is published.
    pub fn batch_url(&self, data_hash: B256) -> String {
        batch_url(&self.base, data_hash)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        read(self.http.get(format!("{}{path}", self.base)).send().await?).await
    }

    async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        read(self.http.post(format!("{}{path}", self.base)).json(body).send().await?).await
    }

    /// What the host answers when it is done.
    async fn work<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, ClientError> {
        read(http_within(WORK, WORK).post(format!("{}{path}", self.base)).bearer_auth(token).send().await?).await
    }
}

/// A signed-in session.
#[derive(Clone, Debug)]
pub struct Session {
    client: Client,
    holder: Address,
    license_id: U256,
    key: PrivateKeySigner,
}

impl Session {
    /// The wallet that signed in.
    pub fn holder(&self) -> Address {
        self.holder
    }

    /// The key that signs every request.
    pub fn key(&self) -> Address {
        self.key.address()
    }

    /// The same session at a host that was asked anew who it is and what it serves.
    pub fn at(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    /// A signed request for `features`, one record or several; sending it twice is answered, and counted, once.
    ///
    /// `id` and `salt` must be fresh random values, `issued_at` the chain's time in seconds.
    pub fn request(
        &self,
        asset: AssetId,
        features: Vec<f32>,
        id: B256,
        salt: B256,
        issued_at: u64,
    ) -> Result<Infer, ClientError> {
        let model = self.client.model(asset)?;
        let (got, width) = (features.len(), model.input_width);
        let records = (got as u64)
            .checked_div(u64::from(width))
            .filter(|records| *records > 0 && records.checked_mul(u64::from(width)) == Some(got as u64));
        let units = records.ok_or(ClientError::WrongWidth { got, width })?;
        let request = InferenceRequest {
            id,
            assetId: asset.0,
            version: model.version,
            licenseId: self.license_id,
            inputCommitment: input_commitment(salt, &tensor_bytes(&features)),
            units,
            issuedAt: issued_at,
        };
        let signature = typed_data::sign(&request, &self.client.domain(), &self.key)?.into();
        Ok(Infer { request, signature, salt, features })
    }

    /// Sends a signed request and checks the answer's receipt.
    pub async fn infer(&self, infer: &Infer) -> Result<Inferred, ClientError> {
        let asset = AssetId(infer.request.assetId);
        let answer: Inferred = self.client.post(&format!("/v1/models/{asset}/infer"), infer).await?;
        self.check(infer, &answer)?;
        Ok(answer)
    }

    /// Checks that an answer's receipt is the host's, for this very request and these very outputs.
    pub fn check(&self, infer: &Infer, answer: &Inferred) -> Result<(), ClientError> {
        let Inferred { receipt, logits, host_signature, .. } = answer;
        let domain = self.client.domain();
        let model = self.client.model(AssetId(infer.request.assetId))?;
        let expected = [
            ("id", receipt.id == infer.request.id),
            ("model", receipt.assetId == infer.request.assetId && receipt.version == infer.request.version),
            ("weights hash", receipt.weightsHash == model.weights_hash),
            ("license", receipt.licenseId == infer.request.licenseId),
            ("request hash", receipt.requestHash == infer.request.eip712_signing_hash(&domain)),
            ("request signature", receipt.requestSignatureHash == keccak256(&infer.signature)),
            ("input commitment", receipt.inputCommitment == infer.request.inputCommitment && answer.salt == infer.salt),
            ("output hash", receipt.outputHash == keccak256(tensor_bytes(logits))),
            ("units", receipt.units == infer.request.units),
            ("payer", receipt.payer == self.holder),
            ("payment", receipt.paymentId == B256::ZERO && receipt.token == Address::ZERO && receipt.amount == 0),
        ];
        if let Some((field, _)) = expected.into_iter().find(|(_, fits)| !fits) {
            return Err(ClientError::ReceiptMismatch(field));
        }
        Ok(typed_data::verify(receipt, &domain, host_signature, self.client.info.host)?)
    }
}

/// For a connection: who is there takes it in milliseconds.
const CONNECTING: Duration = Duration::from_secs(10);
/// For the next bytes of an answer. Longer than a host lets a question take (30 seconds, if its operator says nothing), and
/// counted anew with whatever comes, so that a large batch may come over a slow line.
const SILENCE: Duration = Duration::from_secs(2 * 60);
/// For an answer in all: who sends a byte a minute is never silent, and would hold a watcher until the root's window has
/// passed.
const ANSWER: Duration = Duration::from_secs(15 * 60);
/// For the operator's calls, which are answered when the work is done: an epoch recomputed, a ledger copied.
const WORK: Duration = Duration::from_secs(60 * 60);

/// An HTTP client with this build's TLS (rustls on ring), unless the process has chosen another, that gives up on who does
/// not answer.
///
/// reqwest is built without a default of its own, and would panic at its first client.
pub fn http() -> reqwest::Client {
    http_within(SILENCE, ANSWER)
}

/// As [`http`], for answers that may be so long in coming: until the next bytes of them, and in all.
pub fn http_within(silence: Duration, answer: Duration) -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only where another thread has just installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = reqwest::Client::builder().connect_timeout(CONNECTING).read_timeout(silence).timeout(answer);
    // What fails here is TLS itself, with which no other client can be made either.
    builder.build().unwrap_or_default()
}

/// Host and port of a URL as requests name them (`Host`): in lower case, without the port that follows from the scheme.
pub fn authority(url: &str) -> String {
    let Ok(parsed) = reqwest::Url::parse(url) else { return String::new() };
    let host = parsed.host_str().unwrap_or_default();
    parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where the host at `url` publishes a batch; no host is asked.
pub fn batch_url(url: &str, data_hash: B256) -> String {
    format!("{}/v1/batches/{data_hash}", url.trim_end_matches('/'))
}

/// Bytes published at `url`, for example a batch.
pub async fn fetch(url: &str) -> Result<Bytes, ClientError> {
    let answer = http().get(url).send().await?;
    if answer.status().is_success() { Ok(answer.bytes().await?.into()) } else { Err(refusal(answer).await) }
}

/// The sketches that the batch published at `batch_url` leaves out, each compared with its receipt's hash.
pub async fn sketches(batch_url: &str, batch: Batch, reader: &Reader) -> Result<Vec<Sketch>, ClientError> {
    let given: Sketches = read(http().post(format!("{batch_url}/sketches")).json(reader).send().await?).await?;
    let batch = batch.with_sketches(given.sketches)?;
    Ok(batch.receipts.into_iter().filter_map(|row| row.sketch).collect())
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> Result<T, ClientError> {
    if answer.status().is_success() { Ok(answer.json().await?) } else { Err(refusal(answer).await) }
}

/// An answer that is no refusal.
async fn checked(answer: reqwest::Response) -> Result<reqwest::Response, ClientError> {
    if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
}

async fn refusal(answer: reqwest::Response) -> ClientError {
    let status = answer.status();
    let fallback = || ErrorBody { code: "unknown".into(), message: status.to_string() };
    let ErrorBody { code, message } = answer.json().await.unwrap_or_else(|_| fallback());
    ClientError::Refused { status: status.as_u16(), code, message }
}
