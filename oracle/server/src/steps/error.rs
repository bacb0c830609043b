use std::{io, path::PathBuf};

use alloy::primitives::{Address, B256, U256};
use tributary_chain::{ChainError, dispute::Difference};
use tributary_dataset::DatasetError;
use tributary_factory::FactoryError;
use tributary_sdk::{
    AssetId,
    client::ClientError,
    merkle::MerkleError,
    release::{ManifestError, VersionRef},
    typed_data::SignatureError,
};
use tributary_settlement::SettlementError;

use crate::{
    dataset::DatasetRefusal,
    releases::StoreError,
    terms::{OfferFault, TermsError},
};

/// A step could not be taken; what was done before it stands.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A model of numbers.
    #[error("hosts serve classes alone, so this model of numbers is not released; how good it is stands in {card}")]
    NotServed {
        /// Its card, for people.
        card: PathBuf,
    },
    /// A base that the release was not trained from.
    #[error(
        "version {version} of model {asset} has the weights {found}, and training started from {}: name the version that it started from",
        trained_from.map_or("none".to_owned(), |hash| hash.to_string())
    )]
    OtherBase {
        /// The model named.
        asset: AssetId,
        /// Its version.
        version: u32,
        /// That version's weights.
        found: B256,
        /// What the release was trained from.
        trained_from: Option<B256>,
    },
    /// Less than a base's owner asks of derived models.
    #[error(
        "the owner of model {asset} asks {least} basis points of what derived models earn, and {given} are given: raise it"
    )]
    ShareTooSmall {
        /// The model.
        asset: AssetId,
        /// What its owner asks, in basis points.
        least: u16,
        /// What is given.
        given: u16,
    },
    /// A base that is not named.
    #[error(
        "training started from weights {weights}, which are version {} of model {}: name it under [base], with what its \
         owner asks",
        parent.version, parent.asset
    )]
    UnnamedBase {
        /// Whose weights they are.
        parent: VersionRef,
        /// The weights.
        weights: B256,
    },
    /// A model with another lineage.
    #[error(
        "model {asset} is registered without an edge to {parent}, which this release was made of: release it under another \
         name, or announce a change of its lineage"
    )]
    OtherLineage {
        /// The model.
        asset: AssetId,
        /// What it was made of.
        parent: AssetId,
    },
    /// A model with another share table.
    #[error(
        "model {asset} is registered with other shares: a later release keeps them; give the shares it has, or announce a \
         change of its table"
    )]
    OtherShares {
        /// The model.
        asset: AssetId,
    },
    /// A release that something stands against.
    #[error("it is not released: {} of what was looked at does not hold: {}", .0.len(), .0.join("; "))]
    NotReleased(Vec<String>),
    /// No release of a model is kept here.
    #[error(
        "no release of model {asset} is kept in this data folder: name the folder it was released from with --data"
    )]
    NotKept {
        /// The model.
        asset: AssetId,
    },
    /// Where releases are kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the data folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the data folder does not read.
    #[error("{} does not read ({reason}): restore it, or start with an empty data folder", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A chain's manifest does not hold.
    #[error("{}: {source}", path.display())]
    ChainManifest {
        /// The manifest.
        path: PathBuf,
        /// What differs.
        source: Box<ChainError>,
    },
    /// An earlier step was not taken in this data folder.
    #[error("{} is missing: run `{command}` first, or point --data at the folder where you did", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
        /// What makes it.
        command: &'static str,
    },
    /// The data folder belongs to another chain.
    #[error("the data folder {} belongs to chain {found}, this is chain {expected}: use the folder of this chain, or an empty one", path.display())]
    WrongChain {
        /// The folder.
        path: PathBuf,
        /// Chain id and genesis hash in the folder.
        found: String,
        /// Chain id and genesis hash of the node.
        expected: String,
    },
    /// Gate and baseline shares are decided on records that were committed to before contributions opened, on no others.
    #[error(
        "the held-out records have hash {found}, the dataset committed to {expected}: use those of `tributary dataset create`"
    )]
    WrongHeldOut {
        /// Of the records given.
        found: B256,
        /// Committed to at registration.
        expected: B256,
    },
    /// A folder belongs to one dataset.
    #[error("{} holds a dataset already: create another one in an empty folder", path.display())]
    DatasetExists {
        /// The folder.
        path: PathBuf,
    },
    /// The program is being stopped.
    #[error("the program is being stopped: do it again")]
    Interrupted,
    /// A bundle that somebody else has signed.
    #[error("{} was signed by {signer}, not by {asked}: act for {signer}, or prepare the records again in an empty folder", path.display())]
    OtherSigner {
        /// The consent.
        path: PathBuf,
        /// Who has signed it.
        signer: Address,
        /// Who is to give the records now.
        asked: Address,
    },
    /// A bundle for another dataset, or under another charter.
    #[error("{} was prepared for dataset {dataset} under another charter: prepare the records again in an empty folder", path.display())]
    OtherBundle {
        /// The bundle.
        path: PathBuf,
        /// What it was for.
        dataset: AssetId,
    },
    /// A contribution without a signature.
    #[error("{} is not signed yet: sign its typed data and give the signature", path.display())]
    NotSigned {
        /// The consent.
        path: PathBuf,
    },
    /// A record that a contribution does not have.
    #[error("the contribution has {records} records, there is no record {place}: places count from 0")]
    NoSuchRecord {
        /// Asked about.
        place: u64,
        /// How many there are.
        records: u64,
    },
    /// A file of answers that does not read.
    #[error("{}, line {line}: {reason}; give the file that `tributary ask --keep` wrote", path.display())]
    Answers {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer that was not kept.
    #[error("no answer with receipt {0} is in the file: give the file that `tributary ask --keep` wrote when it came")]
    UnknownAnswer(B256),
    /// Somebody who is not a model's curators.
    #[error(
        "{account} pays validators of what the share table of vault {vault} credits to the curators, and those are {curators}: act for them"
    )]
    NotCurators {
        /// The vault.
        vault: Address,
        /// Who acts.
        account: Address,
        /// Whom the share table names.
        curators: Address,
    },
    /// An account whose income of a vault is not the curators' alone.
    #[error(
        "{account} is paid by vault {vault} as its payee or host as well, and a withdrawal does not say for which: name an account of its own as curators"
    )]
    SeveralRoles {
        /// The vault.
        vault: Address,
        /// Who acts.
        account: Address,
    },
    /// A payment that somebody else began.
    #[error("a payment of {curators} is not at its end, and {account} cannot sign for it: act for {curators} first")]
    PaysForOther {
        /// Who began it.
        curators: Address,
        /// Who acts.
        account: Address,
    },
    /// A payment that the chain has not taken yet.
    #[error(
        "the chain has not taken transaction {transaction} yet, or not for good (the node: {said}): run the same command again later, nothing is paid twice"
    )]
    PaymentWaits {
        /// The transaction.
        transaction: B256,
        /// What the node said of it.
        said: String,
    },
    /// A payment that was seen, and is not found any more.
    #[error(
        "transaction {transaction} had paid a validator, and the node does not have it any more: ask another node, or look \
         whether the chain was reorganised; nothing is paid again before that is known"
    )]
    PaymentUnclear {
        /// The transaction.
        transaction: B256,
    },
    /// Validators are paid in tokens.
    #[error("validators are paid in tokens, not in the chain's own coin: name a token")]
    PaidInCoin,
    /// The curators have spent what is the validators'.
    #[error("{account} holds {held} base units of {token}, validators are due {amount}: fund it first")]
    CannotPayValidators {
        /// Who pays.
        account: Address,
        /// Its balance.
        held: U256,
        /// The token.
        token: Address,
        /// What is due.
        amount: u128,
    },
    /// The buyer's money does not reach.
    #[error("{account} holds {held} base units of {token}, the license costs {price}: fund it first")]
    CannotPay {
        /// Who buys.
        account: Address,
        /// Its balance.
        held: u128,
        /// The payment token.
        token: Address,
        /// The price.
        price: u128,
    },
    /// Only its owner sells an asset.
    #[error("asset {asset} belongs to {owner}, not to {account}: act for its owner")]
    NotTheOwner {
        /// The asset.
        asset: AssetId,
        /// Whose it is.
        owner: Address,
        /// Who acts.
        account: Address,
    },
    /// A release of something else.
    #[error("the release in {} is no version of {asset} on this chain: name the model that it was published as, or publish it", folder.display())]
    OtherRelease {
        /// The release's folder.
        folder: PathBuf,
        /// The model.
        asset: AssetId,
    },
    /// The host is not the one that the chain names.
    #[error("the host's {what} is not what the chain says of the model: ask the model's own host")]
    NotTheHost {
        /// What differs.
        what: &'static str,
    },
    /// The host serves more than one model, or none.
    #[error("say which model with --model; the host serves: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    WhichModel(Vec<AssetId>),
    /// No such epoch.
    #[error("epoch {0} is not closed yet")]
    NotClosed(u64),
    /// The host serves no model with this vault.
    #[error("the host serves no model whose vault is {0}: ask the model's own host")]
    NotServedHere(Address),
    /// A receipt that the chain does not bear out.
    #[error("the receipt does not hold: {0}; keep it as evidence against the host")]
    Receipt(String),
    /// Too few attestors agreed.
    #[error("{given} attestations, the vault's policy asks for {needed}: collect more with `tributary epoch attest`")]
    TooFewAttestations {
        /// Collected.
        given: usize,
        /// Needed.
        needed: usize,
    },
    /// Attestors signed different statements.
    #[error("attestors signed different statements: give all of them the same batch and deadline")]
    StatementsDiffer,
    /// A root that waits is not what recomputing gives.
    #[error(
        "root {index} is wrong: {difference}; {}",
        if *is_challenged { "it is challenged, and its arbiter has to rule" } else { "stake a bond against it with `tributary challenge`" }
    )]
    RootIsWrong {
        /// Its index.
        index: u64,
        /// Whether somebody has challenged it already.
        is_challenged: bool,
        /// What is wrong.
        difference: Box<Difference>,
    },
    /// An attestor was not given the sketches that a batch leaves out.
    #[error(
        "the host did not give an attestor the batch's sketches, without which its division cannot be recomputed: {0}"
    )]
    NoSketches(#[source] ClientError),
    /// A terms file.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Something that cannot be offered.
    #[error("this cannot be offered: {0}")]
    Offer(#[from] OfferFault),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The dataset's host, when it is this program.
    #[error(transparent)]
    Refused(Box<DatasetRefusal>),
    /// The factory.
    #[error(transparent)]
    Factory(#[from] FactoryError),
    /// The host, as a client sees it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A published file.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// ONNX Runtime or the model.
    #[error(transparent)]
    Runtime(#[from] tributary_runtime::RuntimeError),
    /// A model's sketch.
    #[error(transparent)]
    Sketch(#[from] tributary_sdk::sketch::SketchError),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] tributary_ledger::LedgerError),
    /// A tree.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
    /// The settlement policy.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
}

impl From<DatasetRefusal> for StepError {
    fn from(error: DatasetRefusal) -> Self {
        match error {
            DatasetRefusal::Dataset(error) => Self::Dataset(error),
            DatasetRefusal::Chain(error) => Self::Chain(error),
            DatasetRefusal::Step(error) => *error,
            other => Self::Refused(Box::new(other)),
        }
    }
}
