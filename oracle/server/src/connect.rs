//! A local proxy for clients that cannot sign: it speaks the Open Inference Protocol on both sides, signs every request
//! with a session key, and checks every receipt before it hands the answer on.

mod forward;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{B256, Bytes, U256, keccak256},
    signers::local::PrivateKeySigner,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::Mutex;
use tributary_chain::{Chain, ChainError};
use tributary_sdk::{
    AssetId,
    api::{ErrorBody, Infer, Inferred},
    client::{Client, ClientError, Session},
};

use crate::{
    host::Refusal,
    protocol::{self, ModelMetadata, ProtocolError, Signature},
    steps::{StepError, ask},
};

/// A signed-in session that renews itself.
#[derive(Debug)]
pub struct Proxy {
    chain: Chain,
    http: reqwest::Client,
    url: String,
    holder: PrivateKeySigner,
    license: U256,
    lasts: Duration,
    /// Locked for a moment, never while somebody is asked.
    state: Mutex<State>,
    /// Held by the one question that signs in again, or asks what the host serves now.
    renewing: Mutex<()>,
}

#[derive(Debug)]
struct State {
    client: Client,
    session: Session,
    expires_at: u64,
    models: HashMap<AssetId, ModelMetadata>,
    /// Requests by model and the name that the client gave them, so that the same name sends the same request.
    named: HashMap<(AssetId, String), Named>,
}

#[derive(Clone, Debug)]
struct Named {
    body: B256,
    infer: Infer,
    since: Instant,
}

/// What is to be asked of the host before a question can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The session is over.
    SignIn,
    /// The session will be over soon, and is good meanwhile.
    EarlySignIn,
    /// Whether the host serves the model by now.
    Model,
}

impl State {
    /// The request that this name stands for, if it was used before.
    fn known(&self, key: Option<&(AssetId, String)>, body: B256) -> Result<Option<(Session, Infer)>, ConnectError> {
        match key.and_then(|key| Some((key, self.named.get(key)?))) {
            None => Ok(None),
            Some((_, known)) if known.body == body => Ok(Some((self.session.clone(), known.infer.clone()))),
            Some(((_, name), _)) => Err(ConnectError::NameReused(name.clone())),
        }
    }

    fn due(&self, model: AssetId, now: u64, lasts: Duration) -> Option<Due> {
        if now >= self.expires_at {
            return Some(Due::SignIn);
        }
        if self.client.model(model).is_err() {
            return Some(Due::Model);
        }
        // A tenth of its life before it ends.
        (now.saturating_add(lasts.as_secs() / 10) >= self.expires_at).then_some(Due::EarlySignIn)
    }
}

/// Most names that are remembered, and for how long.
const NAMES: usize = 10_000;
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// A request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The client's message.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The host, or its receipt.
    #[error(transparent)]
    Host(#[from] ClientError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Signing in again.
    #[error(transparent)]
    SignIn(#[from] Box<StepError>),
    /// The same name for another question.
    #[error("the idempotency key `{0}` was used for another body: choose a new one for a new question")]
    NameReused(String),
    /// More names than are remembered.
    #[error("{NAMES} idempotency keys were used within the hour: wait, or send requests without one")]
    TooManyNames,
    /// The body is too large, did not come in time, or broke off.
    #[error(transparent)]
    Body(#[from] Refusal),
    /// The path does not name a model.
    #[error("the path does not name a model by its asset id")]
    Path,
}

/// An answer of the host as it came, and whether its receipt was checked.
#[derive(Debug)]
pub(crate) struct Forwarded {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Proxy {
    /// Signs in to a host, which must be the one that the chain names for the license's model.
    pub async fn open(
        chain: &Chain,
        url: &str,
        holder: PrivateKeySigner,
        license: U256,
        lasts: Duration,
    ) -> Result<Self, StepError> {
        let client = ask::connect(chain, url).await?;
        let (session, expires_at) = sign_in(chain, &client, &holder, license, lasts).await?;
        let state = State { client, session, expires_at, models: HashMap::new(), named: HashMap::new() };
        Ok(Self {
            chain: chain.clone(),
            http: tributary_sdk::client::http(),
            url: url.trim_end_matches('/').to_owned(),
            holder,
            license,
            lasts,
            state: Mutex::new(state),
            renewing: Mutex::new(()),
        })
    }

    /// Signs the question in a body, asks it, and checks the answer's receipt.
    pub(crate) async fn ask(
        &self,
        path: &str,
        model: AssetId,
        headers: reqwest::header::HeaderMap,
        body: Bytes,
        name: Option<&str>,
    ) -> Result<Forwarded, ConnectError> {
        let asked = self.ask_once(path, model, headers.clone(), body.clone(), name).await;
        let Ok(Forwarded { status: 409, body: refused, .. }) = &asked else { return asked };
        let code = serde_json::from_slice(refused).map(|error: ErrorBody| error.code).unwrap_or_default();
        match code.as_str() {
            // Another release is served now, or an epoch ended since it was signed: it was not served, so that it can be
            // asked anew.
            "wrong_version" | "stale_request" => {
                self.look_again(model, name).await?;
                self.ask_once(path, model, headers, body, name).await
            }
            _ => asked,
        }
    }

    async fn ask_once(
        &self,
        path: &str,
        model: AssetId,
        headers: reqwest::header::HeaderMap,
        body: Bytes,
        name: Option<&str>,
    ) -> Result<Forwarded, ConnectError> {
        let metadata = self.metadata(model).await?;
        let input = metadata.inputs.first().ok_or_else(|| ProtocolError::NoOutput("input".into()))?;
        let record: Vec<usize> = input.shape.iter().skip(1).filter_map(|size| usize::try_from(*size).ok()).collect();
        let length = headers.get(protocol::JSON_LENGTH).and_then(|value| value.to_str().ok());
        let asked = protocol::read(&body, length, &input.name, &record)?;
        let (session, infer) = self.signed(model, asked.features, keccak256(&body), name).await?;
        let Infer { request, signature, salt, .. } = infer.clone();
        let signed = Signature { request, signature, salt }.to_header()?;
        let send = || {
            let request = self.http.post(format!("{}{path}", self.url)).headers(headers.clone());
            request.header(protocol::SIGNED_REQUEST, &signed).body(body.0.clone()).send()
        };
        // Asking again with the same signed request is answered, and counted, once.
        let answer = match send().await {
            Err(error) if !error.is_timeout() && (error.is_connect() || error.is_request()) => send().await,
            other => other,
        };
        let forwarded = read(answer.map_err(ClientError::from)?).await?;
        if forwarded.status == 200 {
            check(&session, &infer, &metadata, &forwarded)?;
        }
        Ok(forwarded)
    }

    /// Hands a request on as it is.
    pub(crate) async fn pass(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: reqwest::header::HeaderMap,
        body: Bytes,
    ) -> Result<Forwarded, ConnectError> {
        let request = self.http.request(method, format!("{}{path}", self.url)).headers(headers).body(body.0);
        read(request.send().await.map_err(ClientError::from)?).await
    }

    /// Forgets what the host was and served.
    async fn look_again(&self, model: AssetId, name: Option<&str>) -> Result<(), ConnectError> {
        let client = Client::connect(&self.url).await?;
        let mut state = self.state.lock().await;
        state.session = state.session.at(client.clone());
        state.client = client;
        state.models.clear();
        if let Some(name) = name {
            state.named.remove(&(model, name.to_owned()));
        }
        Ok(())
    }

    async fn metadata(&self, model: AssetId) -> Result<ModelMetadata, ConnectError> {
        if let Some(known) = self.state.lock().await.models.get(&model) {
            return Ok(known.clone());
        }
        let path = format!("/v2/models/{model}");
        let answer = self.pass(reqwest::Method::GET, &path, Default::default(), Bytes::new()).await?;
        if answer.status != 200 {
            let error: ErrorBody =
                serde_json::from_slice(&answer.body).map_err(|error| ProtocolError::Json(error.to_string()))?;
            let (status, code, message) = (answer.status, error.code, error.message);
            return Err(ClientError::Refused { status, code, message }.into());
        }
        let found: ModelMetadata =
            serde_json::from_slice(&answer.body).map_err(|error| ProtocolError::Json(error.to_string()))?;
        self.state.lock().await.models.insert(model, found.clone());
        Ok(found)
    }

    /// The signed request of a question; the same one for the same name.
    async fn signed(
        &self,
        model: AssetId,
        features: Vec<f32>,
        body: B256,
        name: Option<&str>,
    ) -> Result<(Session, Infer), ConnectError> {
        let key = name.map(|name| (model, name.to_owned()));
        if let Some(known) = self.state.lock().await.known(key.as_ref(), body)? {
            return Ok(known);
        }
        let now = self.chain.head().await?.timestamp;
        self.renew(model, now).await?;
        let mut state = self.state.lock().await;
        // The same name may have been sent meanwhile.
        if let Some(known) = state.known(key.as_ref(), body)? {
            return Ok(known);
        }
        let mut rng = StdRng::from_os_rng();
        let mut word = || B256::from(rng.random::<[u8; 32]>());
        let infer = state.session.request(model, features, word(), word(), now)?;
        if let Some(key) = key {
            if state.named.len() >= NAMES {
                state.named.retain(|_, named| named.since.elapsed() < REMEMBERED);
            }
            if state.named.len() >= NAMES {
                return Err(ConnectError::TooManyNames);
            }
            let named = Named { body, infer: infer.clone(), since: Instant::now() };
            state.named.insert(key, named);
        }
        Ok((state.session.clone(), infer))
    }

    /// Signs in again, or asks what the host serves now, if a question about `model` needs it. One question does that for
    /// all: a host that is slow to answer holds up those alone that cannot be signed before.
    async fn renew(&self, model: AssetId, now: u64) -> Result<(), ConnectError> {
        let _renewing = match (self.due(model, now).await, self.renewing.try_lock()) {
            (None, _) | (Some(Due::EarlySignIn), Err(_)) => return Ok(()),
            (Some(_), Ok(renewing)) => renewing,
            (Some(_), Err(_)) => self.renewing.lock().await,
        };
        // Another question may have done it meanwhile.
        match self.due(model, now).await {
            None => Ok(()),
            Some(Due::Model) => {
                let client = Client::connect(&self.url).await?;
                let mut state = self.state.lock().await;
                state.session = state.session.at(client.clone());
                state.client = client;
                Ok(())
            }
            Some(Due::SignIn) => self.sign_in_again().await,
            Some(Due::EarlySignIn) => {
                if let Err(error) = self.sign_in_again().await {
                    tracing::warn!(%error, "could not sign in again yet; the session is still good");
                }
                Ok(())
            }
        }
    }

    async fn due(&self, model: AssetId, now: u64) -> Option<Due> {
        self.state.lock().await.due(model, now, self.lasts)
    }

    async fn sign_in_again(&self) -> Result<(), ConnectError> {
        let client = Client::connect(&self.url).await?;
        let signed_in = sign_in(&self.chain, &client, &self.holder, self.license, self.lasts).await;
        let (session, expires_at) = signed_in.map_err(Box::new)?;
        let mut state = self.state.lock().await;
        (state.client, state.session, state.expires_at) = (client, session, expires_at);
        Ok(())
    }
}

async fn sign_in(
    chain: &Chain,
    client: &Client,
    holder: &PrivateKeySigner,
    license: U256,
    lasts: Duration,
) -> Result<(Session, u64), StepError> {
    let expires_at = chain.head().await?.timestamp.saturating_add(lasts.as_secs());
    let session = client.sign_in(holder, license, PrivateKeySigner::random(), expires_at).await?;
    Ok((session, expires_at))
}

async fn read(answer: reqwest::Response) -> Result<Forwarded, ConnectError> {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Ok(Forwarded { status, headers, body: answer.bytes().await.map_err(ClientError::from)?.into() })
}

/// The receipt must be the host's, for this request and these very outputs.
fn check(session: &Session, infer: &Infer, metadata: &ModelMetadata, got: &Forwarded) -> Result<(), ConnectError> {
    let length = got.headers.get(protocol::JSON_LENGTH).and_then(|value| value.to_str().ok());
    let name = metadata.outputs.first().map(|output| output.name.clone()).unwrap_or_default();
    let (response, logits) = protocol::read_answer(&got.body, length, &name)?;
    let said = |name: &str| {
        let text = response.parameters.text(name);
        text.ok_or_else(|| ProtocolError::NoOutput(format!("parameter {name}")))
    };
    let unreadable = |name: &str| ProtocolError::NoOutput(format!("readable {name}"));
    let answer = Inferred {
        logits,
        predicted: Vec::new(),
        receipt: serde_json::from_str(said("receipt")?).map_err(|_| unreadable("receipt"))?,
        host_signature: said("host_signature")?.parse().map_err(|_| unreadable("host_signature"))?,
        salt: said("salt")?.parse().map_err(|_| unreadable("salt"))?,
        contributors: Vec::new(),
    };
    Ok(session.check(infer, &answer)?)
}
