//! The routes of a dataset's host: contributions in, what became of them, and what the community reads.

use std::{sync::Arc, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::{Mutex, Semaphore};
use tower_http::trace::TraceLayer;
use tributary_dataset::{DatasetError, contribution::part::LONGEST_PART};
use tributary_sdk::{
    B256,
    api::{
        ContributionInfo, DatasetInfo, Erased, ErrorBody, HeldRecords, NewContribution, Reader, SignedAppeal,
        SignedCorrection, SignedErasure, SignedFlag, SignedReceipt, SignedReview, Validators,
    },
    snapshot::{RecordProof, SnapshotTree},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    Listening,
    read::{Parsed, path, whole},
};
use crate::{
    dataset::{Collection, DatasetRefusal, Taken},
    host::Refusal,
    steps::{self, data::SnapshotFile},
};

/// Longest body that is no part: a consent names at most as many parts as a contribution of [`crate::dataset::MOST_BYTES`]
/// has.
const LONGEST_JSON: usize = 4 << 20;

/// Most parts that are read at one time.
const PARTS: usize = 8;

/// A snapshot's tree, and the hash of its manifest.
type Asked = (B256, Arc<SnapshotTree>);

/// What every route can reach.
#[derive(Clone, Debug)]
struct State {
    collection: Arc<Collection>,
    key: PrivateKeySigner,
    /// Where clients ask it: what they sign to read with is for here alone.
    authority: String,
    body_within: Duration,
    /// How many parts are read at one time: each is in memory whole.
    parts: Arc<Semaphore>,
    /// The tree of the snapshot that was asked about last, by its manifest's hash.
    tree: Arc<Mutex<Option<Asked>>>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tributary dataset host",
        description = "Contributions under signed consent, kept sealed: what was taken, why not, who has read it.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "dataset", description = "What is collected here, under which rules"),
        (name = "contributions", description = "Records in, and what becomes of them"),
        (name = "improving", description = "What buyers and validators say of answers and records"),
        (name = "snapshots", description = "What was published, and proofs about it")
    )
)]
struct Document;

impl IntoResponse for DatasetRefusal {
    fn into_response(self) -> Response {
        let refusal = match self {
            Self::Request(refusal) => return refusal.into_response(),
            Self::Chain(error) => return Refusal::Chain(error).into_response(),
            other => other,
        };
        let (status, code) = class(&refusal);
        let message = if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code, error = %refusal, "a request failed");
            format!("the host could not do this ({code}); its operator's log says why")
        } else {
            refusal.to_string()
        };
        (status, Json(ErrorBody { code: code.into(), message })).into_response()
    }
}

/// The status for HTTP and the code for programs.
fn class(refusal: &DatasetRefusal) -> (StatusCode, &'static str) {
    use DatasetRefusal as D;
    use StatusCode as S;
    match refusal {
        D::OtherDataset { .. } => (S::CONFLICT, "other_dataset"),
        D::OtherTerms { .. } => (S::CONFLICT, "other_terms"),
        D::OtherPayPolicy => (S::CONFLICT, "other_pay_policy"),
        D::Expired { .. } => (S::UNPROCESSABLE_ENTITY, "consent_expired"),
        D::NonceUsed(_) => (S::CONFLICT, "nonce_used"),
        D::NotSigned(_) => (S::UNAUTHORIZED, "bad_signature"),
        D::BadParts(_) => (S::UNPROCESSABLE_ENTITY, "bad_parts"),
        D::UnknownContribution(_) => (S::NOT_FOUND, "unknown_contribution"),
        D::UnknownPart { .. } => (S::NOT_FOUND, "unknown_part"),
        D::UnknownRecord { .. } => (S::NOT_FOUND, "unknown_record"),
        D::UnknownSnapshot(_) => (S::NOT_FOUND, "unknown_snapshot"),
        D::OtherPart { .. } => (S::CONFLICT, "other_part"),
        D::Incomplete(_) => (S::CONFLICT, "incomplete"),
        D::WrongCommitment => (S::CONFLICT, "wrong_commitment"),
        D::NotCurator(_) => (S::FORBIDDEN, "not_curator"),
        D::LongSignature { .. } => (S::UNPROCESSABLE_ENTITY, "long_signature"),
        D::Withdrawn(_) => (S::GONE, "withdrawn"),
        D::NotRecorded(_) => (S::CONFLICT, "not_recorded"),
        D::BadReason { .. } => (S::UNPROCESSABLE_ENTITY, "bad_reason"),
        D::SignedFor { .. } => (S::UNPROCESSABLE_ENTITY, "signed_for_another_time"),
        D::NotChartered(_) => (S::FORBIDDEN, "not_chartered"),
        D::OtherReceipt { .. } => (S::UNPROCESSABLE_ENTITY, "other_receipt"),
        D::NotThePayer { .. } => (S::FORBIDDEN, "not_the_payer"),
        D::OtherModel { .. } => (S::CONFLICT, "other_model"),
        D::NotTheHosts { .. } => (S::UNPROCESSABLE_ENTITY, "bad_receipt"),
        D::OtherOutputs(_) => (S::UNPROCESSABLE_ENTITY, "other_outputs"),
        D::SeveralRecords { .. } => (S::UNPROCESSABLE_ENTITY, "several_records"),
        D::OtherClasses { .. } => (S::UNPROCESSABLE_ENTITY, "other_classes"),
        D::NoClasses => (S::CONFLICT, "no_classes"),
        D::OtherInput { .. } => (S::UNPROCESSABLE_ENTITY, "other_input"),
        D::NothingToCorrect { .. } => (S::UNPROCESSABLE_ENTITY, "nothing_to_correct"),
        D::ReceiptUsed(_) => (S::CONFLICT, "receipt_used"),
        D::NoValidators => (S::CONFLICT, "no_validators"),
        D::OwnRecord(_) => (S::FORBIDDEN, "own_record"),
        D::ReviewedBefore { .. } => (S::CONFLICT, "reviewed_before"),
        D::NotHeld { .. } => (S::CONFLICT, "not_held"),
        D::FlagElsewhere { .. } => (S::CONFLICT, "other_dataset"),
        D::Dataset(DatasetError::NotAMember { .. }) => (S::FORBIDDEN, "not_a_member"),
        D::Dataset(
            DatasetError::NoGrant { .. } | DatasetError::GrantExpired { .. } | DatasetError::PurposeMissing { .. },
        ) => (S::FORBIDDEN, "no_grant"),
        D::Dataset(DatasetError::Record { .. }) => (S::UNPROCESSABLE_ENTITY, "against_the_schema"),
        D::Dataset(DatasetError::Part(_)) => (S::UNPROCESSABLE_ENTITY, "bad_part"),
        D::Dataset(_) => (S::INTERNAL_SERVER_ERROR, "dataset_failed"),
        D::Request(_) | D::Chain(_) | D::Step(_) | D::Broken(_) | D::NothingThere => {
            (S::INTERNAL_SERVER_ERROR, "dataset_failed")
        }
    }
}

/// Which dataset is collected here.
#[utoipa::path(get, path = "/v1/dataset", tag = "dataset", responses((status = 200, body = DatasetInfo), (status = "default", body = ErrorBody)))]
async fn info(Shared(state): Shared<State>) -> Result<Json<DatasetInfo>, DatasetRefusal> {
    Ok(Json(state.collection.info(state.key.address()).await?))
}

/// The charter, byte for byte as its hash is on chain: what contributors agree to.
#[utoipa::path(get, path = "/v1/dataset/charter", tag = "dataset", responses((status = 200, content_type = "application/json"), (status = "default", body = ErrorBody)))]
async fn charter(Shared(state): Shared<State>) -> Result<impl IntoResponse, DatasetRefusal> {
    Ok(([(header::CONTENT_TYPE, "application/json")], state.collection.data().charter()?))
}

/// Who has read the records for what: JSON lines, each with the hash of the one before.
#[utoipa::path(get, path = "/v1/dataset/access-log", tag = "dataset", responses((status = 200, content_type = "application/jsonl"), (status = "default", body = ErrorBody)))]
async fn access_log(Shared(state): Shared<State>) -> Result<impl IntoResponse, DatasetRefusal> {
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], state.collection.access_lines()?))
}

/// A signed consent: what will be contributed under it may be sent then.
#[utoipa::path(post, path = "/v1/dataset/contributions", tag = "contributions", request_body = NewContribution,
    responses((status = 200, body = ContributionInfo), (status = "default", body = ErrorBody)))]
async fn announce(Shared(state): Shared<State>, request: Request) -> Result<Json<ContributionInfo>, DatasetRefusal> {
    let new = json(request, state.body_within).await?;
    Ok(Json(state.collection.admit(new).await?))
}

/// What is here of a contribution.
#[utoipa::path(get, path = "/v1/dataset/contributions/{id}", tag = "contributions", params(("id" = String, Path, description = "The consent's id")),
    responses((status = 200, body = ContributionInfo), (status = "default", body = ErrorBody)))]
async fn contribution(
    Shared(state): Shared<State>,
    id: Parsed<B256>,
) -> Result<Json<ContributionInfo>, DatasetRefusal> {
    Ok(Json(state.collection.contribution(path(id)?).await?))
}

/// A part of a contribution, as it was announced; sending it again changes nothing.
#[utoipa::path(put, path = "/v1/dataset/contributions/{id}/parts/{place}", tag = "contributions",
    params(("id" = String, Path, description = "The consent's id"), ("place" = u32, Path, description = "Which part, from 0")),
    request_body(content_type = "application/octet-stream"),
    responses((status = 201, description = "It is kept"), (status = 200, description = "It was here"), (status = "default", body = ErrorBody)))]
async fn part(
    Shared(state): Shared<State>,
    place: Parsed<(B256, usize)>,
    request: Request,
) -> Result<StatusCode, DatasetRefusal> {
    let (id, place) = path(place)?;
    // Nobody sends more than was announced, and nothing before the chain has the consent.
    let expected = state.collection.expected(id, place).await?;
    let most = usize::try_from(expected.bytes()).unwrap_or(LONGEST_PART);
    let _turn = Arc::clone(&state.parts).acquire_owned().await.map_err(|_| Refusal::Lost)?;
    let bytes = whole(request, most, state.body_within).await?;
    Ok(match state.collection.take_part(expected, &bytes).await? {
        Taken::Now => StatusCode::CREATED,
        Taken::Before => StatusCode::OK,
    })
}

/// Says that all parts were sent; the host checks them against the consent and signs for them.
#[utoipa::path(post, path = "/v1/dataset/contributions/{id}/receipt", tag = "contributions", params(("id" = String, Path, description = "The consent's id")),
    responses((status = 200, body = SignedReceipt), (status = "default", body = ErrorBody)))]
async fn receipt(Shared(state): Shared<State>, id: Parsed<B256>) -> Result<Json<SignedReceipt>, DatasetRefusal> {
    Ok(Json(state.collection.complete(path(id)?, &state.key).await?))
}

/// Asks the curator to look at a record again.
#[utoipa::path(post, path = "/v1/dataset/appeals", tag = "contributions", request_body = SignedAppeal,
    responses((status = 204, description = "It is taken"), (status = "default", body = ErrorBody)))]
async fn appeal(Shared(state): Shared<State>, request: Request) -> Result<StatusCode, DatasetRefusal> {
    state.collection.appeal(json(request, state.body_within).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a record of a contribution is what a served answer should have been. It is held until somebody accepts it.
#[utoipa::path(post, path = "/v1/dataset/corrections", tag = "improving", request_body = SignedCorrection,
    responses((status = 204, description = "It is taken"), (status = "default", body = ErrorBody)))]
async fn correct(Shared(state): Shared<State>, request: Request) -> Result<StatusCode, DatasetRefusal> {
    state.collection.correct(json(request, state.body_within).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a served answer is wrong, without a record.
#[utoipa::path(post, path = "/v1/dataset/flags", tag = "improving", request_body = SignedFlag,
    responses((status = 204, description = "It is taken"), (status = "default", body = ErrorBody)))]
async fn flag(Shared(state): Shared<State>, request: Request) -> Result<StatusCode, DatasetRefusal> {
    state.collection.flag(json(request, state.body_within).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The records that the newest screening holds, for the dataset's curator, its owner and its validators.
#[utoipa::path(post, path = "/v1/dataset/held", tag = "improving", request_body = Reader,
    responses((status = 200, body = HeldRecords), (status = "default", body = ErrorBody)))]
async fn held(Shared(state): Shared<State>, request: Request) -> Result<Json<HeldRecords>, DatasetRefusal> {
    let reader: Reader = json(request, state.body_within).await?;
    Ok(Json(state.collection.held(&reader, &state.authority).await?))
}

/// What a validator says of a held record; it cannot be changed.
#[utoipa::path(post, path = "/v1/dataset/reviews", tag = "improving", request_body = SignedReview,
    responses((status = 204, description = "It is taken"), (status = "default", body = ErrorBody)))]
async fn review(Shared(state): Shared<State>, request: Request) -> Result<StatusCode, DatasetRefusal> {
    state.collection.take_review(json(request, state.body_within).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The accepted work of validators, and what was paid for it: everything can be recomputed from the chain and the published
/// screening reports.
#[utoipa::path(get, path = "/v1/dataset/validators", tag = "improving", responses((status = 200, body = Validators), (status = "default", body = ErrorBody)))]
async fn validators(Shared(state): Shared<State>) -> Result<Json<Validators>, DatasetRefusal> {
    let collection = &state.collection;
    Ok(Json(steps::paying::validators(collection.chain(), collection.data()).await?))
}

/// Has rejected and withdrawn records of a contribution deleted.
#[utoipa::path(post, path = "/v1/dataset/erasures", tag = "contributions", request_body = SignedErasure,
    responses((status = 200, body = Erased), (status = "default", body = ErrorBody)))]
async fn erase(Shared(state): Shared<State>, request: Request) -> Result<Json<Erased>, DatasetRefusal> {
    let signed: SignedErasure = json(request, state.body_within).await?;
    Ok(Json(state.collection.erase(&signed).await?))
}

/// A snapshot's manifest, byte for byte as its hash is on chain.
#[utoipa::path(get, path = "/v1/dataset/snapshots/{version}", tag = "snapshots", params(("version" = u32, Path, description = "Which, from 1")),
    responses((status = 200, content_type = "application/json"), (status = "default", body = ErrorBody)))]
async fn snapshot(Shared(state): Shared<State>, version: Parsed<u32>) -> Result<impl IntoResponse, DatasetRefusal> {
    file(&state, path(version)?, SnapshotFile::Manifest, "application/json").await
}

/// Why each record of a snapshot was accepted, held or rejected, byte for byte as the manifest names its hash.
#[utoipa::path(get, path = "/v1/dataset/snapshots/{version}/screening", tag = "snapshots", params(("version" = u32, Path, description = "Which, from 1")),
    responses((status = 200, content_type = "application/json"), (status = "default", body = ErrorBody)))]
async fn screening(Shared(state): Shared<State>, version: Parsed<u32>) -> Result<impl IntoResponse, DatasetRefusal> {
    file(&state, path(version)?, SnapshotFile::Screening, "application/json").await
}

/// The commitments to a snapshot's records, ascending, 32 bytes each: the leaves under its root.
#[utoipa::path(get, path = "/v1/dataset/snapshots/{version}/commitments", tag = "snapshots", params(("version" = u32, Path, description = "Which, from 1")),
    responses((status = 200, content_type = "application/octet-stream"), (status = "default", body = ErrorBody)))]
async fn commitments(Shared(state): Shared<State>, version: Parsed<u32>) -> Result<impl IntoResponse, DatasetRefusal> {
    file(&state, path(version)?, SnapshotFile::Commitments, "application/octet-stream").await
}

/// That a record is in a snapshot, or that it is not, by its commitment.
#[utoipa::path(get, path = "/v1/dataset/snapshots/{version}/records/{commitment}", tag = "snapshots",
    params(("version" = u32, Path, description = "Which, from 1"), ("commitment" = String, Path, description = "The record's salted commitment")),
    responses((status = 200, body = RecordProof), (status = "default", body = ErrorBody)))]
async fn proof(Shared(state): Shared<State>, place: Parsed<(u32, B256)>) -> Result<Json<RecordProof>, DatasetRefusal> {
    let (version, commitment) = path(place)?;
    let manifest = known(&state, version).await?;
    let tree = tree(&state, version, manifest).await?;
    Ok(Json(tree.prove(commitment).map_err(DatasetError::from)?))
}

/// The tree over a snapshot's records; one is kept.
async fn tree(state: &State, version: u32, manifest: B256) -> Result<Arc<SnapshotTree>, DatasetRefusal> {
    let mut last = state.tree.lock().await;
    if let Some((_, tree)) = last.as_ref().filter(|(of, _)| *of == manifest) {
        return Ok(Arc::clone(tree));
    }
    let (_, tree) = steps::dataset::published(state.collection.chain(), state.collection.data(), version).await?;
    let tree = Arc::new(tree);
    *last = Some((manifest, Arc::clone(&tree)));
    Ok(tree)
}

async fn file(
    state: &State,
    version: u32,
    what: SnapshotFile,
    kind: &'static str,
) -> Result<impl IntoResponse + use<>, DatasetRefusal> {
    let manifest = known(state, version).await?;
    Ok(([(header::CONTENT_TYPE, kind)], state.collection.data().snapshot(manifest, what)?))
}

/// The manifest's hash of a published snapshot.
async fn known(state: &State, version: u32) -> Result<B256, DatasetRefusal> {
    match tributary_chain::assets::version(state.collection.chain(), state.collection.asset(), version).await {
        Ok(published) => Ok(published.manifestHash),
        Err(tributary_chain::ChainError::UnknownVersion { .. }) => Err(DatasetRefusal::UnknownSnapshot(version)),
        Err(other) => Err(other.into()),
    }
}

async fn json<T: serde::de::DeserializeOwned>(request: Request, within: Duration) -> Result<T, DatasetRefusal> {
    let bytes = whole(request, LONGEST_JSON, within).await?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| Refusal::BadBody(error.to_string()))?)
}

fn documented() -> (Router<State>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(info))
        .routes(routes!(charter))
        .routes(routes!(access_log))
        .routes(routes!(announce))
        .routes(routes!(contribution))
        .routes(routes!(part))
        .routes(routes!(receipt))
        .routes(routes!(appeal))
        .routes(routes!(correct))
        .routes(routes!(flag))
        .routes(routes!(held))
        .routes(routes!(review))
        .routes(routes!(validators))
        .routes(routes!(erase))
        .routes(routes!(snapshot))
        .routes(routes!(screening))
        .routes(routes!(commitments))
        .routes(routes!(proof))
        .split_for_parts()
}

/// The OpenAPI document of every dataset's host.
pub fn document() -> utoipa::openapi::OpenApi {
    documented().1
}

impl Listening {
    /// Takes contributions to a dataset until `stop` ends; `key` signs receipts.
    pub async fn collect(
        self,
        collection: Collection,
        key: PrivateKeySigner,
        stop: impl Future<Output = ()> + Send + 'static,
    ) {
        tracing::info!(url = self.url(), dataset = %collection.asset(), "a dataset's host is serving");
        let body_within = self.patience.body;
        let authority = self.authority();
        let state = State {
            authority,
            collection: Arc::new(collection),
            key,
            body_within,
            parts: Arc::new(Semaphore::new(PARTS)),
            tree: Arc::default(),
        };
        let (routes, document) = documented();
        let published = document.clone();
        let router = routes
            .route("/openapi.json", get(move || async move { Json(published) }))
            .merge(SwaggerUi::new("/docs").url("/docs/openapi.json", document))
            .fallback(|| async { Refusal::UnknownRoute })
            .method_not_allowed_fallback(|| async { Refusal::WrongMethod })
            .layer(DefaultBodyLimit::max(LONGEST_PART))
            .layer(TraceLayer::new_for_http())
            .with_state(state);
        self.run(router, stop).await;
    }
}
