//! Whether the process lives, and whether it serves.

use axum::{Json, extract::State as Shared};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::host::Refusal;

/// Whether the process lives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Live {
    live: bool,
}

/// Whether it serves.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    ready: bool,
}

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Live)))]
pub(super) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Models are warm and questions are taken.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Ready), (status = 503, body = super::ErrorBody)))]
pub(super) async fn ready(Shared(state): Shared<State>) -> Result<Json<Ready>, Refusal> {
    state.host.check_ready()?;
    Ok(Json(Ready { ready: true }))
}

/// The process runs (Open Inference Protocol).
#[utoipa::path(get, path = "/v2/health/live", tag = "inference protocol", responses((status = 200, body = Live)))]
pub(super) async fn v2_live() -> Json<Live> {
    Json(Live { live: true })
}

/// Models are warm and questions are taken (Open Inference Protocol).
#[utoipa::path(get, path = "/v2/health/ready", tag = "inference protocol", responses((status = 200, body = Ready), (status = 503, body = super::ErrorBody)))]
pub(super) async fn v2_ready(state: Shared<State>) -> Result<Json<Ready>, Refusal> {
    ready(state).await
}
