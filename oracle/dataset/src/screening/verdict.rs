//! What becomes of a record, and why.

use serde::{Deserialize, Serialize};
use tributary_sdk::{Address, B256};

use super::personal::PersonalData;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is in the snapshot.
    Accept,
    /// It is not, until a steward has looked at it.
    Hold,
    /// It is not.
    Reject,
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Accept => "accepted",
            Self::Hold => "held",
            Self::Reject => "rejected",
        })
    }
}

/// What becomes of a record, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What becomes of it.
    pub decision: Decision,
    /// Why. Reasons with which a record is still accepted are notes; with none it is plainly accepted.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    pub(super) fn plain() -> Self {
        Self { decision: Decision::Accept, reasons: Vec::new() }
    }

    /// Adds a reason; the gravest decision stays.
    pub(super) fn add(&mut self, decision: Decision, reason: Reason) {
        self.decision = self.decision.max(decision);
        self.reasons.push(reason);
    }

    /// Whether the record is (nearly) one of the held-out records: no ruling changes that.
    pub fn is_held_out(&self) -> bool {
        self.reasons.iter().any(|reason| matches!(reason, Reason::HeldOut { .. }))
    }
}

/// A record by where it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordPlace {
    /// The contribution it is in.
    pub contribution: B256,
    /// Whose that is.
    pub contributor: Address,
    /// Where in the contribution, from 0.
    pub place: u32,
}

/// How like two records are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Likeness {
    /// They are equal, or their features are where labels do not count.
    Equal,
    /// Images.
    Distance {
        /// Euclidean, on the scale of their values, rounded to thousandths.
        distance: f64,
    },
    /// Text and tokens.
    Similarity {
        /// Jaccard similarity of their shingles, rounded to thousandths.
        similarity: f64,
    },
}

/// What of a record is unlike the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measured {
    /// Its features' distance to the middle of its class; the score is a modified z-score.
    Distance,
    /// The logarithm of its length; the score is a modified z-score.
    Length,
    /// The share of characters that are neither letters, digits, blanks nor punctuation; the score is the share.
    UnusualCharacters,
}

/// Why a record is not plainly accepted. Scores are rounded to thousandths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Reason {
    /// Rejected: it is (nearly) one of the held-out records, on which nobody trains.
    HeldOut {
        /// How like one.
        likeness: Likeness,
    },
    /// Rejected: it is a copy, and another record of the cluster is kept.
    CopyOf {
        /// Which cluster.
        cluster: u32,
        /// The record that is kept.
        kept: RecordPlace,
        /// How like the cluster's first record it is.
        likeness: Likeness,
    },
    /// A note: several contributors gave it in one batch, and it was this one's turn.
    KeptByTurn {
        /// Which cluster.
        cluster: u32,
        /// How many contributors gave it in that batch.
        contributors: u32,
    },
    /// A note on a row of a table: rows with equal features were offered.
    Coincident {
        /// Rows with these features, this one counted.
        rows: u32,
        /// Of them, those with this label.
        same_label: u32,
        /// Contributors of those rows.
        contributors: u32,
    },
    /// Held: so many records are in its neighbourhood that looking for copies was stopped.
    TooManyComparisons {
        /// What it may cost by the rules.
        most: u32,
    },
    /// Held: unlike the others.
    Outlier {
        /// In what.
        measured: Measured,
        /// By how much.
        score: f64,
        /// Above what it is held.
        threshold: f64,
    },
    /// Held: a model of the other folds' records finds another class clearly more probable.
    LabelDoubt {
        /// The class it was given with.
        given: String,
        /// The probability of that class by the model, 0 to 1.
        given_probability: f64,
        /// The class the model suggests.
        suggested: String,
        /// Its probability, 0 to 1.
        suggested_probability: f64,
    },
    /// Held: its number is far from what a model of the other folds' records predicts.
    FarFromPredicted {
        /// Modified z-score of the residual.
        score: f64,
        /// Above what it is held.
        threshold: f64,
    },
    /// Held: its text looks as if it names or locates somebody. What was found is not repeated.
    PersonalData {
        /// What kinds, and how often.
        found: Vec<PersonalData>,
    },
    /// Held: so few records of its contributor were accepted that a row of the table would say too much about them, and there
    /// are not enough other such contributors to share one with.
    TooFew {
        /// How many it takes.
        least: u32,
    },
    /// Held: its contributor says, and the dataset's host has checked, that it is what a served answer should have been. It
    /// speaks against a model, so a person looks at it.
    Corrects {
        /// The answer's receipt.
        receipt: B256,
    },
    /// Validators decided.
    Reviewed {
        /// What was decided.
        decision: Decision,
        /// How many would accept it.
        accept: u32,
        /// How many would reject it.
        reject: u32,
    },
    /// A steward decided.
    Ruled {
        /// What was decided.
        decision: Decision,
        /// What had been.
        was: Decision,
        /// Who decided.
        by: Address,
        /// Why, in the steward's words.
        reason: String,
    },
}

/// Records that count as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its number, from 0, by batch and hash.
    pub id: u32,
    /// The offered record (by its place among all offered) that is kept.
    pub kept: usize,
    /// All of its offered records, the first in order of batch and hash first.
    pub members: Vec<usize>,
    /// Contributors who gave it in the earliest batch: each had the same claim to it.
    pub claimants: u32,
    /// How many different labels its records have; none where there are no labels.
    pub labels: u32,
}
