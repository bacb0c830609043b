//! Ask a model: sign in once with the license's wallet, then let a session key sign every request.
//!
//! Every answer is checked before it is returned: the receipt must be the host's, for this request, this input and
//! these very outputs. That the host is the model's host, on the chain it says, is for the caller to compare with the
//! chain ([`Client::host`]); the `tributary` program does.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::local::PrivateKeySigner,
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{ClaimProof, EpochInfo, ErrorBody, HostInfo, Infer, Inferred, ModelInfo, SignIn, SignedIn, tensor_bytes},
    identity::AssetId,
    records::input_commitment,
    typed_data::{self, InferenceRequest, SessionAuthorization, SignatureError},
};

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
    /// The host's receipt is for something else.
    #[error("the receipt does not fit the request: its {0} differs; keep it as evidence against the host")]
    ReceiptMismatch(&'static str),
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

    /// Signs in with the license holder's key; `session_key` then signs every request until `expires_at`.
    pub async fn sign_in(
        &self,
        holder: &PrivateKeySigner,
        license_id: U256,
        session_key: PrivateKeySigner,
        expires_at: u64,
    ) -> Result<Session, ClientError> {
        let authorization =
            SessionAuthorization { licenseId: license_id, sessionKey: session_key.address(), expiresAt: expires_at };
        let signature = typed_data::sign(&authorization, &self.domain(), holder)?.into();
        let signed: SignedIn = self.post("/v1/sessions", &SignIn { authorization, signature }).await?;
        Ok(Session { client: self.clone(), holder: signed.holder, license_id, key: session_key })
    }

    /// Closed epochs, oldest first.
    pub async fn epochs(&self) -> Result<Vec<EpochInfo>, ClientError> {
        self.get("/v1/epochs").await
    }

    /// Closes the open epoch: the operator's to do, with the operator's token.
    pub async fn close_epoch(&self, token: &str) -> Result<EpochInfo, ClientError> {
        read(self.http.post(format!("{}/v1/epochs", self.base)).bearer_auth(token).send().await?).await
    }

    /// What `account` needs to claim against the root of epoch `index`.
    pub async fn proof(&self, index: u64, account: Address) -> Result<ClaimProof, ClientError> {
        self.get(&format!("/v1/epochs/{index}/proofs/{account}")).await
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

    /// A signed request for one input; sending it twice is answered, and counted, once.
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
        let request = InferenceRequest {
            id,
            assetId: asset.0,
            version: self.client.model(asset)?.version,
            licenseId: self.license_id,
            inputCommitment: input_commitment(salt, &tensor_bytes(&features)),
            units: 1,
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

    fn check(&self, infer: &Infer, answer: &Inferred) -> Result<(), ClientError> {
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
            ("input commitment", receipt.inputCommitment == infer.request.inputCommitment),
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

/// An HTTP client with this build's TLS (rustls on ring), unless the process has chosen another.
///
/// reqwest is built without a default of its own, and would panic at its first client.
pub fn http() -> reqwest::Client {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails only where another thread has just installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    reqwest::Client::new()
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

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> Result<T, ClientError> {
    if answer.status().is_success() { Ok(answer.json().await?) } else { Err(refusal(answer).await) }
}

async fn refusal(answer: reqwest::Response) -> ClientError {
    let status = answer.status();
    let fallback = || ErrorBody { code: "unknown".into(), message: status.to_string() };
    let ErrorBody { code, message } = answer.json().await.unwrap_or_else(|_| fallback());
    ClientError::Refused { status: status.as_u16(), code, message }
}
