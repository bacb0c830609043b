//! Every refusal as JSON: `{"code": "...", "error": "..."}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use tributary_ledger::LedgerError;
use tributary_runtime::RuntimeError;
use tributary_sdk::api::ErrorBody;
use tributary_submission::SubmissionError;

use crate::{host::Refusal, metrics::Code};

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = class(&self);
        if matches!(status, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY) {
            tracing::error!(code, error = %self, "a request failed");
        }
        // What fails inside is the operator's to know: paths, nodes and disks are named in the log only.
        let message = match matches!(status, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY) {
            true => format!("the host could not do this ({code}); its operator's log says why"),
            false => self.to_string(),
        };
        let body = Json(ErrorBody { code: code.into(), message });
        let mut response = (status, body).into_response();
        response.extensions_mut().insert(Code(code));
        if let Some(seconds) = retry_after(status, &self) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// In how many seconds the same request may be served, where waiting helps.
fn retry_after(status: StatusCode, refusal: &Refusal) -> Option<u64> {
    match refusal {
        Refusal::Ledger(LedgerError::QuotaExceeded { retry_after, .. }) => *retry_after,
        _ => matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some(1),
    }
}

/// The status for HTTP and the code for programs.
fn class(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::UnknownModel(_) => (S::NOT_FOUND, "unknown_model"),
        Refusal::Unloaded(_) => (S::SERVICE_UNAVAILABLE, "model_unloaded"),
        Refusal::OtherModel { .. } => (S::UNPROCESSABLE_ENTITY, "other_model"),
        Refusal::Draining => (S::SERVICE_UNAVAILABLE, "draining"),
        Refusal::NothingServed => (S::SERVICE_UNAVAILABLE, "nothing_served"),
        Refusal::ChainBehind { .. } => (S::SERVICE_UNAVAILABLE, "chain_behind"),
        Refusal::ClockBehind { .. } => (S::SERVICE_UNAVAILABLE, "clock_behind"),
        Refusal::NoCredential => (S::UNAUTHORIZED, "no_credential"),
        Refusal::BadSignIn(_) => (S::UNPROCESSABLE_ENTITY, "bad_sign_in"),
        Refusal::ForeignSignIn { .. } => (S::UNPROCESSABLE_ENTITY, "foreign_sign_in"),
        Refusal::StaleNonce => (S::UNAUTHORIZED, "stale_nonce"),
        Refusal::NotSigned { .. } => (S::UNAUTHORIZED, "bad_signature"),
        Refusal::KeyRevoked(_) => (S::FORBIDDEN, "key_revoked"),
        Refusal::UnknownKey(_) => (S::NOT_FOUND, "unknown_key"),
        Refusal::NoToken => (S::UNAUTHORIZED, "no_token"),
        Refusal::SessionNotBegun { .. } => (S::UNAUTHORIZED, "session_not_begun"),
        Refusal::NotSettled(_) => (S::NOT_FOUND, "not_settled"),
        Refusal::LeftOut(_) => (S::NOT_FOUND, "left_out"),
        Refusal::ReadingTime { .. } => (S::UNPROCESSABLE_ENTITY, "reading_time"),
        Refusal::SketchWithheld(_) => (S::FORBIDDEN, "sketch_withheld"),
        Refusal::NoReader(_) => (S::FORBIDDEN, "no_reader"),
        Refusal::InputNotKept(_) => (S::NOT_FOUND, "input_not_kept"),
        Refusal::AlreadyPosted(_) => (S::CONFLICT, "already_posted"),
        Refusal::OtherStatement(_) => (S::CONFLICT, "other_statement"),
        Refusal::NoAttestor(_) => (S::FORBIDDEN, "no_attestor"),
        Refusal::NotBuiltIn(_) => (S::NOT_IMPLEMENTED, "not_built_in"),
        Refusal::NothingSubmitted => (S::CONFLICT, "nothing_submitted"),
        Refusal::Submission(SubmissionError::Unknown { .. }) => (S::NOT_FOUND, "unknown_submission"),
        Refusal::Submission(SubmissionError::WrongState { .. }) => (S::CONFLICT, "wrong_state"),
        Refusal::Submission(_) => (S::INTERNAL_SERVER_ERROR, "submission_failed"),
        Refusal::CannotLoad(_) => (S::CONFLICT, "cannot_load"),
        Refusal::Protocol(error) if error.is_syntax() => (S::BAD_REQUEST, "bad_body"),
        Refusal::Protocol(_) => (S::UNPROCESSABLE_ENTITY, "wrong_tensor"),
        Refusal::BadHeader(_) => (S::BAD_REQUEST, "bad_header"),
        Refusal::WrongVersion { .. } => (S::CONFLICT, "wrong_version"),
        Refusal::WrongUnits { .. } => (S::UNPROCESSABLE_ENTITY, "wrong_units"),
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
        Refusal::UnknownText(_) => (S::NOT_FOUND, "unknown_text"),
        Refusal::Store(_) => (S::INTERNAL_SERVER_ERROR, "store_failed"),
        Refusal::UnknownRoute => (S::NOT_FOUND, "unknown_route"),
        Refusal::NotOperator => (S::UNAUTHORIZED, "not_operator"),
        Refusal::BadBody(_) => (S::BAD_REQUEST, "bad_body"),
        Refusal::BodyTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
        Refusal::SlowBody(_) => (S::REQUEST_TIMEOUT, "slow_body"),
        Refusal::WrongMethod => (S::METHOD_NOT_ALLOWED, "wrong_method"),
        Refusal::BadPath(_) => (S::BAD_REQUEST, "bad_path"),
        Refusal::Runtime(RuntimeError::WrongWidth { .. }) => (S::UNPROCESSABLE_ENTITY, "wrong_input_width"),
        Refusal::Runtime(RuntimeError::NonFiniteInput { .. }) => (S::UNPROCESSABLE_ENTITY, "non_finite_input"),
        Refusal::Runtime(RuntimeError::NonFiniteOutput { .. }) => (S::UNPROCESSABLE_ENTITY, "non_finite_output"),
        Refusal::Runtime(RuntimeError::TooManyRecords { .. }) => (S::PAYLOAD_TOO_LARGE, "too_many_records"),
        Refusal::Runtime(RuntimeError::DeadlineExceeded { .. }) => (S::SERVICE_UNAVAILABLE, "deadline_exceeded"),
        Refusal::Runtime(RuntimeError::QueueFull { .. }) => (S::TOO_MANY_REQUESTS, "busy"),
        Refusal::Runtime(RuntimeError::Stopped) => (S::SERVICE_UNAVAILABLE, "stopping"),
        Refusal::Runtime(_) => (S::INTERNAL_SERVER_ERROR, "model_failed"),
        Refusal::Sketch(_) | Refusal::Release(_) => (S::INTERNAL_SERVER_ERROR, "bad_release"),
        Refusal::Ledger(LedgerError::NotSealed { .. }) => (S::NOT_FOUND, "unknown_epoch"),
        Refusal::Ledger(LedgerError::Conflict { .. }) => (S::CONFLICT, "request_id_reused"),
        Refusal::Ledger(LedgerError::QuotaExceeded { .. }) => (S::TOO_MANY_REQUESTS, "quota_exceeded"),
        Refusal::Ledger(LedgerError::Stopped) => (S::SERVICE_UNAVAILABLE, "stopping"),
        Refusal::Ledger(_) => (S::INTERNAL_SERVER_ERROR, "ledger_failed"),
        Refusal::Chain(_) => (S::BAD_GATEWAY, "chain_failed"),
        Refusal::Batch(_) | Refusal::StoredBatch(_) => (S::INTERNAL_SERVER_ERROR, "batch_failed"),
        Refusal::Lost => (S::INTERNAL_SERVER_ERROR, "lost"),
    }
}
