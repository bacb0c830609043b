//! What screening decided, for everybody to read. No record's content is in it.

mod markdown;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256, api::SignedReview};

use super::{
    Balance, Screening, ScreeningRules,
    rulings::UnusedRuling,
    said::Heard,
    verdict::{Decision, Reason, RecordPlace},
};

/// What screening decided. The same screening gives the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScreeningReport {
    /// [`ScreeningReport::FORMAT`].
    pub format: String,
    /// What was screened by.
    pub rules: ScreeningRules,
    /// Over all records.
    pub totals: Totals,
    /// Every record that is not plainly accepted, in the order they were offered in.
    pub records: Vec<ReportedRecord>,
    /// Records that count as one.
    pub clusters: Vec<ReportedCluster>,
    /// Classes of what is accepted.
    pub balance: Balance,
    /// Totals of each contribution, by id.
    pub contributions: BTreeMap<B256, Totals>,
    /// Totals of each contributor, by account.
    pub contributors: BTreeMap<Address, Totals>,
    /// Rulings that changed nothing.
    pub unused_rulings: Vec<UnusedRuling>,
    /// What validators said of records that were held, with their signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<ReportedReview>,
    /// How many reviews of each validator this screening accepts. Those of a published snapshot are paid for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub validators: BTreeMap<Address, u64>,
}

/// A validator's review, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedReview {
    /// As it was signed.
    pub signed: SignedReview,
    /// What came of it.
    pub counted: Counted,
}

/// What came of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Counted {
    /// It said what was decided: accepted work.
    Accepted,
    /// The opposite was decided.
    Overruled,
    /// Nothing is decided yet.
    Waiting,
    /// An earlier snapshot has decided, and has counted it if it was there.
    Settled,
}

/// How many records became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Records offered.
    pub offered: u64,
    /// Records that are in the snapshot.
    pub accepted: u64,
    /// Records that wait for a steward.
    pub held: u64,
    /// Records that are not in the snapshot.
    pub rejected: u64,
    /// Accepted records that others had given in the same batch.
    pub kept_by_turn: u64,
}

/// A record that is not plainly accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedRecord {
    /// Where it was offered.
    #[serde(flatten)]
    pub place: RecordPlace,
    /// What becomes of it.
    pub decision: Decision,
    /// Why; the last ruling decides.
    pub reasons: Vec<ReportedReason>,
}

/// A reason in numbers and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedReason {
    /// In numbers.
    #[serde(flatten)]
    pub reason: Reason,
    /// In words.
    pub words: String,
}

/// Records that count as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedCluster {
    /// Its number, from 0.
    pub id: u32,
    /// The record that is kept.
    pub kept: RecordPlace,
    /// All of its records.
    pub members: Vec<RecordPlace>,
    /// Contributors who gave it in the earliest batch.
    pub claimants: u32,
    /// How many different labels its records have.
    pub labels: u32,
}

impl ScreeningReport {
    /// What the report is.
    pub const FORMAT: &'static str = "tributary-screening/1";

    /// The report as JSON.
    ///
    /// # Errors
    /// Never for a report of [`Screening::report`]: its keys are text and its numbers finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl ScreeningReport {
    /// Records that people have decided about, validators or the curator: contribution and place.
    pub fn settled(&self) -> impl Iterator<Item = (B256, u32)> {
        let by_people =
            |reason: &ReportedReason| matches!(reason.reason, Reason::Reviewed { .. } | Reason::Ruled { .. });
        let decided = self.records.iter().filter(|record| record.decision != Decision::Hold);
        let settled = decided.filter(move |record| record.reasons.iter().any(by_people));
        settled.map(|record| (record.place.contribution, record.place.place))
    }
}

impl Totals {
    fn count(&mut self, decision: Decision, reasons: &[Reason]) {
        self.offered += 1;
        match decision {
            Decision::Accept => self.accepted += 1,
            Decision::Hold => self.held += 1,
            Decision::Reject => self.rejected += 1,
        }
        let by_turn = reasons.iter().any(|reason| matches!(reason, Reason::KeptByTurn { .. }));
        self.kept_by_turn += u64::from(by_turn && decision == Decision::Accept);
    }
}

impl Screening {
    /// What was decided, for everybody to read.
    pub fn report(&self) -> ScreeningReport {
        let mut report = ScreeningReport {
            format: ScreeningReport::FORMAT.to_owned(),
            rules: self.rules.clone(),
            totals: Totals::default(),
            records: Vec::new(),
            clusters: Vec::new(),
            balance: self.balance.clone(),
            contributions: BTreeMap::new(),
            contributors: BTreeMap::new(),
            unused_rulings: self.unused.clone(),
            reviews: self.heard.iter().map(|heard| self.reported(heard)).collect(),
            validators: BTreeMap::new(),
        };
        for review in report.reviews.iter().filter(|review| review.counted == Counted::Accepted) {
            let count = report.validators.entry(review.signed.validator).or_default();
            *count = count.saturating_add(1);
        }
        for (verdict, place) in self.verdicts.iter().zip(&self.places) {
            report.totals.count(verdict.decision, &verdict.reasons);
            let contribution = report.contributions.entry(place.contribution).or_default();
            contribution.count(verdict.decision, &verdict.reasons);
            let contributor = report.contributors.entry(place.contributor).or_default();
            contributor.count(verdict.decision, &verdict.reasons);
            if !verdict.reasons.is_empty() {
                let reported = |reason: &Reason| ReportedReason { reason: reason.clone(), words: reason.to_string() };
                report.records.push(ReportedRecord {
                    place: *place,
                    decision: verdict.decision,
                    reasons: verdict.reasons.iter().map(reported).collect(),
                });
            }
        }
        let cluster = |cluster: &super::Cluster| ReportedCluster {
            id: cluster.id,
            kept: self.places[cluster.kept],
            members: cluster.members.iter().map(|member| self.places[*member]).collect(),
            claimants: cluster.claimants,
            labels: cluster.labels,
        };
        report.clusters = self.clusters.iter().map(cluster).collect();
        report
    }

    fn reported(&self, heard: &Heard) -> ReportedReview {
        let counted = match self.verdicts[heard.at].decision {
            _ if heard.is_settled => Counted::Settled,
            Decision::Hold => Counted::Waiting,
            decision if heard.signed.review.accept == (decision == Decision::Accept) => Counted::Accepted,
            _ => Counted::Overruled,
        };
        ReportedReview { signed: heard.signed.clone(), counted }
    }
}
