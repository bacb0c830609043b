//! The typed routes: read the request, ask the host, write the answer. No rules here.

use std::time::Instant;

use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use tributary_sdk::{
    Address, AssetId, B256, U256,
    api::{
        AccountPage, Attribution, ClaimProof, EpochInfo, ErrorBody, Finding, HostInfo, Infer, Inferred, KeptInput,
        KeyInfo, LicenseUsage, ModelInfo, ModelPage, Nonce, Quorum, Reader, ReceiptProof, SignIn, SignedIn,
    },
    batch::{ReceiptRow, Sketches},
    sign_in::Credential,
};

use super::{
    State,
    read::{Parsed, Received, bearer, body, path, text, timeout},
    timing,
};
use crate::host::{Question, Refusal, deadline};

/// Who serves, what, on which chain.
#[utoipa::path(get, path = "/v1/host", tag = "host", responses((status = 200, body = HostInfo)))]
pub(super) async fn host(Shared(state): Shared<State>) -> Json<HostInfo> {
    Json(state.host.info())
}

/// The served models.
#[utoipa::path(get, path = "/v1/models", tag = "models", responses((status = 200, body = Vec<ModelInfo>)))]
pub(super) async fn models(Shared(state): Shared<State>) -> Json<Vec<ModelInfo>> {
    Json(state.host.info().models)
}

/// What a model is, where it comes from, and on which terms it is licensed.
#[utoipa::path(get, path = "/v1/models/{asset}", tag = "models", params(("asset" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = ModelPage), (status = "default", body = ErrorBody)))]
pub(super) async fn model(Shared(state): Shared<State>, asset: Parsed<AssetId>) -> Result<Json<ModelPage>, Refusal> {
    Ok(Json(state.host.service(path(asset)?)?.page().await?))
}

/// A number for one sign-in, and the chain's time.
#[utoipa::path(get, path = "/v1/nonce", tag = "access", responses((status = 200, body = Nonce), (status = "default", body = ErrorBody)))]
pub(super) async fn nonce(Shared(state): Shared<State>) -> Result<Json<Nonce>, Refusal> {
    Ok(Json(state.host.nonce().await?))
}

/// Sign-in: a license's holder says which key may ask under it (EIP-4361, or EIP-712).
#[utoipa::path(post, path = "/v1/sessions", tag = "access", request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = "default", body = ErrorBody)))]
pub(super) async fn sign_in(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    received: Received,
) -> Result<Json<SignedIn>, Refusal> {
    let asked_at = text(&headers, &header::HOST)?;
    Ok(Json(state.host.sign_in(body(received)?, asked_at).await?))
}

/// The keys that were ever signed in under a license.
#[utoipa::path(get, path = "/v1/licenses/{license}/keys", tag = "access", security(("sign-in token" = [])),
    params(("license" = String, Path, description = "Token id of the license, decimal or 0x")),
    responses((status = 200, body = Vec<KeyInfo>), (status = "default", body = ErrorBody)))]
pub(super) async fn keys(
    Shared(state): Shared<State>,
    license: Parsed<U256>,
    headers: HeaderMap,
) -> Result<Json<Vec<KeyInfo>>, Refusal> {
    let token = Some(bearer(&headers).ok_or(Refusal::NoToken)?);
    Ok(Json(state.host.keys(path(license)?, token).await?))
}

/// Revokes a key of a license, for good.
#[utoipa::path(delete, path = "/v1/licenses/{license}/keys/{key}", tag = "access", security(("sign-in token" = [])),
    params(("license" = String, Path, description = "Token id of the license, decimal or 0x"),
        ("key" = String, Path, description = "`key:` and an address, or `bearer:` and 32 bytes")),
    responses((status = 200, body = KeyInfo), (status = "default", body = ErrorBody)))]
pub(super) async fn revoke(
    Shared(state): Shared<State>,
    place: Parsed<(U256, Credential)>,
    headers: HeaderMap,
) -> Result<Json<KeyInfo>, Refusal> {
    let token = Some(bearer(&headers).ok_or(Refusal::NoToken)?);
    let (license, key) = path(place)?;
    Ok(Json(state.host.revoke(license, key, token).await?))
}

/// What was asked under a license at this host.
#[utoipa::path(get, path = "/v1/licenses/{license}/usage", tag = "access", security(("sign-in token" = [])),
    params(("license" = String, Path, description = "Token id of the license, decimal or 0x")),
    responses((status = 200, body = LicenseUsage), (status = "default", body = ErrorBody)))]
pub(super) async fn usage(
    Shared(state): Shared<State>,
    license: Parsed<U256>,
    headers: HeaderMap,
) -> Result<Json<LicenseUsage>, Refusal> {
    let token = Some(bearer(&headers).ok_or(Refusal::NoToken)?);
    Ok(Json(state.host.usage(path(license)?, token).await?))
}

/// Asks a model: the answer comes with its receipt. The request's id is its idempotency key.
#[utoipa::path(post, path = "/v1/models/{asset}/infer", tag = "inference", request_body = Infer,
    params(("asset" = String, Path, description = "Asset id of the model"),
        ("x-request-timeout-ms" = Option<u64>, Header, description = "How long the client waits")),
    responses((status = 200, body = Inferred), (status = "default", body = ErrorBody)))]
pub(super) async fn infer(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
    headers: HeaderMap,
    received: Received,
) -> Result<impl IntoResponse, Refusal> {
    let arrived = Instant::now();
    let (asset, infer): (AssetId, Infer) = (path(asset)?, body(received)?);
    let until = deadline(timeout(&headers)?, state.host.request_timeout());
    let reply = state.host.infer(asset, Question::signed(infer, until)).await?;
    Ok((timing::headers(arrived, reply.timing), Json(reply.answer)))
}

/// A receipt with everything that proves it.
#[utoipa::path(get, path = "/v1/receipts/{id}", tag = "receipts", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = ReceiptRow), (status = "default", body = ErrorBody)))]
pub(super) async fn receipt(Shared(state): Shared<State>, id: Parsed<B256>) -> Result<Json<ReceiptRow>, Refusal> {
    let id = path(id)?;
    Ok(Json(state.aside(move |host| host.receipt(id)).await?))
}

/// That a receipt is among those which its epoch's root commits to.
#[utoipa::path(get, path = "/v1/receipts/{id}/proof", tag = "receipts", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = ReceiptProof), (status = "default", body = ErrorBody)))]
pub(super) async fn receipt_proof(
    Shared(state): Shared<State>,
    id: Parsed<B256>,
) -> Result<Json<ReceiptProof>, Refusal> {
    let id = path(id)?;
    Ok(Json(state.aside(move |host| host.receipt_proof(id)).await?))
}

/// A receipt's input, where the host keeps it: for an attestor of the vault, or the receipt's payer.
#[utoipa::path(post, path = "/v1/receipts/{id}/input", tag = "receipts", request_body = Reader,
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = KeptInput), (status = "default", body = ErrorBody)))]
pub(super) async fn input(
    Shared(state): Shared<State>,
    id: Parsed<B256>,
    headers: HeaderMap,
    received: Received,
) -> Result<Json<KeptInput>, Refusal> {
    let asked_at = text(&headers, &header::HOST)?;
    Ok(Json(state.host.input(path(id)?, body(received)?, asked_at).await?))
}

/// Who made an answer: every contributor's exact score.
#[utoipa::path(get, path = "/v1/attributions/{id}", tag = "receipts", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = Attribution), (status = "default", body = ErrorBody)))]
pub(super) async fn attribution(Shared(state): Shared<State>, id: Parsed<B256>) -> Result<Json<Attribution>, Refusal> {
    let id = path(id)?;
    Ok(Json(state.aside(move |host| host.attribution(id)).await?))
}

/// Who made an answer, for an attestor of the vault or the receipt's payer: where the release publishes no sketches.
#[utoipa::path(post, path = "/v1/attributions/{id}", tag = "receipts", request_body = Reader,
    params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, body = Attribution), (status = "default", body = ErrorBody)))]
pub(super) async fn attribution_for(
    Shared(state): Shared<State>,
    id: Parsed<B256>,
    headers: HeaderMap,
    received: Received,
) -> Result<Json<Attribution>, Refusal> {
    let asked_at = text(&headers, &header::HOST)?;
    Ok(Json(state.host.attribution_for(path(id)?, body(received)?, asked_at).await?))
}

/// A model's closed epochs, oldest first.
#[utoipa::path(get, path = "/v1/models/{asset}/epochs", tag = "epochs", params(("asset" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = Vec<EpochInfo>), (status = "default", body = ErrorBody)))]
pub(super) async fn epochs(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
) -> Result<Json<Vec<EpochInfo>>, Refusal> {
    let asset = path(asset)?;
    Ok(Json(state.aside(move |host| host.service(asset)?.epochs()).await?))
}

/// Closes a model's open epoch.
#[utoipa::path(post, path = "/v1/models/{asset}/epochs", tag = "epochs", security(("operator token" = [])),
    params(("asset" = String, Path, description = "Asset id of the model")),
    responses((status = 200, body = EpochInfo), (status = "default", body = ErrorBody)))]
pub(super) async fn close_epoch(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
    headers: HeaderMap,
) -> Result<Json<EpochInfo>, Refusal> {
    state.check_operator(&headers)?;
    Ok(Json(state.host.service(path(asset)?)?.close_epoch().await?))
}

/// What an account is paid by this host's models: allotted, posted, active, claimed.
#[utoipa::path(get, path = "/v1/accounts/{account}", tag = "epochs", params(("account" = String, Path, description = "The account")),
    responses((status = 200, body = AccountPage), (status = "default", body = ErrorBody)))]
pub(super) async fn account(
    Shared(state): Shared<State>,
    account: Parsed<Address>,
) -> Result<Json<AccountPage>, Refusal> {
    Ok(Json(state.host.account(path(account)?).await?))
}

/// What attestors have said of a closed epoch.
#[utoipa::path(get, path = "/v1/models/{asset}/epochs/{index}/attestations", tag = "epochs",
    params(("asset" = String, Path, description = "Asset id of the model"), ("index" = u64, Path, description = "The epoch")),
    responses((status = 200, body = Quorum), (status = "default", body = ErrorBody)))]
pub(super) async fn attestations(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u64)>,
) -> Result<Json<Quorum>, Refusal> {
    let (asset, index) = path(place)?;
    Ok(Json(state.host.service(asset)?.quorum(index).await?))
}

/// Takes an attestor's word: a signed statement, or a signed refusal with its reason.
#[utoipa::path(post, path = "/v1/models/{asset}/epochs/{index}/attestations", tag = "epochs", request_body = Finding,
    params(("asset" = String, Path, description = "Asset id of the model"), ("index" = u64, Path, description = "The epoch")),
    responses((status = 200, body = Quorum), (status = "default", body = ErrorBody)))]
pub(super) async fn attest(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u64)>,
    received: Received,
) -> Result<Json<Quorum>, Refusal> {
    let (asset, index) = path(place)?;
    Ok(Json(state.host.service(asset)?.tell(index, body(received)?).await?))
}

/// What an account needs to claim against an epoch's root.
#[utoipa::path(get, path = "/v1/models/{asset}/epochs/{index}/proofs/{account}", tag = "epochs",
    params(("asset" = String, Path, description = "Asset id of the model"),
        ("index" = u64, Path, description = "The epoch"), ("account" = String, Path, description = "Who claims")),
    responses((status = 200, body = ClaimProof), (status = "default", body = ErrorBody)))]
pub(super) async fn proof(
    Shared(state): Shared<State>,
    place: Parsed<(AssetId, u64, Address)>,
) -> Result<Json<ClaimProof>, Refusal> {
    let (asset, index, account) = path(place)?;
    Ok(Json(state.aside(move |host| host.service(asset)?.proof(index, account)).await?))
}

/// A closed epoch's bytes, by their keccak-256.
#[utoipa::path(get, path = "/v1/batches/{hash}", tag = "epochs", params(("hash" = String, Path, description = "The data hash of an epoch")),
    responses((status = 200, content_type = "application/json"), (status = "default", body = ErrorBody)))]
pub(super) async fn batch(Shared(state): Shared<State>, hash: Parsed<B256>) -> Result<impl IntoResponse, Refusal> {
    let hash = path(hash)?;
    let bytes = state.aside(move |host| host.batch(hash)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes))
}

/// A model as a page for buyers: what it is for, how good it is, what it was made of, who is paid, what is sold.
#[utoipa::path(get, path = "/v1/models/{asset}/page", tag = "models", params(("asset" = String, Path, description = "Asset id of the model")),
    responses((status = 200, content_type = "text/markdown"), (status = "default", body = ErrorBody)))]
pub(super) async fn buyers_page(
    Shared(state): Shared<State>,
    asset: Parsed<AssetId>,
) -> Result<impl IntoResponse, Refusal> {
    let page = state.host.service(path(asset)?)?.buyers_page().await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], page))
}

/// A license's legal text, by its keccak-256, which its terms on chain name.
#[utoipa::path(get, path = "/v1/texts/{hash}", tag = "models", params(("hash" = String, Path, description = "The text's keccak-256")),
    responses((status = 200, content_type = "text/markdown"), (status = "default", body = ErrorBody)))]
pub(super) async fn license_text(
    Shared(state): Shared<State>,
    hash: Parsed<B256>,
) -> Result<impl IntoResponse, Refusal> {
    let text = state.host.text(path(hash)?).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text))
}

/// The sketches that a batch leaves out, for an attestor of the vault.
#[utoipa::path(post, path = "/v1/batches/{hash}/sketches", tag = "epochs", request_body = Reader,
    params(("hash" = String, Path, description = "The data hash of an epoch")),
    responses((status = 200, body = Sketches), (status = "default", body = ErrorBody)))]
pub(super) async fn sketches(
    Shared(state): Shared<State>,
    hash: Parsed<B256>,
    headers: HeaderMap,
    received: Received,
) -> Result<Json<Sketches>, Refusal> {
    let asked_at = text(&headers, &header::HOST)?;
    Ok(Json(state.host.sketches(path(hash)?, body(received)?, asked_at).await?))
}
