//! The routes of the Open Inference Protocol.

use std::time::Instant;

use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tributary_factory::model::LOGITS;
use tributary_sdk::{AssetId, api::ErrorBody};
use utoipa::ToSchema;

use super::{
    State,
    read::{Parsed, Received, bearer, bytes, idempotency, path, text, timeout},
    timing,
};
use crate::{
    host::{Asked, Question, Refusal, Reply, deadline},
    protocol::{
        self, InferRequest, InferResponse, JSON_LENGTH, ModelMetadata, Parameters, ProtocolError, SIGNED_REQUEST,
        ServerMetadata, Signature, TensorMetadata,
    },
    secret::Secret,
};

/// A model of the repository.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RepositoryEntry {
    /// The model's asset id.
    name: String,
    /// The release that is served; empty if none is.
    version: String,
    /// `READY` or `UNAVAILABLE`.
    state: &'static str,
}

/// What the server is.
#[utoipa::path(get, path = "/v2", tag = "inference protocol", responses((status = 200, body = ServerMetadata)))]
pub(super) async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: "tributary".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        extensions: ["binary_tensor_data", "model_repository"].map(String::from).to_vec(),
    })
}

/// A model's inputs and outputs.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "inference protocol", params(("model" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = ModelMetadata), (status = "default", body = ErrorBody)))]
pub(super) async fn model(
    Shared(state): Shared<State>,
    model: Parsed<AssetId>,
) -> Result<Json<ModelMetadata>, Refusal> {
    metadata(&state, path(model)?, None)
}

/// The inputs and outputs of one version of a model.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}", tag = "inference protocol",
    params(("model" = String, Path, description = "Asset id of the model"), ("version" = u32, Path, description = "Its release")),
    responses((status = 200, body = ModelMetadata), (status = "default", body = ErrorBody)))]
pub(super) async fn version(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u32)>,
) -> Result<Json<ModelMetadata>, Refusal> {
    let (model, version) = path(place)?;
    metadata(&state, model, Some(version))
}

/// Whether a model answers.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "inference protocol", params(("model" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = ModelMetadata), (status = "default", body = ErrorBody)))]
pub(super) async fn model_ready(
    Shared(state): Shared<State>,
    model: Parsed<AssetId>,
) -> Result<Json<ModelMetadata>, Refusal> {
    metadata(&state, path(model)?, None)
}

/// Whether one version of a model answers.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}/ready", tag = "inference protocol",
    params(("model" = String, Path, description = "Asset id of the model"), ("version" = u32, Path, description = "Its release")),
    responses((status = 200, body = ModelMetadata), (status = "default", body = ErrorBody)))]
pub(super) async fn version_ready(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u32)>,
) -> Result<Json<ModelMetadata>, Refusal> {
    let (model, version) = path(place)?;
    metadata(&state, model, Some(version))
}

/// Asks a model. Who asks is said by a signed request in the header `tributary-request`, or by a bearer key.
#[utoipa::path(post, path = "/v2/models/{model}/infer", tag = "inference protocol", request_body = InferRequest,
    security(("bearer key" = []), ("signed request" = [])),
    params(("model" = String, Path, description = "Asset id of the model"),
        ("inference-header-content-length" = Option<u64>, Header, description = "How many bytes of the body are JSON, if tensors follow it"),
        ("x-request-timeout-ms" = Option<u64>, Header, description = "How long the client waits; it wins over the parameter `timeout`"),
        ("idempotency-key" = Option<String>, Header, description = "Under a bearer key: the same name with the same input is answered once")),
    responses((status = 200, body = InferResponse), (status = "default", body = ErrorBody)))]
pub(super) async fn infer(
    Shared(state): Shared<State>,
    model: Parsed<AssetId>,
    headers: HeaderMap,
    received: Received,
) -> Result<Response, Refusal> {
    ask(&state, path(model)?, None, &headers, received).await
}

/// Asks one version of a model.
#[utoipa::path(post, path = "/v2/models/{model}/versions/{version}/infer", tag = "inference protocol", request_body = InferRequest,
    security(("bearer key" = []), ("signed request" = [])),
    params(("model" = String, Path, description = "Asset id of the model"), ("version" = u32, Path, description = "Its release"),
        ("inference-header-content-length" = Option<u64>, Header, description = "How many bytes of the body are JSON, if tensors follow it"),
        ("x-request-timeout-ms" = Option<u64>, Header, description = "How long the client waits; it wins over the parameter `timeout`"),
        ("idempotency-key" = Option<String>, Header, description = "Under a bearer key: the same name with the same input is answered once")),
    responses((status = 200, body = InferResponse), (status = "default", body = ErrorBody)))]
pub(super) async fn infer_version(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u32)>,
    headers: HeaderMap,
    received: Received,
) -> Result<Response, Refusal> {
    let (model, version) = path(place)?;
    ask(&state, model, Some(version), &headers, received).await
}

/// Every model that this host knows.
#[utoipa::path(post, path = "/v2/repository/index", tag = "inference protocol", responses((status = 200, body = Vec<RepositoryEntry>)))]
pub(super) async fn index(Shared(state): Shared<State>) -> Json<Vec<RepositoryEntry>> {
    let entry = |(asset, service): (AssetId, Option<std::sync::Arc<crate::host::Service>>)| RepositoryEntry {
        name: asset.to_string(),
        version: service.as_ref().map(|service| service.served().version().version.to_string()).unwrap_or_default(),
        state: if service.is_some() { "READY" } else { "UNAVAILABLE" },
    };
    Json(state.host.shelves().into_iter().map(entry).collect())
}

/// Serves a model, or its newest release if it is served already.
#[utoipa::path(post, path = "/v2/repository/models/{model}/load", tag = "inference protocol", security(("operator token" = [])),
    params(("model" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = ModelMetadata), (status = "default", body = ErrorBody)))]
pub(super) async fn load(
    Shared(state): Shared<State>,
    model: Parsed<AssetId>,
    headers: HeaderMap,
) -> Result<Json<ModelMetadata>, Refusal> {
    state.check_operator(&headers)?;
    let asset = path(model)?;
    state.host.load(asset).await?;
    metadata(&state, asset, None)
}

/// Serves a model no longer; what is being asked of it is answered first.
#[utoipa::path(post, path = "/v2/repository/models/{model}/unload", tag = "inference protocol", security(("operator token" = [])),
    params(("model" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = RepositoryEntry), (status = "default", body = ErrorBody)))]
pub(super) async fn unload(
    Shared(state): Shared<State>,
    model: Parsed<AssetId>,
    headers: HeaderMap,
) -> Result<Json<RepositoryEntry>, Refusal> {
    state.check_operator(&headers)?;
    let asset = path(model)?;
    state.host.unload(asset).await?;
    Ok(Json(RepositoryEntry { name: asset.to_string(), version: String::new(), state: "UNAVAILABLE" }))
}

fn metadata(state: &State, asset: AssetId, version: Option<u32>) -> Result<Json<ModelMetadata>, Refusal> {
    let service = state.host.service(asset)?;
    let served = match version {
        Some(version) => service.served_as(version)?,
        None => service.served(),
    };
    let tensor = |info: &tributary_runtime::TensorInfo| TensorMetadata {
        name: info.name().to_owned(),
        datatype: "FP32".into(),
        shape: std::iter::once(-1).chain(info.shape().iter().map(|size| *size as i64)).collect(),
    };
    let info = service.info();
    let mut parameters = Parameters::default();
    parameters.set("weights_hash", info.weights_hash.to_string().into());
    parameters.set("asked_provider", info.asked_provider.into());
    parameters.set("execution_provider", info.execution_provider.into());
    parameters.set("max_records", info.max_records.into());
    Ok(Json(ModelMetadata {
        name: asset.to_string(),
        versions: vec![served.version().version.to_string()],
        platform: "onnxruntime_onnx".into(),
        inputs: vec![tensor(served.model().input())],
        outputs: served.model().output(LOGITS).into_iter().map(tensor).collect(),
        parameters,
    }))
}

async fn ask(
    state: &State,
    asset: AssetId,
    version: Option<u32>,
    headers: &HeaderMap,
    received: Received,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let service = state.host.service(asset)?;
    let served = match version {
        Some(version) => service.served_as(version)?,
        None => service.served(),
    };
    let body = bytes(received)?;
    let json_length = text(headers, &HeaderName::from_static(JSON_LENGTH))?;
    let input = served.model().input();
    let mut asked = protocol::read(&body, json_length, input.name(), input.shape())?;
    drop((service, served));
    let waits = timeout(headers)?.or(asked.timeout);
    let question = Question {
        features: std::mem::take(&mut asked.features),
        asked: who(headers, version)?,
        deadline: deadline(waits, state.host.request_timeout()),
    };
    let Reply { answer, timing } = state.host.infer(asset, question).await?;
    let mut parameters = Parameters::default();
    let receipt = serde_json::to_string(&answer.receipt).map_err(|error| ProtocolError::Json(error.to_string()))?;
    parameters.set("receipt", receipt.into());
    parameters.set("host_signature", answer.host_signature.to_string().into());
    parameters.set("salt", answer.salt.to_string().into());
    let records = answer.predicted.len() as u64;
    let width = (answer.logits.len() as u64).checked_div(records).unwrap_or_default();
    let response = InferResponse {
        model_name: asset.to_string(),
        model_version: answer.receipt.version.to_string(),
        id: asked.id.clone(),
        parameters,
        outputs: Vec::new(),
    };
    let body = protocol::write(&asked, response, LOGITS, vec![records, width], &answer.logits)?;
    let mut response = (timing::headers(arrived, timing), body.bytes).into_response();
    let kind = if body.json_length.is_some() { "application/octet-stream" } else { "application/json" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(length) = body.json_length {
        response.headers_mut().insert(HeaderName::from_static(JSON_LENGTH), HeaderValue::from(length));
    }
    Ok(response)
}

/// Who asks, as the headers say.
fn who(headers: &HeaderMap, version: Option<u32>) -> Result<Asked, Refusal> {
    if let Some(signed) = text(headers, &HeaderName::from_static(SIGNED_REQUEST))? {
        let Signature { request, signature, salt } = Signature::from_header(signed)?;
        return Ok(Asked::Signed { request, signature, salt });
    }
    let secret = Secret::new(bearer(headers).ok_or(Refusal::NoCredential)?);
    Ok(Asked::Bearer { secret, version, idempotency: idempotency(headers)? })
}
