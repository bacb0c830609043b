//! The JSON bodies of the host's HTTP interface, used by the server and the client alike.

mod access;
mod accounts;
mod datasets;
mod epochs;
mod inference;
mod models;
mod submissions;

use serde::{Deserialize, Serialize};

pub use access::{KeyInfo, LicenseUsage, Nonce, SignIn, SignedIn};
pub use accounts::{AccountBooks, AccountEpoch, AccountPage, RootStanding};
pub use datasets::{
    AcceptedReviews, ContributionInfo, CorrectedAnswer, DatasetInfo, Erased, HeldRecord, HeldRecords, NewContribution,
    PartSummary, SignedAnswer, SignedAppeal, SignedCorrection, SignedErasure, SignedFlag, SignedReceipt, SignedReview,
    ValidatorPayment, ValidatorShare, Validators,
};
pub use epochs::{Attested, BackupInfo, ClaimProof, EpochInfo, Finding, Quorum, Refused};
pub use inference::{Attribution, ContributorScore, Infer, Inferred, Influence, KeptInput, Reader, ReceiptProof};
pub use models::{HostInfo, ModelInfo, ModelPage, OfferPage, Parent};
pub use submissions::{Submission, Submissions};

/// Every refusal: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Stable, in `snake_case`.
    pub code: String,
    /// What is wrong and what to do. It is called as the Open Inference Protocol calls it.
    #[serde(rename = "error")]
    pub message: String,
}

/// The bytes a request commits to and a receipt hashes: little-endian `f32`s.
pub fn tensor_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The class that a record's logits name: the place of the largest, the last of equal ones.
pub fn named_class(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class as u32)
}
