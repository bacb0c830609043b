//! Every refusal as JSON: `{"code": "...", "message": "..."}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use tributary_ledger::LedgerError;
use tributary_runtime::RuntimeError;
use tributary_sdk::api::ErrorBody;

use crate::host::Refusal;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = class(&self);
        if status.is_server_error() {
            tracing::error!(code, error = %self, "a request failed");
        }
        // What fails inside is the operator's to know: paths, nodes and disks are named in the log only.
        let message = match status.is_server_error() {
            true => format!("the host could not do this ({code}); its operator's log says why"),
            false => self.to_string(),
        };
        let body = Json(ErrorBody { code: code.into(), message });
        let mut response = (status, body).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The status for HTTP and the code for programs.
fn class(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::UnknownModel { .. } => (S::NOT_FOUND, "unknown_model"),
        Refusal::WrongVersion { .. } => (S::CONFLICT, "wrong_version"),
        Refusal::WrongUnits(_) => (S::UNPROCESSABLE_ENTITY, "wrong_units"),
        Refusal::WrongCommitment => (S::UNPROCESSABLE_ENTITY, "wrong_commitment"),
        Refusal::Signature(_) => (S::UNAUTHORIZED, "bad_signature"),
        Refusal::NoSession { .. } => (S::UNAUTHORIZED, "no_session"),
        Refusal::SessionEnded { .. } => (S::UNAUTHORIZED, "session_ended"),
        Refusal::StaleRequest { .. } => (S::CONFLICT, "stale_request"),
        Refusal::FutureRequest { .. } => (S::UNPROCESSABLE_ENTITY, "future_request"),
        Refusal::NotLicensed { .. } => (S::FORBIDDEN, "not_licensed"),
        Refusal::ForeignLicense { .. } => (S::FORBIDDEN, "foreign_license"),
        Refusal::InProgress(_) => (S::CONFLICT, "in_progress"),
        Refusal::AlreadySettled(_) => (S::GONE, "already_settled"),
        Refusal::UnknownReceipt(_) => (S::NOT_FOUND, "unknown_receipt"),
        Refusal::UnknownEpoch(_) => (S::NOT_FOUND, "unknown_epoch"),
        Refusal::NothingToDivide => (S::CONFLICT, "nothing_to_divide"),
        Refusal::PreviousMissing(_) => (S::CONFLICT, "previous_missing"),
        Refusal::RootPending(_) => (S::CONFLICT, "root_pending"),
        Refusal::NoLeaf { .. } => (S::NOT_FOUND, "no_leaf"),
        Refusal::UnknownBatch(_) => (S::NOT_FOUND, "unknown_batch"),
        Refusal::UnknownRoute => (S::NOT_FOUND, "unknown_route"),
        Refusal::NotOperator => (S::UNAUTHORIZED, "not_operator"),
        Refusal::BadBody(_) => (S::BAD_REQUEST, "bad_body"),
        Refusal::BodyTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
        Refusal::WrongMethod => (S::METHOD_NOT_ALLOWED, "wrong_method"),
        Refusal::BadPath(_) => (S::BAD_REQUEST, "bad_path"),
        Refusal::Runtime(RuntimeError::WrongWidth { .. }) => (S::UNPROCESSABLE_ENTITY, "wrong_input_width"),
        Refusal::Runtime(RuntimeError::NonFiniteInput { .. }) => (S::UNPROCESSABLE_ENTITY, "non_finite_input"),
        Refusal::Runtime(RuntimeError::NonFiniteOutput { .. }) => (S::UNPROCESSABLE_ENTITY, "non_finite_output"),
        Refusal::Runtime(RuntimeError::QueueFull { .. }) => (S::TOO_MANY_REQUESTS, "busy"),
        Refusal::Runtime(RuntimeError::Stopped) => (S::SERVICE_UNAVAILABLE, "stopping"),
        Refusal::Runtime(_) => (S::INTERNAL_SERVER_ERROR, "model_failed"),
        Refusal::Sketch(_) | Refusal::Release(_) => (S::INTERNAL_SERVER_ERROR, "bad_release"),
        Refusal::Ledger(LedgerError::Conflict { .. }) => (S::CONFLICT, "request_id_reused"),
        Refusal::Ledger(LedgerError::QuotaExceeded { .. }) => (S::TOO_MANY_REQUESTS, "quota_exceeded"),
        Refusal::Ledger(LedgerError::Stopped) => (S::SERVICE_UNAVAILABLE, "stopping"),
        Refusal::Ledger(_) => (S::INTERNAL_SERVER_ERROR, "ledger_failed"),
        Refusal::Chain(_) => (S::BAD_GATEWAY, "chain_failed"),
        Refusal::Batch(_) | Refusal::StoredBatch(_) => (S::INTERNAL_SERVER_ERROR, "batch_failed"),
        Refusal::Lost => (S::INTERNAL_SERVER_ERROR, "lost"),
    }
}
