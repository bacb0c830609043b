//! What was measured of a model.

use serde::{Deserialize, Serialize};
use tributary_sdk::table::ContributorTable;

use crate::{
    audit::Audit,
    evaluate::{Comparison, Estimate, Evaluation, FrontierPoint, HoldOut, SliceResult},
};

/// Everything measured. What was not is empty, and the card says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Findings {
    /// On test records.
    pub evaluation: Evaluation,
    /// Against a trivial baseline and a base model, on the same records.
    pub comparisons: Vec<Comparison>,
    /// On parts of them.
    pub slices: Vec<SliceResult>,
    /// On the records of contributors whom a retrained model did not see.
    pub hold_outs: Vec<HoldOut>,
    /// At several weight decays.
    pub frontier: Vec<FrontierPoint>,
    /// How its earnings are attributed.
    pub attribution: Option<AttributionFindings>,
}

impl Findings {
    /// Of an evaluation alone.
    pub fn of(evaluation: Evaluation) -> Self {
        let (comparisons, slices, hold_outs, frontier) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { evaluation, comparisons, slices, hold_outs, frontier, attribution: None }
    }
}

/// How a model's earnings are attributed to its contributors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributionFindings {
    /// Rows of the contributor table.
    pub contributors: u32,
    /// Of these, how many pass the gate: the others earn nothing by attribution.
    pub passing: u32,
    /// The default division of money that no answer divides; none where nobody has a share.
    pub baseline_shares: Option<Shares>,
    /// How well attribution ranks models that are really retrained on half the contributors, if it was audited.
    pub contributor_lds: Option<Estimate>,
}

/// How evenly something is divided. Shares are of all there is, between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// The smallest.
    pub least: f64,
    /// The one in the middle, the lower of two.
    pub median: f64,
    /// The largest.
    pub most: f64,
}

impl AttributionFindings {
    /// Of a release's table, and of its audit if there was one.
    pub fn of(table: &ContributorTable, audit: Option<&Audit>) -> Self {
        let mut weights: Vec<u64> = table.rows().iter().map(|row| row.baseline).collect();
        weights.sort_unstable();
        let all: f64 = weights.iter().map(|weight| *weight as f64).sum();
        let share = |weight: Option<&u64>| weight.filter(|_| all > 0.0).map(|weight| *weight as f64 / all);
        let shares = || {
            let median = weights.get(weights.len().saturating_sub(1) / 2);
            Some(Shares { least: share(weights.first())?, median: share(median)?, most: share(weights.last())? })
        };
        Self {
            contributors: table.rows().len() as u32,
            passing: table.rows().iter().filter(|row| row.passes_gate).count() as u32,
            baseline_shares: shares(),
            contributor_lds: audit.map(|audit| audit.contributor_lds.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_sdk::{Address, table::ContributorRow};

    #[test]
    fn shares_are_of_all_weights() {
        let row = |account: u8, baseline, passes_gate| ContributorRow {
            account: Address::repeat_byte(account),
            records: 10,
            passes_gate,
            baseline,
            values: vec![1],
        };
        let rows = vec![row(1, 6, true), row(2, 1, true), row(3, 0, false), row(4, 3, true)];
        let found = AttributionFindings::of(&ContributorTable::new(1, rows).unwrap(), None);
        assert_eq!((found.contributors, found.passing), (4, 3));
        assert_eq!(found.baseline_shares, Some(Shares { least: 0.0, median: 0.1, most: 0.6 }));
        let nobody = AttributionFindings::of(&ContributorTable::new(1, vec![row(1, 0, false)]).unwrap(), None);
        assert_eq!(nobody.baseline_shares, None);
    }
}
