//! Why a request was not served, in words for people and a code for programs.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use tributary_chain::ChainError;
use tributary_ledger::LedgerError;
use tributary_runtime::RuntimeError;
use tributary_sdk::{
    AssetId,
    sign_in::{Credential, SignInError},
    sketch::SketchError,
    typed_data::SignatureError,
};
use tributary_submission::SubmissionError;

use super::OpenError;
use crate::{protocol::ProtocolError, releases::StoreError};

/// Nothing was served, and nothing is owed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Another model.
    #[error("this host does not serve model {0}: see /v1/host")]
    UnknownModel(AssetId),
    /// A model that is known and not served now.
    #[error("model {0} is not loaded: ask again later")]
    Unloaded(AssetId),
    /// A request about one model, sent to another.
    #[error("the request asks model {asked}, but was sent to model {at}: send it to /v1/models/{asked}/infer")]
    OtherModel {
        /// In the request.
        asked: AssetId,
        /// In the path.
        at: AssetId,
    },
    /// Another release of the model.
    #[error("this host serves version {served}, the request asks for {asked}: sign a request for the served version")]
    WrongVersion {
        /// Asked for.
        asked: u32,
        /// Served here.
        served: u32,
    },
    /// Units are records.
    #[error("the request is signed for {found} units and carries {records} records: one unit is one record")]
    WrongUnits {
        /// In the request.
        found: u64,
        /// In the input.
        records: u64,
    },
    /// The host is about to stop.
    #[error("the host is stopping: ask again in a moment, or ask another host")]
    Draining,
    /// No model is loaded.
    #[error("no model is loaded: ask again later")]
    NothingServed,
    /// What is known of the chain is too old to serve by.
    #[error("the newest block is {age} seconds old, more than {allowed}: the host's node is behind; ask again later")]
    ChainBehind {
        /// In seconds.
        age: u64,
        /// In seconds.
        allowed: u64,
    },
    /// The host's clock cannot tell how old the chain is.
    #[error(
        "this host's clock is {ahead} seconds behind the newest block's time: its operator has to set it; ask again later"
    )]
    ClockBehind {
        /// In seconds.
        ahead: u64,
    },
    /// Nobody says who asks.
    #[error(
        "the request says nothing of who asks: sign it (`tributary connect` does that for clients that cannot), or send a bearer key"
    )]
    NoCredential,
    /// The sign-in's text.
    #[error(transparent)]
    BadSignIn(SignInError),
    /// The sign-in, or the signature to read, is for another host.
    #[error("the message is for `{found}`, this host is `{expected}`: sign a message for this host")]
    ForeignSignIn {
        /// In the message.
        found: String,
        /// Here.
        expected: String,
    },
    /// The sign-in's nonce was not given by this host, or has been used.
    #[error("the message's nonce is not good any more: GET /v1/nonce and sign a new message")]
    StaleNonce,
    /// The wallet does not stand behind the sign-in.
    #[error("{holder} did not sign this: sign with its key, or, for a contract, so that its ERC-1271 check accepts it")]
    NotSigned {
        /// Who should have.
        holder: Address,
    },
    /// The key was revoked.
    #[error("{0} was revoked: sign in another key")]
    KeyRevoked(Credential),
    /// No such key.
    #[error("the license has no key {0}: see its list of keys")]
    UnknownKey(Credential),
    /// No token, or one of another license.
    #[error(
        "this needs the token of a sign-in under this license: POST /v1/sessions, then send it as `Authorization: Bearer …`"
    )]
    NoToken,
    /// The sign-in is for later.
    #[error("the session begins at {begins} (the chain's time is {now}): ask again then")]
    SessionNotBegun {
        /// Seconds since 1970.
        begins: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// The signature to read an input with is for another time.
    #[error("the signature is good until {until}, the chain's time is {now}: sign for a time within the next day")]
    ReadingTime {
        /// In seconds since 1970.
        until: u64,
        /// In seconds since 1970.
        now: u64,
    },
    /// Somebody who may not read what was asked for.
    #[error("{0} may not read this: the vault's attestors may, and the payer what belongs to its own receipts")]
    NoReader(Address),
    /// An answer whose sketch is not everybody's to read.
    #[error(
        "the release lets only attestors read the sketch of {0}: POST the same path with a signed reader as an attestor or its payer"
    )]
    SketchWithheld(B256),
    /// An input that is not kept.
    #[error("the input of receipt {0} is not kept: the host says at /v1/host in how many epochs it keeps inputs")]
    InputNotKept(B256),
    /// An attestor's word about something else.
    #[error(
        "this is about another batch, or has another deadline, than epoch {0} here: GET its attestations and sign that statement"
    )]
    OtherStatement(u64),
    /// An epoch whose root is on chain.
    #[error("the root of epoch {0} is posted: nothing more is to be attested")]
    AlreadyPosted(u64),
    /// Somebody whom the vault's policy does not name.
    #[error("{0} is not among the vault's attestors")]
    NoAttestor(Address),
    /// A receipt without a closed epoch.
    #[error("the epoch of receipt {0} is not closed yet: ask again when it is")]
    NotSettled(B256),
    /// A receipt that no root commits to.
    #[error("receipt {0} was left out of its epoch, as it would not have held in an audit: ask the host's operator")]
    LeftOut(B256),
    /// A feature that this program was built without.
    #[error("this host was built without the feature `{0}`: ask for another format, or build it with --features {0}")]
    NotBuiltIn(&'static str),
    /// Roots are posted by hand here.
    #[error("this host submits nothing by itself: post with `tributary epoch post`, or set epoch_seconds")]
    NothingSubmitted,
    /// What is submitted to the chain.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// A model could not be loaded.
    #[error("the model cannot be loaded: {0}")]
    CannotLoad(Box<OpenError>),
    /// A request of the Open Inference Protocol that cannot be served.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The input is not what was signed for.
    #[error("the input does not fit the signed commitment: sign keccak256(salt ‖ keccak256(little-endian f32 bytes))")]
    WrongCommitment,
    /// A message is not signed by who it should be.
    #[error("{0}; sign the request with the session's key")]
    Signature(#[from] SignatureError),
    /// The key is not signed in.
    #[error(
        "{credential} is not signed in{}: POST /v1/sessions first",
        license.map(|license| format!(" for license {license}")).unwrap_or_default()
    )]
    NoSession {
        /// What asks.
        credential: Credential,
        /// Under which license, if one is named.
        license: Option<U256>,
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
    #[error("epoch {0} is not closed yet: see the model's list of epochs")]
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
    /// No such text.
    #[error("no license's text with the hash {0} is kept here: ask who offers it")]
    UnknownText(B256),
    /// Where releases and texts are kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The route is the operator's.
    #[error("this route needs the operator's token: send `Authorization: Bearer …`")]
    NotOperator,
    /// The body does not read.
    #[error("the request does not read: {0}")]
    BadBody(String),
    /// A header does not read.
    #[error("a header does not read: {0}")]
    BadHeader(String),
    /// The path does not read.
    #[error("the path does not read: {0}")]
    BadPath(String),
    /// The body is larger than any request needs.
    #[error("the body is larger than {0} bytes: send fewer records a request")]
    BodyTooLarge(usize),
    /// The body is not there yet.
    #[error("the body did not come within {} seconds: send it faster", .0.as_secs_f32())]
    SlowBody(Duration),
    /// The route is there, but not for this method.
    #[error("this route does not take that method: see /docs for the routes")]
    WrongMethod,
    /// No such route.
    #[error("there is no such route: see /docs for the routes")]
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
