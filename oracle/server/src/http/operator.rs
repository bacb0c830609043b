//! The operator's routes: records out, copies of them, figures for monitoring, decisions about what is submitted.

use axum::{
    Json,
    extract::{Query, State as Shared, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use serde::Deserialize;
use tributary_ledger::{Format, Selection};
use tributary_sdk::{
    AssetId, B256,
    api::{BackupInfo, ErrorBody, Submission, Submissions},
};
use tributary_submission::{Record, State as Stage, SubmissionError, Submitter};
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

/// What the host submits to the chain, and the alarms that are on.
#[utoipa::path(get, path = "/v1/submissions", tag = "operator", security(("operator token" = [])),
    responses((status = 200, body = Submissions), (status = "default", body = ErrorBody)))]
pub(super) async fn submissions(
    Shared(state): Shared<State>,
    headers: HeaderMap,
) -> Result<Json<Submissions>, Refusal> {
    Ok(Json(seen(submitter(&state, &headers)?)?))
}

/// Tries once more what was halted or has failed; the chain is looked at first, as ever.
#[utoipa::path(post, path = "/v1/submissions/{key}/retry", tag = "operator", security(("operator token" = [])),
    params(("key" = String, Path, description = "Name of what is submitted")),
    responses((status = 200, body = Submissions), (status = "default", body = ErrorBody)))]
pub(super) async fn retry(
    Shared(state): Shared<State>,
    key: Parsed<B256>,
    headers: HeaderMap,
) -> Result<Json<Submissions>, Refusal> {
    let submitter = submitter(&state, &headers)?;
    submitter.retry(path(key)?).await?;
    Ok(Json(seen(submitter)?))
}

/// Goes on with something no more; a nonce that was taken is used up.
#[utoipa::path(post, path = "/v1/submissions/{key}/give-up", tag = "operator", security(("operator token" = [])),
    params(("key" = String, Path, description = "Name of what is submitted")),
    responses((status = 200, body = Submissions), (status = "default", body = ErrorBody)))]
pub(super) async fn give_up(
    Shared(state): Shared<State>,
    key: Parsed<B256>,
    headers: HeaderMap,
) -> Result<Json<Submissions>, Refusal> {
    let submitter = submitter(&state, &headers)?;
    submitter.give_up(path(key)?).await?;
    Ok(Json(seen(submitter)?))
}

/// Says that it is known why somebody else used the key that posts; ends those alarms until the next use.
#[utoipa::path(post, path = "/v1/submissions/acknowledge", tag = "operator", security(("operator token" = [])),
    responses((status = 200, body = Submissions), (status = "default", body = ErrorBody)))]
pub(super) async fn acknowledge(
    Shared(state): Shared<State>,
    headers: HeaderMap,
) -> Result<Json<Submissions>, Refusal> {
    let submitter = submitter(&state, &headers)?;
    submitter.acknowledge_foreign_use()?;
    Ok(Json(seen(submitter)?))
}

/// What submits, for the operator.
fn submitter<'s>(state: &'s State, headers: &HeaderMap) -> Result<&'s Submitter, Refusal> {
    state.check_operator(headers)?;
    Ok(state.clerk.as_ref().ok_or(Refusal::NothingSubmitted)?.submitter())
}

fn seen(submitter: &Submitter) -> Result<Submissions, SubmissionError> {
    let shown = |record: Record| Submission {
        key: record.intent.key,
        state: record.state.label().to_owned(),
        transactions: record.attempts.iter().map(|attempt| attempt.hash).collect(),
        nonce: record.nonce,
        reason: match record.state {
            Stage::Halted { reason } | Stage::Failed { reason } => Some(reason),
            _ => None,
        },
    };
    Ok(Submissions {
        all: submitter.records()?.into_iter().map(shown).collect(),
        alarms: submitter.alarms().iter().map(ToString::to_string).collect(),
    })
}
