//! The operator's routes: records out, copies of them, figures for monitoring.

use axum::{
    Json,
    extract::{Query, State as Shared, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use serde::Deserialize;
use tributary_ledger::{Format, Selection};
use tributary_sdk::{
    AssetId,
    api::{BackupInfo, ErrorBody},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    State,
    read::{Parsed, path},
};
use crate::{host::Refusal, metrics};

/// Which receipts, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Export {
    /// A closed epoch; the open one if left out.
    epoch: Option<u64>,
    /// The format.
    #[serde(default)]
    format: Written,
}

/// How receipts are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Written {
    /// RFC 4180.
    #[default]
    Csv,
    /// Apache Parquet, where the host was built with it.
    Parquet,
}

/// Figures for monitoring, as OpenMetrics text; docs/reference.md says what each means.
#[utoipa::path(get, path = "/metrics", tag = "operator", security(("operator token" = [])),
    responses((status = 200, content_type = "application/openmetrics-text"), (status = "default", body = ErrorBody)))]
pub(super) async fn metrics(Shared(state): Shared<State>, headers: HeaderMap) -> Result<impl IntoResponse, Refusal> {
    state.check_operator(&headers)?;
    let submitter = state.clerk.as_ref().map(|clerk| clerk.submitter());
    let page = metrics::page(&state.host, submitter, &state.traffic).await;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], page.map_err(|_| Refusal::Lost)?))
}

/// A model's receipts as a table.
#[utoipa::path(get, path = "/v1/models/{asset}/receipts", tag = "operator", security(("operator token" = [])),
    params(("asset" = String, Path, description = "Asset id of the model"), Export),
    responses((status = 200, content_type = "text/csv"), (status = "default", body = ErrorBody)))]
pub(super) async fn export(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
    query: Result<Query<Export>, QueryRejection>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    state.check_operator(&headers)?;
    let Query(Export { epoch, format }) = query.map_err(|error| Refusal::BadPath(error.body_text()))?;
    let selection = epoch.map_or(Selection::Open, Selection::Epoch);
    let (format, kind) = match format {
        Written::Csv => (Format::Csv, "text/csv"),
        #[cfg(feature = "parquet")]
        Written::Parquet => (Format::Parquet, "application/vnd.apache.parquet"),
        #[cfg(not(feature = "parquet"))]
        Written::Parquet => return Err(Refusal::NotBuiltIn("parquet")),
    };
    let bytes = state.host.service(path(asset)?)?.export(selection, format).await?;
    Ok(([(header::CONTENT_TYPE, kind)], bytes))
}

/// Copies a model's ledger and batches while both are in use.
#[utoipa::path(post, path = "/v1/models/{asset}/backups", tag = "operator", security(("operator token" = [])),
    params(("asset" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = BackupInfo), (status = "default", body = ErrorBody)))]
pub(super) async fn backup(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
    headers: HeaderMap,
) -> Result<Json<BackupInfo>, Refusal> {
    state.check_operator(&headers)?;
    Ok(Json(state.host.service(path(asset)?)?.backup().await?))
}
