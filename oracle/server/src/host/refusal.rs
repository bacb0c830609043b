//! Why a request was not served, in words for people and a code for programs.

use alloy::primitives::{Address, B256, U256};
use tributary_chain::ChainError;
use tributary_ledger::LedgerError;
use tributary_runtime::RuntimeError;
use tributary_sdk::{AssetId, sketch::SketchError, typed_data::SignatureError};

/// Nothing was served, and nothing is owed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another model.
    #[error("this host serves model {served}, not {asked}: see /v1/host")]
    UnknownModel {
        /// Asked for.
        asked: AssetId,
        /// Served here.
        served: AssetId,
    },
    /// Another release of the model.
    #[error("this host serves version {served}, the request asks for {asked}: sign a request for the served version")]
    WrongVersion {
        /// Asked for.
        asked: u32,
        /// Served here.
        served: u32,
    },
    /// Not one record's worth of units.
    #[error("a request for one record has 1 unit, not {0}")]
    WrongUnits(u64),
    /// The input is not what was signed for.
    #[error("the input does not fit the signed commitment: sign keccak256(salt ‖ keccak256(little-endian f32 bytes))")]
    WrongCommitment,
    /// A message is not signed by who it should be.
    #[error("{0}; sign the request with the session's key")]
    Signature(#[from] SignatureError),
    /// The key is not signed in for the license.
    #[error("key {key} is not signed in for license {license}: POST /v1/sessions first, and sign with that key")]
    NoSession {
        /// Who signed the request.
        key: Address,
        /// Under which license.
        license: U256,
    },
    /// The session is over.
    #[error("the session ended at {ended} (the chain's time is {now}): sign in again")]
    SessionEnded {
        /// Seconds since 1970.
        ended: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// The request is from an epoch that is closed.
    #[error("the request was signed at {issued}, the open epoch began at {since} (the chain's time): sign it again")]
    StaleRequest {
        /// Seconds since 1970.
        issued: u64,
        /// Seconds since 1970.
        since: u64,
    },
    /// The request is from the future.
    #[error("the request was signed at {issued}, the chain's time is {now}: sign with the time of the newest block")]
    FutureRequest {
        /// Seconds since 1970.
        issued: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// The license does not let this account ask this model.
    #[error(
        "license {license} does not let {account} ask this model now: it may be expired, held by somebody else, or without the right to infer"
    )]
    NotLicensed {
        /// The license.
        license: U256,
        /// Who asks.
        account: Address,
    },
    /// The license is for another asset.
    #[error("license {license} is for asset {asset}, not for this model: buy a license for it")]
    ForeignLicense {
        /// The license.
        license: U256,
        /// What it is for.
        asset: AssetId,
    },
    /// The same request is being served.
    #[error("request {0} is being served right now: ask again in a moment")]
    InProgress(B256),
    /// The answer is no longer kept.
    #[error("request {0} was served in an epoch that is closed; its receipt is at /v1/receipts/{0}")]
    AlreadySettled(B256),
    /// No such receipt.
    #[error("there is no receipt {0}")]
    UnknownReceipt(B256),
    /// No such epoch.
    #[error("epoch {0} is not closed yet: see /v1/epochs")]
    UnknownEpoch(u64),
    /// The epoch before is not settled.
    #[error("the root of epoch {0} is still in its window: close the next epoch when it is active")]
    RootPending(u64),
    /// Nobody has been credited anything yet.
    #[error(
        "the pool has not been credited anything yet: close the epoch when a license was sold and something is earned"
    )]
    NothingToDivide,
    /// The folder does not have the batch that the next one continues.
    #[error(
        "the batch of epoch {0}, whose root is the last on chain, is not in the data folder: copy its file {0}-<data hash>.json into batches/ and close again"
    )]
    PreviousMissing(u64),
    /// Nothing is owed to this account.
    #[error("account {account} has no leaf in epoch {epoch}")]
    NoLeaf {
        /// The account.
        account: Address,
        /// The epoch.
        epoch: u64,
    },
    /// No such batch.
    #[error("there is no batch {0}")]
    UnknownBatch(B256),
    /// The route is the operator's.
    #[error("this route needs the operator's token: send `Authorization: Bearer …`")]
    NotOperator,
    /// The body does not read.
    #[error("the request does not read: {0}")]
    BadBody(String),
    /// The path does not read.
    #[error("the path does not read: {0}")]
    BadPath(String),
    /// The body is larger than any request needs.
    #[error("the body is larger than {0} bytes: send one record a request")]
    BodyTooLarge(usize),
    /// The route is there, but not for this method.
    #[error("this route does not take that method: see the README for the routes")]
    WrongMethod,
    /// No such route.
    #[error("there is no such route: see the README for the routes")]
    UnknownRoute,
    /// The model refused or failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model's sketch cannot be used.
    #[error(transparent)]
    Sketch(#[from] SketchError),
    /// The release is at odds with itself.
    #[error("the release is at odds with itself: {0}")]
    Release(String),
    /// The ledger refused or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain refused or failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A batch file could not be written or read.
    #[error("the batch could not be kept: {0}; check the data folder's disk")]
    Batch(#[from] std::io::Error),
    /// A stored batch does not read.
    #[error("a stored batch does not read: {0}")]
    StoredBatch(String),
    /// The task that served ended without an answer.
    #[error("serving ended unexpectedly: ask again with the same request id")]
    Lost,
}
