use alloy::primitives::{Address, B256};
use tributary_chain::ChainError;
use tributary_dataset::{DatasetError, access::Purposes};
use tributary_sdk::AssetId;

use crate::{host::Refusal, steps::StepError};

/// Why a dataset's host does not take or give something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetRefusal {
    /// A consent to another dataset.
    #[error("the consent is for dataset {found}, this is {expected}: sign one for this dataset")]
    OtherDataset {
        /// By the consent.
        found: AssetId,
        /// Collected here.
        expected: AssetId,
    },
    /// A consent under another charter.
    #[error("the consent is under the terms {found}, this dataset's are {expected}: read its charter and sign again")]
    OtherTerms {
        /// By the consent.
        found: B256,
        /// The charter's hash.
        expected: B256,
    },
    /// A consent to be paid in another way.
    #[error("the consent is for another settlement policy than the charter's: sign again")]
    OtherPayPolicy,
    /// The consent can be recorded no more.
    #[error(
        "the consent could be recorded until {deadline}, the chain's time is {now}: sign again with a later deadline"
    )]
    Expired {
        /// Seconds since 1970.
        deadline: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// Another consent was recorded with its nonce.
    #[error("{0} has used this consent's nonce for another one: sign again with a new nonce")]
    NonceUsed(Address),
    /// The contributor did not sign.
    #[error("{0} did not sign this: sign with its key, or, for a contract, so that its ERC-1271 check accepts it")]
    NotSigned(Address),
    /// The parts that were announced make no contribution.
    #[error("the parts make no contribution: {0}")]
    BadParts(String),
    /// Nobody announced it.
    #[error("contribution {0} was not announced here: POST its signed consent first")]
    UnknownContribution(B256),
    /// A part that was not announced.
    #[error("the contribution has {parts} parts, there is no part {place}: see what is missing")]
    UnknownPart {
        /// Which, from 0.
        place: usize,
        /// How many were announced.
        parts: usize,
    },
    /// Other bytes than those announced.
    #[error("part {place} has hash {found}, {expected} was announced: send the part as it was prepared")]
    OtherPart {
        /// Which, from 0.
        place: usize,
        /// Of the bytes that came.
        found: B256,
        /// Announced.
        expected: B256,
    },
    /// Parts are missing.
    #[error("parts are missing: {}", .0.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    Incomplete(Vec<u32>),
    /// No such record.
    #[error("contribution {contribution} has no record {place}: places count from 0")]
    UnknownRecord {
        /// The contribution.
        contribution: B256,
        /// Where in it, from 0.
        place: u64,
    },
    /// An appeal without a reason, or with a whole book of them.
    #[error("say why in 1 to {longest} bytes")]
    BadReason {
        /// Most bytes.
        longest: usize,
    },
    /// A purpose that the charter does not allow.
    #[error("the dataset's charter does not allow `{0}`: whatever is granted, its contributors did not agree to it")]
    NotChartered(Purposes),
    /// The records are not those that were signed for.
    #[error("the records are not those that the consent commits to: prepare the contribution again and sign that")]
    WrongCommitment,
    /// What is kept is not what a receipt was given for.
    #[error("what is kept of contribution {0} is not what it was signed for: see `tributary dataset mend`")]
    Broken(B256),
    /// No sealed record is there at all.
    #[error("none of the sealed records is where they are kept: put the store back, nothing was forgotten")]
    NothingThere,
    /// Somebody who does not screen.
    #[error("{0} may not decide about records: only the dataset's owner and its curator may")]
    NotCurator(Address),
    /// A signature that is none.
    #[error("a signature has at most {longest} bytes")]
    LongSignature {
        /// Most bytes.
        longest: usize,
    },
    /// The contributor took it back.
    #[error("contribution {0} is withdrawn")]
    Withdrawn(B256),
    /// The chain does not have the consent.
    #[error("the chain has not recorded consent {0}: record it first, or wait until the host has")]
    NotRecorded(B256),
    /// Signed for another time.
    #[error("the signature is good until {until}, the chain's time is {now}: sign for a time within the next day")]
    SignedFor {
        /// Seconds since 1970.
        until: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// An answer's receipt that was not signed for.
    #[error("receipt {found} was sent, {signed} was signed for: send the answer that the signature names")]
    OtherReceipt {
        /// Sent.
        found: B256,
        /// Signed for.
        signed: B256,
    },
    /// Somebody else's answer.
    #[error("{payer} paid for that answer, not {account}: only who paid for an answer may correct it")]
    NotThePayer {
        /// Who gave the record.
        account: Address,
        /// Who paid.
        payer: Address,
    },
    /// An answer of a model that has nothing to do with the dataset.
    #[error(
        "model {model} is not made of dataset {dataset}, by its lineage on chain: send this to a dataset that it is made of"
    )]
    OtherModel {
        /// The model.
        model: AssetId,
        /// Collected here.
        dataset: AssetId,
    },
    /// A receipt that the model's host did not sign.
    #[error(
        "receipt {receipt} was not signed by the host that the chain named for model {model} when it was served, or is for other weights than its version's"
    )]
    NotTheHosts {
        /// The receipt.
        receipt: B256,
        /// The model.
        model: AssetId,
    },
    /// Other outputs than those of the receipt.
    #[error("the outputs are not those that receipt {0} is for: send the answer as it came")]
    OtherOutputs(B256),
    /// A question about more than one record.
    #[error("receipt {receipt} is for {records} records at once: only answers about one record can be corrected")]
    SeveralRecords {
        /// The receipt.
        receipt: B256,
        /// How many records were asked about.
        records: u64,
    },
    /// An answer that says nothing in the dataset's terms.
    #[error("the answer has {found} classes, the dataset has {expected}: its records do not correct that model")]
    OtherClasses {
        /// Of the answer.
        found: usize,
        /// By the schema.
        expected: usize,
    },
    /// A dataset without classes.
    #[error("the dataset's records have no classes: its answers are flagged, not corrected")]
    NoClasses,
    /// Another input than the record.
    #[error(
        "record {place} with this salt is not the input that receipt {receipt} is for: correct the record that was asked about"
    )]
    OtherInput {
        /// The record.
        place: u64,
        /// The receipt.
        receipt: B256,
    },
    /// The record says what the answer says.
    #[error("record {place} has the class that the answer of receipt {receipt} names: there is nothing to correct")]
    NothingToCorrect {
        /// The record.
        place: u64,
        /// The receipt.
        receipt: B256,
    },
    /// The answer is corrected by another record.
    #[error("the answer of receipt {0} is corrected by another record already: an answer is corrected once")]
    ReceiptUsed(B256),
    /// A charter that says nothing of validators.
    #[error("the charter has no validators: its curator alone decides about held records")]
    NoValidators,
    /// Somebody who reviews what they gave.
    #[error("{0} gave this record: nobody reviews records of their own")]
    OwnRecord(Address),
    /// A review that was given.
    #[error("{validator} has reviewed record {place} before, and said something else: a review cannot be changed")]
    ReviewedBefore {
        /// Who.
        validator: Address,
        /// Which record.
        place: u64,
    },
    /// A record that nobody has to look at.
    #[error("the newest screening does not hold record {place} of {contribution}: see `tributary dataset held`")]
    NotHeld {
        /// The contribution.
        contribution: B256,
        /// Which of its records.
        place: u64,
    },
    /// A flag for another dataset.
    #[error("the flag is for dataset {found}, this is {expected}: sign one for this dataset")]
    FlagElsewhere {
        /// By the flag.
        found: AssetId,
        /// Collected here.
        expected: AssetId,
    },
    /// No such snapshot.
    #[error("the dataset has no snapshot {0}")]
    UnknownSnapshot(u32),
    /// A request that cannot be read.
    #[error(transparent)]
    Request(#[from] Refusal),
    /// The records, the rules.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The folder.
    #[error(transparent)]
    Step(Box<StepError>),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<StepError> for DatasetRefusal {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Dataset(error) => Self::Dataset(error),
            StepError::Chain(error) => Self::Chain(error),
            StepError::Refused(error) => *error,
            other => Self::Step(Box::new(other)),
        }
    }
}
