//! What makes a model better: answers that are kept, and what is said of them to the dataset that the model is made of.

use std::{fs, io::Write, path::Path};

use alloy::{
    primitives::{B256, keccak256},
    signers::local::PrivateKeySigner,
};
use tributary_chain::Chain;
use tributary_dataset::contribution::{Bundle, Part};
use tributary_sdk::{
    api::{
        HeldRecords, Inferred, Reader, SignedAnswer, SignedCorrection, SignedFlag, SignedReview, named_class,
        tensor_bytes,
    },
    client::{DatasetClient, authority},
    records::record_commitment,
    typed_data::{self, Correction, Flag, HeldAccess, Review},
};

use super::{
    StepError,
    contributing::{Agreement, Known},
};

/// Adds an answer to a file of them, one a line: what is needed to flag it or correct it later.
pub fn keep(path: &Path, answer: &Inferred) -> Result<(), StepError> {
    let Inferred { receipt, host_signature, salt, logits, .. } = answer.clone();
    let file = |source| StepError::File { path: path.to_owned(), source };
    let unreadable =
        |error: serde_json::Error| StepError::Answers { path: path.to_owned(), line: 0, reason: error.to_string() };
    let mut line = serde_json::to_vec(&SignedAnswer { receipt, host_signature, salt, logits }).map_err(unreadable)?;
    line.push(b'\n');
    // In one piece, so that two programs may add to one file.
    fs::OpenOptions::new().create(true).append(true).open(path).and_then(|mut open| open.write_all(&line)).map_err(file)
}

/// The answers of a file.
///
/// # Errors
/// [`StepError::File`], [`StepError::Answers`].
pub fn answers(path: &Path) -> Result<Vec<SignedAnswer>, StepError> {
    let text = fs::read_to_string(path).map_err(|source| StepError::File { path: path.to_owned(), source })?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(line, text): (usize, &str)| {
        let wrong = |error: serde_json::Error| {
            let reason = error.to_string();
            StepError::Answers { path: path.to_owned(), line, reason }
        };
        serde_json::from_str(text).map_err(wrong)
    };
    lines.map(read).collect()
}

/// What became of a bundle's records as corrections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Records that were claimed to correct an answer: place and receipt.
    pub corrections: Vec<(u64, B256)>,
    /// Records whose answer names the very class that they have.
    pub right: Vec<u64>,
    /// Records that no answer was about.
    pub unasked: Vec<u64>,
}

/// Says of every record of a sent bundle that was asked about, and answered otherwise, that it corrects the answer. Answers
/// are found by their inputs. A correction that the host has already changes nothing.
///
/// # Errors
/// [`StepError::Client`] for the first that the host refuses; those before it are taken.
pub async fn correct(
    chain: &Chain,
    known: &Known,
    bundle: &Bundle,
    agreement: &Agreement,
    answers: &[SignedAnswer],
    key: &PrivateKeySigner,
) -> Result<Claimed, StepError> {
    let (schema, contribution) = (&known.charter.schema, agreement.id(chain));
    let mut claimed = Claimed::default();
    for number in 0..bundle.summary().parts.len() {
        let part = Part::decode(&bundle.part(number)?, schema)?;
        for (place, entry) in (part.first..).zip(&part.entries) {
            let Some(record) = entry.record() else { continue };
            let features: Vec<f32> = schema.numbers(record).into_iter().map(|value| value as f32).collect();
            let input = keccak256(tensor_bytes(&features));
            let about = |answer: &&SignedAnswer| {
                let Agreement { contribution, .. } = agreement;
                answer.receipt.payer == contribution.contributor
                    && answer.receipt.inputCommitment == record_commitment(answer.salt, input)
            };
            let asked: Vec<&SignedAnswer> = answers.iter().filter(about).collect();
            let is_wrong = |answer: &&SignedAnswer| schema.class(record) != Some(named_class(&answer.logits) as usize);
            if asked.is_empty() {
                claimed.unasked.push(place);
            } else if !asked.iter().any(is_wrong) {
                claimed.right.push(place);
            }
            for answer in asked.into_iter().filter(is_wrong) {
                let receipt = answer.receipt.id;
                let correction = Correction { contributionId: contribution, place, receiptId: receipt };
                let signature = typed_data::sign(&correction, &chain.consent_domain(), key)?.into();
                let signed = SignedCorrection { correction, signature, answer: answer.clone() };
                known.client.correct(&signed).await?;
                claimed.corrections.push((place, receipt));
            }
        }
    }
    Ok(claimed)
}

/// Says that an answer is wrong, without a record.
///
/// # Errors
/// [`StepError::UnknownAnswer`], [`StepError::Client`].
pub async fn flag(
    chain: &Chain,
    client: &DatasetClient,
    receipt: B256,
    answers: &[SignedAnswer],
    reason: String,
    key: &PrivateKeySigner,
) -> Result<(), StepError> {
    let answer = answers.iter().find(|answer| answer.receipt.id == receipt);
    let answer = answer.ok_or(StepError::UnknownAnswer(receipt))?;
    let flag = Flag { receiptId: receipt, datasetId: client.info().dataset.0, reason };
    let signature = typed_data::sign(&flag, &chain.consent_domain(), key)?.into();
    let (receipt, host_signature) = (answer.receipt.clone(), answer.host_signature.clone());
    Ok(client.flag(&SignedFlag { flag, signature, receipt, host_signature }).await?)
}

/// How long a signature to read with may wait, in seconds.
const AN_HOUR: u64 = 60 * 60;

/// The records that the dataset at `url` holds, for somebody who may curate it.
///
/// # Errors
/// [`StepError::Client`] where they may not.
pub async fn held(chain: &Chain, url: &str, key: &PrivateKeySigner) -> Result<HeldRecords, StepError> {
    let client = DatasetClient::connect(url).await?;
    let until = chain.head().await?.timestamp.saturating_add(AN_HOUR);
    let access = HeldAccess { datasetId: client.info().dataset.0, authority: authority(url), until };
    let signature = typed_data::sign(&access, &chain.consent_domain(), key)?.into();
    Ok(client.held(&Reader { signer: key.address(), authority: access.authority, until, signature }).await?)
}

/// Says what a validator thinks of a held record; it cannot be changed.
///
/// # Errors
/// [`StepError::Client`] where the host does not take it.
pub async fn review(
    chain: &Chain,
    client: &DatasetClient,
    review: Review,
    key: &PrivateKeySigner,
) -> Result<(), StepError> {
    let signature = typed_data::sign(&review, &chain.consent_domain(), key)?.into();
    Ok(client.review(&SignedReview { review, validator: key.address(), signature }).await?)
}
