//! Reading a request: paths, bodies, headers, each with a clear refusal.

use std::time::Duration;

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Path, Request, rejection::PathRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout as timeout_after;

use super::State;
use crate::host::Refusal;

/// How long the client waits, in milliseconds.
pub(super) const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
/// The same name with the same input is answered once.
pub(super) const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");
/// Most bytes of an idempotency key.
const LONGEST_NAME: usize = 256;

pub(super) type Parsed<T> = Result<Path<T>, PathRejection>;

pub(super) fn path<T>(parsed: Parsed<T>) -> Result<T, Refusal> {
    parsed.map(|Path(value)| value).map_err(|error| Refusal::BadPath(error.body_text()))
}

/// A whole body that came in time and is not too large.
pub(super) struct Whole(Bytes);

pub(super) type Received = Result<Whole, Refusal>;

impl FromRequest<State> for Whole {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        whole(request, state.max_body, state.body_within).await.map(Self)
    }
}

/// A body of at most so many bytes, which is also the router's limit, if it comes in time.
pub(crate) async fn whole(request: Request, most: usize, within: Duration) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::BodyTooLarge(most);
    // Who says that it is too large need not send it.
    if request.body().size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    match timeout_after(within, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::BadBody(error.body_text())),
        Err(_) => Err(Refusal::SlowBody(within)),
    }
}

pub(super) fn bytes(received: Received) -> Result<Bytes, Refusal> {
    received.map(|Whole(bytes)| bytes)
}

pub(super) fn body<T: DeserializeOwned>(received: Received) -> Result<T, Refusal> {
    serde_json::from_slice(&bytes(received)?).map_err(|error| Refusal::BadBody(error.to_string()))
}

/// A header as text, if it is there.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refusal> {
    let unreadable = |_| Refusal::BadHeader(format!("`{name}` is not plain text"));
    headers.get(name).map(|value| value.to_str().map_err(unreadable)).transpose()
}

/// What stands behind `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// How long the client says it waits.
pub(super) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(text) = text(headers, &TIMEOUT)? else { return Ok(None) };
    let millis = text.trim().parse().map_err(|_| Refusal::BadHeader(format!("`{TIMEOUT}` is no whole number")))?;
    Ok(Some(Duration::from_millis(millis)))
}

/// What the client calls its question.
pub(super) fn idempotency(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    match text(headers, &IDEMPOTENCY)? {
        None => Ok(None),
        Some(name) if name.is_empty() || name.len() > LONGEST_NAME => {
            Err(Refusal::BadHeader(format!("`{IDEMPOTENCY}` has 1 to {LONGEST_NAME} characters")))
        }
        Some(name) => Ok(Some(name.to_owned())),
    }
}
