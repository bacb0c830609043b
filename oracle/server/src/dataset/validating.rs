//! What validators read and say: the held records, and reviews of them.
//!
//! Validators are the accounts to whom the dataset's owner granted the purpose `curate`. What others said of a record is not
//! shown to them before a snapshot is published: who agrees without looking is not to be paid for it.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize};
use tributary_chain::assets;
use tributary_dataset::{
    access::Purposes,
    schema::Label,
    screening::{Decision, Reason, RecordPlace, ReportedRecord, Said, ScreeningReport},
};
use tributary_sdk::{
    AssetId,
    api::{CorrectedAnswer, HeldRecord, HeldRecords, Reader, SignedReview, named_class},
    typed_data::HeldAccess,
};

use super::{
    Collection, DatasetRefusal,
    correcting::{Corrected, Opening},
    reading::{self, grant},
    review::{A_DAY, check_reason},
};
use crate::{
    host::Refusal,
    steps::{self, StepError},
};

const REVIEWS: &str = "reviews";
/// Most records that are shown at one time.
const SHOWN: usize = 200;

/// A review as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reviewed {
    /// What the validator signed.
    pub signed: SignedReview,
    /// When it came, in seconds since 1970 by the chain's time.
    pub at: u64,
}

impl Collection {
    /// The records that the newest screening holds, for whoever may curate: without their own and without those that they
    /// have reviewed. `authority` is where this host is asked.
    ///
    /// # Errors
    /// [`DatasetRefusal::SignedFor`], [`DatasetRefusal::NotSigned`], those of a grant, and those of the store.
    pub async fn held(&self, reader: &Reader, authority: &str) -> Result<HeldRecords, DatasetRefusal> {
        let Reader { signer, authority: found, until, signature } = reader;
        if !authority.eq_ignore_ascii_case(found) {
            let (found, expected) = (found.clone(), authority.to_owned());
            return Err(Refusal::ForeignSignIn { found, expected }.into());
        }
        let now = self.chain.head().await?.timestamp;
        if *until <= now || until.saturating_sub(now) > A_DAY {
            return Err(DatasetRefusal::SignedFor { until: *until, now });
        }
        let access = HeldAccess { datasetId: self.asset().0, authority: found.clone(), until: *until };
        let digest = access.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(*signer, digest, signature).await?;
        let grant = self.grant(*signer, Purposes::CURATE).await?;
        let withdrawals = reading::withdrawals(&self.chain, self.asset()).await?;
        let _alone = self.alone().await?;
        let reviewed: BTreeSet<(B256, u64)> = self
            .reviews()?
            .into_iter()
            .filter(|reviewed| reviewed.signed.validator == *signer)
            .map(|reviewed| (reviewed.signed.review.contributionId, reviewed.signed.review.place))
            .collect();
        let (mut shown, mut more) = (Vec::new(), 0u64);
        for record in self.newest_report()?.into_iter().flat_map(|report| report.records) {
            let RecordPlace { contribution, contributor, place } = record.place;
            let is_theirs = contributor == *signer || reviewed.contains(&(contribution, u64::from(place)));
            if !waits(&record) || is_theirs || withdrawals.contributions.contains(&contribution) {
                continue;
            }
            let commitment = self.commitment_of(contribution, u64::from(place))?;
            match commitment.is_some_and(|commitment| !withdrawals.records.contains(&(contribution, commitment))) {
                true if shown.len() < SHOWN => shown.push(record),
                true => more = more.saturating_add(1),
                false => {}
            }
        }
        let opening = Opening { by: *signer, valid_until: grant.valid_until, evidence: None };
        self.shown(opening, shown, more).await
    }

    async fn shown(
        &self,
        opening: Opening,
        shown: Vec<ReportedRecord>,
        more: u64,
    ) -> Result<HeldRecords, DatasetRefusal> {
        let schema = &self.charter.schema;
        let places: BTreeSet<(B256, u64)> = shown.iter().map(named).collect();
        let records = self.open_places(opening, &places).await?;
        let appeals: BTreeMap<(B256, u64), String> = self
            .appeals()?
            .into_iter()
            .map(|appealed| appealed.signed.appeal)
            .map(|appeal| ((appeal.contributionId, appeal.place), appeal.reason))
            .collect();
        let mut corrects: BTreeMap<(B256, u64), Vec<CorrectedAnswer>> = BTreeMap::new();
        for Corrected { signed, .. } in self.corrections()? {
            let place = (signed.correction.contributionId, signed.correction.place);
            corrects.entry(place).or_default().push(self.answered(&signed.answer));
        }
        let held = |record: ReportedRecord| {
            let place = named(&record);
            Some(HeldRecord {
                contribution: place.0,
                place: place.1,
                fields: schema.spell(records.get(&place)?),
                reasons: record.reasons.into_iter().map(|reason| reason.words).collect(),
                appeal: appeals.get(&place).cloned(),
                corrects: corrects.remove(&place).unwrap_or_default(),
            })
        };
        Ok(HeldRecords { columns: schema.columns(), records: shown.into_iter().filter_map(held).collect(), more })
    }

    fn answered(&self, answer: &tributary_sdk::api::SignedAnswer) -> CorrectedAnswer {
        let class = named_class(&answer.logits);
        let name = match &self.charter.schema.label {
            Label::Class { names } => names.get(class as usize).cloned(),
            _ => None,
        };
        let receipt = &answer.receipt;
        CorrectedAnswer {
            receipt: receipt.id,
            model: AssetId(receipt.assetId),
            version: receipt.version,
            answered: name.unwrap_or_else(|| class.to_string()),
        }
    }

    /// Takes what a validator says of a held record. It cannot be taken back; the same again changes nothing.
    ///
    /// # Errors
    /// [`DatasetRefusal`] says what does not hold.
    pub async fn take_review(&self, signed: SignedReview) -> Result<(), DatasetRefusal> {
        let SignedReview { review, validator, signature } = &signed;
        let (contribution, place, validator) = (review.contributionId, review.place, *validator);
        if self.charter.validation.is_none() {
            return Err(DatasetRefusal::NoValidators);
        }
        let kept = self.whole(contribution, place)?;
        check_reason(&review.reason)?;
        if kept.consent.contribution.contributor == validator {
            return Err(DatasetRefusal::OwnRecord(validator));
        }
        let digest = review.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(validator, digest, signature).await?;
        let at = self.chain.head().await?.timestamp;
        // Not even the curator without one: they rule.
        grant(&self.chain, self.asset(), validator).await?.allows(Purposes::CURATE, at)?;
        let file = format!("{REVIEWS}/{contribution}-{place}-{validator}.json");
        let _alone = self.alone().await?;
        if let Some(before) = self.data.maybe::<Reviewed>(&file)? {
            return match before.signed.review == signed.review {
                true => Ok(()),
                false => Err(DatasetRefusal::ReviewedBefore { validator, place }),
            };
        }
        let held = |report: ScreeningReport| {
            let is_it = |record: &ReportedRecord| named(record) == (contribution, place);
            report.records.iter().any(|record| is_it(record) && waits(record))
        };
        if !self.newest_report()?.is_some_and(held) {
            return Err(DatasetRefusal::NotHeld { contribution, place });
        }
        Ok(self.data.write(file, &Reviewed { signed, at })?)
    }

    /// Reviews in the order they came.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn reviews(&self) -> Result<Vec<Reviewed>, StepError> {
        let mut reviews: Vec<Reviewed> = self.kept_in(REVIEWS)?;
        reviews.sort_by_key(|reviewed| {
            let SignedReview { review, validator, .. } = &reviewed.signed;
            (reviewed.at, review.contributionId, review.place, *validator)
        });
        Ok(reviews)
    }

    /// Everything that screening hears. A review counts while its validator has the grant, and for good once a snapshot has
    /// decided about the record.
    ///
    /// # Errors
    /// [`DatasetRefusal::Chain`], and those of the folder.
    pub(crate) async fn said(&self) -> Result<Said, DatasetRefusal> {
        let corrections = self.correcting()?;
        let Some(validation) = self.charter.validation else { return Ok(Said { corrections, ..Said::default() }) };
        let mut settled = BTreeSet::new();
        for version in 1..=assets::asset(&self.chain, self.asset()).await?.versions {
            settled.extend(steps::dataset::screening(&self.chain, &self.data, version).await?.settled());
        }
        let now = self.chain.head().await?.timestamp;
        let mut validators: BTreeMap<Address, bool> = BTreeMap::new();
        let mut reviews = Vec::new();
        for Reviewed { signed, .. } in self.reviews()? {
            let validator = signed.validator;
            let place = u32::try_from(signed.review.place).unwrap_or(u32::MAX);
            let is_one = match validators.get(&validator) {
                Some(known) => *known,
                None => {
                    let grant = grant(&self.chain, self.asset(), validator).await?;
                    let is_one = grant.allows(Purposes::CURATE, now).is_ok();
                    validators.insert(validator, is_one);
                    is_one
                }
            };
            if is_one || settled.contains(&(signed.review.contributionId, place)) {
                reviews.push(signed);
            }
        }
        Ok(Said { corrections, reviews, agree: Some(validation.agree), settled })
    }

    /// The newest screening, if anything was screened. A record that people have ruled about since is still held in it.
    fn newest_report(&self) -> Result<Option<ScreeningReport>, StepError> {
        self.data.maybe("screening.json")
    }
}

/// Whether a record waits for somebody to look at it. One that waits for more records of its contributor does not: no review
/// changes that.
fn waits(record: &ReportedRecord) -> bool {
    let for_records = record.reasons.last().is_some_and(|reason| matches!(reason.reason, Reason::TooFew { .. }));
    record.decision == Decision::Hold && !for_records
}

fn named(record: &ReportedRecord) -> (B256, u64) {
    (record.place.contribution, u64::from(record.place.place))
}
