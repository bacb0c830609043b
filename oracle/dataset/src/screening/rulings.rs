//! What a steward decides about single records.

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256};

use super::{
    Screening,
    verdict::{Decision, Reason},
};

/// A steward's decision about a record. It replaces the verdict, and is shown with what the verdict was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ruling {
    /// The contribution the record is in.
    pub contribution: B256,
    /// Where in it, from 0.
    pub place: u32,
    /// What becomes of the record.
    pub decision: Decision,
    /// Why: contributors read it.
    pub reason: String,
    /// Which steward.
    pub by: Address,
}

/// A ruling that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "camelCase")]
pub enum UnusedRuling {
    /// No such record was offered.
    Unknown {
        /// The ruling.
        ruling: Ruling,
    },
    /// The record is (nearly) a held-out one, and stays rejected.
    HeldOut {
        /// The ruling.
        ruling: Ruling,
    },
}

impl Screening {
    /// With a steward's rulings, one after another: of several about one record the last holds, and all are shown. Nothing
    /// takes in a (near) copy of a held-out record. A copy that is taken in by a ruling earns beside the record it is a copy
    /// of; a kept record that is rejected by one is not replaced by its copies.
    #[must_use]
    pub fn with_rulings(mut self, rulings: &[Ruling]) -> Self {
        let asked = self.places_of(rulings.iter().map(|ruling| (ruling.contribution, ruling.place)));
        for ruling in rulings {
            let Some(at) = asked.get(&(ruling.contribution, ruling.place)) else {
                self.unused.push(UnusedRuling::Unknown { ruling: ruling.clone() });
                continue;
            };
            let verdict = &mut self.verdicts[*at];
            if verdict.is_held_out() && ruling.decision != Decision::Reject {
                self.unused.push(UnusedRuling::HeldOut { ruling: ruling.clone() });
                continue;
            }
            let Ruling { decision, reason, by, .. } = ruling.clone();
            verdict.reasons.push(Reason::Ruled { decision, was: verdict.decision, by, reason });
            verdict.decision = decision;
        }
        self.count();
        self
    }
}
