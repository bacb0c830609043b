//! The proxy's own HTTP: what comes in, and what goes back.

use std::{future::Future, sync::Arc, time::Duration};

use alloy::primitives::Bytes;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use tributary_sdk::{AssetId, api::ErrorBody, client::ClientError};

use super::{ConnectError, Forwarded, Proxy};
use crate::{
    http::{Listening, ServeError, read},
    protocol::JSON_LENGTH,
};

/// What of a client's request is the host's to know.
const TO_HOST: [&str; 3] = ["content-type", JSON_LENGTH, "x-request-timeout-ms"];
/// What of the host's answer is the client's to know.
const TO_CLIENT: [&str; 7] =
    ["content-type", JSON_LENGTH, "retry-after", "x-total-time", "x-queue-time", "x-inference-time", "x-batch-size"];

#[derive(Clone, Debug)]
struct Shared {
    proxy: Arc<Proxy>,
    max_body: usize,
    /// For a whole body to come.
    body_within: Duration,
}

impl Listening {
    /// Forwards until `stop` ends.
    pub async fn forward(
        self,
        proxy: Proxy,
        max_body: usize,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let shared = Shared { proxy: Arc::new(proxy), max_body, body_within: self.patience.body };
        let router = Router::new().fallback(forward).layer(DefaultBodyLimit::max(max_body)).with_state(shared);
        self.run(router, stop).await;
        Ok(())
    }
}

async fn forward(State(shared): State<Shared>, request: Request) -> Result<Response, ConnectError> {
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let body = read::whole(request, shared.max_body, shared.body_within).await?;
    let path = uri.path();
    let to_host = only(&headers, &TO_HOST);
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let forwarded = match segments.as_slice() {
        ["v2", "models", model, .., "infer"] if method == Method::POST => {
            let model: AssetId = model.parse().map_err(|_| ConnectError::Path)?;
            let name = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
            shared.proxy.ask(path, model, to_host, Bytes(body), name).await?
        }
        _ => shared.proxy.pass(method, path, to_host, Bytes(body)).await?,
    };
    let Forwarded { status, headers, body } = forwarded;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    Ok((status, only(&headers, &TO_CLIENT), body.0).into_response())
}

fn only(headers: &HeaderMap, names: &[&'static str]) -> HeaderMap {
    let named = |name: &&'static str| Some((HeaderName::from_static(name), headers.get(*name)?.clone()));
    names.iter().filter_map(named).collect::<HeaderMap<HeaderValue>>()
}

impl IntoResponse for ConnectError {
    fn into_response(self) -> Response {
        let message = self.to_string();
        let (status, code) = match self {
            // As the host says it.
            Self::Body(refusal) => return refusal.into_response(),
            Self::Protocol(error) if error.is_syntax() => (StatusCode::BAD_REQUEST, "bad_body"),
            Self::Protocol(_) => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_tensor"),
            Self::NameReused(_) => (StatusCode::CONFLICT, "request_id_reused"),
            Self::TooManyNames => (StatusCode::TOO_MANY_REQUESTS, "too_many_names"),
            Self::Path => (StatusCode::BAD_REQUEST, "bad_path"),
            Self::Host(ClientError::Refused { status, code, message }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                return (status, Json(ErrorBody { code, message })).into_response();
            }
            Self::Host(ClientError::ReceiptMismatch(_) | ClientError::Signature(_)) => {
                (StatusCode::BAD_GATEWAY, "bad_receipt")
            }
            Self::Host(ClientError::WrongWidth { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_input_width"),
            Self::Host(_) | Self::SignIn(_) => (StatusCode::BAD_GATEWAY, "host_failed"),
            Self::Chain(_) => (StatusCode::BAD_GATEWAY, "chain_failed"),
        };
        (status, Json(ErrorBody { code: code.into(), message })).into_response()
    }
}
