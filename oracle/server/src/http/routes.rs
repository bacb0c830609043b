//! Routes: read the request, ask the host, write the answer. No rules here.

use alloy::primitives::{Address, B256};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, State as Shared,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use serde::de::DeserializeOwned;
use tower_http::trace::TraceLayer;
use tributary_sdk::{
    AssetId,
    api::{ClaimProof, EpochInfo, HostInfo, Inferred, SignedIn},
    batch::ReceiptRow,
};

use super::State;
use crate::host::Refusal;

/// A record is small; nothing else is sent here.
const MAX_BODY: usize = 1 << 20;

pub(super) fn router(state: State) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(|| async { "ready\n" }))
        .route("/v1/host", get(host))
        .route("/v1/sessions", post(sign_in))
        .route("/v1/models/{asset}/infer", post(infer))
        .route("/v1/receipts/{id}", get(receipt))
        .route("/v1/epochs", get(epochs).post(close_epoch))
        .route("/v1/epochs/{index}/proofs/{account}", get(proof))
        .route("/v1/batches/{hash}", get(batch))
        .fallback(|| async { Refusal::UnknownRoute })
        .method_not_allowed_fallback(|| async { Refusal::WrongMethod })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

type Parsed<T> = Result<Path<T>, PathRejection>;

fn path<T>(parsed: Parsed<T>) -> Result<T, Refusal> {
    parsed.map(|Path(value)| value).map_err(|error| Refusal::BadPath(error.body_text()))
}

type Received = Result<Bytes, BytesRejection>;

fn body<T: DeserializeOwned>(received: Received) -> Result<T, Refusal> {
    let bytes = received.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::BodyTooLarge(MAX_BODY),
        _ => Refusal::BadBody(error.body_text()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::BadBody(error.to_string()))
}

async fn host(Shared(state): Shared<State>) -> Json<HostInfo> {
    Json(state.host.info())
}

async fn sign_in(Shared(state): Shared<State>, received: Received) -> Result<Json<SignedIn>, Refusal> {
    Ok(Json(state.host.sign_in(body(received)?).await?))
}

async fn infer(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
    received: Received,
) -> Result<Json<Inferred>, Refusal> {
    Ok(Json(state.host.infer(path(asset)?, body(received)?).await?))
}

async fn receipt(Shared(state): Shared<State>, id: Parsed<B256>) -> Result<Json<ReceiptRow>, Refusal> {
    Ok(Json(state.host.receipt(path(id)?)?))
}

async fn epochs(Shared(state): Shared<State>) -> Result<Json<Vec<EpochInfo>>, Refusal> {
    Ok(Json(state.host.epochs()?))
}

async fn close_epoch(Shared(state): Shared<State>, headers: HeaderMap) -> Result<Json<EpochInfo>, Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    match (&state.admin_token, given) {
        (Some(token), Some(given)) if token.matches(given) => Ok(Json(state.host.close_epoch().await?)),
        _ => Err(Refusal::NotOperator),
    }
}

async fn proof(Shared(state): Shared<State>, place: Parsed<(u64, Address)>) -> Result<Json<ClaimProof>, Refusal> {
    let (index, account) = path(place)?;
    Ok(Json(state.host.proof(index, account)?))
}

async fn batch(Shared(state): Shared<State>, hash: Parsed<B256>) -> Result<impl IntoResponse, Refusal> {
    let bytes = state.host.batches().bytes(path(hash)?)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes))
}
