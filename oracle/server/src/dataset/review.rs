//! Appeals, rulings, and what is erased.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{primitives::B256, sol_types::SolStruct};
use serde::{Deserialize, Serialize};
use tributary_chain::{assets, consent};
use tributary_dataset::{
    contribution::Part,
    screening::{Decision, Ruling, ScreeningReport},
};
use tributary_sdk::{
    api::{Erased, SignedAppeal, SignedErasure},
    typed_data::Erasure,
};

use super::{Collection, DatasetRefusal, Kept, kept::KeptPart};
use crate::steps::{self, StepError};

const RULINGS: &str = "rulings.json";
const APPEALS: &str = "appeals";
/// How long before its end a signature to erase may be used, in seconds.
pub(super) const A_DAY: u64 = 24 * 60 * 60;
/// Longest reason of anybody's, in bytes.
const LONGEST_REASON: usize = 2_000;

/// An appeal as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Appealed {
    /// What is asked, as the contributor signed it.
    pub signed: SignedAppeal,
    /// When it came, in seconds since 1970 by the chain's time.
    pub at: u64,
    /// How many rulings there were then: what came before it is no answer to it.
    pub rulings: usize,
}

/// What waits for a curator.
#[derive(Clone, Debug)]
pub struct Review {
    /// The newest screening.
    pub report: ScreeningReport,
    /// Appeals that no ruling has answered.
    pub appeals: Vec<Appealed>,
}

impl Collection {
    /// The rulings so far, oldest first.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn rulings(&self) -> Result<Vec<Ruling>, StepError> {
        Ok(self.data.maybe(RULINGS)?.unwrap_or_default())
    }

    /// Keeps a curator's rulings, all or none; they hold from the next screening on.
    ///
    /// # Errors
    /// [`DatasetRefusal::NotCurator`], [`DatasetRefusal::UnknownContribution`], [`DatasetRefusal::UnknownRecord`].
    pub async fn rule(&self, given: Vec<Ruling>) -> Result<(), DatasetRefusal> {
        let owner = assets::owner(&self.chain, self.asset()).await?;
        for Ruling { contribution, place, by, .. } in &given {
            if ![self.charter.curator, owner].contains(by) {
                return Err(DatasetRefusal::NotCurator(*by));
            }
            let announced = self.announced(*contribution)?.ok_or(DatasetRefusal::UnknownContribution(*contribution))?;
            if u64::from(*place) >= announced.contribution.records {
                let (contribution, place) = (*contribution, u64::from(*place));
                return Err(DatasetRefusal::UnknownRecord { contribution, place });
            }
        }
        let _alone = self.alone().await?;
        let mut rulings = self.rulings()?;
        rulings.extend(given);
        Ok(self.data.write(RULINGS, &rulings)?)
    }

    /// The newest screening.
    ///
    /// # Errors
    /// [`StepError::Missing`] where nothing was screened.
    pub fn report(&self) -> Result<ScreeningReport, StepError> {
        let missing =
            || StepError::Missing { path: self.data.join("screening.json"), command: "tributary dataset screen" };
        self.data.maybe("screening.json")?.ok_or_else(missing)
    }

    /// Takes a contributor's appeal; a later one about the same record replaces it.
    ///
    /// # Errors
    /// [`DatasetRefusal::UnknownContribution`], [`DatasetRefusal::UnknownRecord`], [`DatasetRefusal::NotSigned`],
    /// [`DatasetRefusal::BadReason`], [`DatasetRefusal::Incomplete`] for what is not whole yet.
    pub async fn appeal(&self, signed: SignedAppeal) -> Result<(), DatasetRefusal> {
        let appeal = &signed.appeal;
        let (contribution, place) = (appeal.contributionId, appeal.place);
        let kept = self.whole(contribution, place)?;
        check_reason(&appeal.reason)?;
        let digest = appeal.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(kept.consent.contribution.contributor, digest, &signed.signature).await?;
        let at = self.chain.head().await?.timestamp;
        let _alone = self.alone().await?;
        let rulings = self.rulings()?.len();
        Ok(self.data.write(format!("{APPEALS}/{contribution}-{place}.json"), &Appealed { signed, at, rulings })?)
    }

    /// Appeals in the order they came.
    ///
    /// # Errors
    /// [`StepError::File`], [`StepError::Unreadable`].
    pub fn appeals(&self) -> Result<Vec<Appealed>, StepError> {
        let mut appeals: Vec<Appealed> = self.kept_in(APPEALS)?;
        appeals
            .sort_by_key(|appealed| (appealed.at, appealed.signed.appeal.contributionId, appealed.signed.appeal.place));
        Ok(appeals)
    }

    /// The newest screening, and the appeals that no later ruling is about.
    ///
    /// # Errors
    /// As [`Collection::report`] and [`Collection::appeals`].
    pub fn review(&self) -> Result<Review, StepError> {
        let rulings = self.rulings()?;
        let ruled = |appealed: &Appealed| {
            let appeal = &appealed.signed.appeal;
            rulings
                .iter()
                .skip(appealed.rulings)
                .any(|ruling| ruling.contribution == appeal.contributionId && u64::from(ruling.place) == appeal.place)
        };
        let appeals = self.appeals()?.into_iter().filter(|appealed| !ruled(appealed)).collect();
        Ok(Review { report: self.report()?, appeals })
    }

    /// Deletes what no snapshot may take of a contribution, because its contributor asks: everything that was withdrawn, and
    /// what the newest screening rejected and no published snapshot has. Of a contribution that is withdrawn as a whole nothing
    /// stays; otherwise the commitments do, so that the rest is still what was signed for.
    ///
    /// # Errors
    /// [`DatasetRefusal::UnknownContribution`], [`DatasetRefusal::SignedFor`], [`DatasetRefusal::NotSigned`], and those of the
    /// store.
    pub async fn erase(&self, signed: &SignedErasure) -> Result<Erased, DatasetRefusal> {
        let Erasure { contributionId: id, until } = signed.erasure;
        let kept = self.kept(id)?.ok_or(DatasetRefusal::UnknownContribution(id))?;
        let now = self.chain.head().await?.timestamp;
        if now > until || until.saturating_sub(now) > A_DAY {
            return Err(DatasetRefusal::SignedFor { until, now });
        }
        let digest = signed.erasure.eip712_signing_hash(&self.chain.consent_domain());
        self.check_signature(kept.consent.contribution.contributor, digest, &signed.signature).await?;
        let all = consent::consent(&self.chain, id).await?.withdrawnAt != 0;
        let withdrawn = consent::withdrawn_records(&self.chain, &[id]).await?;
        let published = self.published().await?;
        let _alone = self.alone().await?;
        let kept = self.kept(id)?.ok_or(DatasetRefusal::UnknownContribution(id))?;
        if all {
            let records = kept.parts.iter().flatten().map(|part| part.records).sum();
            self.forget(&kept).await?;
            return Ok(Erased { records });
        }
        let mut places = BTreeMap::new();
        if let Some(report) = self.data.maybe::<ScreeningReport>("screening.json")? {
            let rejected = report.records.iter().filter(|record| record.place.contribution == id);
            places.extend(rejected.map(|record| (u64::from(record.place.place), record.decision == Decision::Reject)));
        }
        let mut gone = 0;
        for (number, part) in kept.parts.iter().enumerate() {
            let Some(part) = part else { continue };
            let commitments = self.commitments(id, number)?;
            let is_gone = |at: u64, commitment: &B256| {
                let rejected = places.get(&at).copied().unwrap_or_default() && !published.contains(commitment);
                rejected || withdrawn.contains(&(id, *commitment))
            };
            let erased: Vec<usize> = (part.first..)
                .zip(&commitments)
                .enumerate()
                .filter(|(_, (at, commitment))| is_gone(*at, commitment))
                .map(|(within, _)| within)
                .collect();
            gone += self.erase_part(&kept, number, part, &commitments, &erased).await?;
        }
        Ok(Erased { records: gone })
    }

    /// The commitments to the records of every published snapshot.
    async fn published(&self) -> Result<BTreeSet<B256>, DatasetRefusal> {
        let mut published = BTreeSet::new();
        for version in 1..=assets::asset(&self.chain, self.asset()).await?.versions {
            let (_, tree) = steps::dataset::published(&self.chain, &self.data, version).await?;
            published.extend(tree.commitments());
        }
        Ok(published)
    }

    /// Seals a part again without these records, and deletes the blob that held them.
    async fn erase_part(
        &self,
        kept: &Kept,
        number: usize,
        old: &KeptPart,
        commitments: &[B256],
        places: &[usize],
    ) -> Result<u64, DatasetRefusal> {
        if places.is_empty() {
            return Ok(0);
        }
        let context = self.context(kept.id, number);
        let bytes = self.store.get(old.blob, &context).await?;
        let mut part = Part::decode(&bytes, &self.charter.schema)?;
        let gone = places.iter().filter(|place| part.erase(**place)).count() as u64;
        if gone > 0 {
            let blob = self.store.put(&context, &part.encode()).await?;
            self.keep_part(kept.id, number, &KeptPart { blob, ..*old }, commitments)?;
            self.store.delete(old.blob).await?;
        }
        Ok(gone)
    }
}

/// That somebody says why, in so many words.
pub(super) fn check_reason(reason: &str) -> Result<(), DatasetRefusal> {
    match reason.trim().is_empty() || reason.len() > LONGEST_REASON {
        true => Err(DatasetRefusal::BadReason { longest: LONGEST_REASON }),
        false => Ok(()),
    }
}
