//! `attribution.json`: what was computed from what. Everything that decides a byte of the other files stands in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_sdk::{B256, release::Manifest};

/// The manifest of a model that was attributed as it came. Real numbers are decimal text, the shortest that reads back
/// as the same number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributionManifest {
    /// [`Manifest::FORMAT`].
    pub format: String,
    /// What went in.
    pub sources: SourceHashes,
    /// What came out.
    pub files: FileHashes,
    /// What was asked for.
    pub settings: Settings,
    /// What was found.
    pub result: Outcome,
}

/// keccak-256 of the files that went in, byte by byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceHashes {
    /// The model.
    pub model: B256,
    /// Files beside it that hold its numbers, by name.
    pub external: BTreeMap<String, B256>,
    /// Other checkpoints of its training.
    pub checkpoints: Vec<CheckpointHashes>,
    /// Training records.
    pub records: B256,
    /// Their owners.
    pub owners: B256,
    /// Held-out records.
    pub held_out: B256,
    /// Their suppliers, if they were named.
    pub suppliers: Option<B256>,
}

/// keccak-256 of a checkpoint's files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointHashes {
    /// The model.
    pub model: B256,
    /// Files beside it that hold its numbers, by name.
    pub external: BTreeMap<String, B256>,
}

/// keccak-256 of the files that came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileHashes {
    /// The attributed model.
    pub model: B256,
    /// The contributor table.
    pub table: B256,
    /// The record index.
    pub index: B256,
}

/// What was asked for, defaults filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Target: margin, regression, multi-label, sequence.
    pub target: String,
    /// The output that is attributed.
    pub output: String,
    /// Weights whose gradients count, in the order of the features.
    pub parameters: Vec<String>,
    /// λ.
    pub damping: String,
    /// N of the training objective's mean.
    pub denominator: u64,
    /// The expectation in the curvature: `exact` over classes, or `sampled`.
    pub expectation: String,
    /// Answers drawn a record where it is sampled.
    pub draws: Option<u64>,
    /// Numbers of a sketch that were asked for; none for as many as the basis needs.
    pub rank: Option<u64>,
    /// Seed of whatever is drawn: answers, the gate's resamples, the records of the checks.
    pub seed: u64,
    /// Threads of ONNX Runtime.
    pub threads: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    /// Training records.
    pub records: u64,
    /// Held-out records.
    pub held_out_records: u64,
    /// Contributors: rows of the table.
    pub contributors: u64,
    /// Of these, how many pass the gate.
    pub passing: u64,
    /// Curvature: `exact` or `kronecker`.
    pub curvature: String,
    /// Numbers of a record's gradient before projection.
    pub features: u64,
    /// Basis: `owner`, `eigen` or `checkpoints`.
    pub basis: String,
    /// Numbers in a sketch.
    pub rank: u64,
    /// Share of the contributors' rows that the basis holds.
    pub owner_mass: String,
    /// Share of the gradients' second moment that the basis holds.
    pub spectral_mass: String,
    /// What one unit of table and index is worth.
    pub unit: String,
    /// Bytes of the index a record.
    pub bytes_per_record: u64,
    /// The engine's gradients and outputs against the model's, where they were checked.
    pub check: Option<Check>,
    /// What retraining shows, where it was asked.
    pub audit: Option<Audited>,
    /// The model retrained at several weight decays, each audited, where that was asked.
    pub frontier: Vec<FrontierPoint>,
}

/// Contributor LDS of this model, measured on models retrained on random half-coalitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Audited {
    /// Weights that training moved, and retraining.
    pub trained: Vec<String>,
    /// Weight decay.
    pub weight_decay: String,
    /// Retraining ended when no entry of the gradient was larger.
    pub tolerance: String,
    /// Half-coalitions.
    pub coalitions: u64,
    /// Held-out records whose answers were asked for.
    pub queries: u64,
    /// The mean over them.
    pub contributor_lds: String,
    /// The ends of its 95 % interval.
    pub interval: [String; 2],
    /// Largest entry of the objective's gradient at the model's weights.
    pub gradient_norm: String,
}

/// What one weight decay gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrontierPoint {
    /// The model's mean loss on the held-out records.
    pub held_out_loss: String,
    /// The share of them that it classifies right, if it is a classifier.
    pub accuracy: Option<String>,
    /// Its audit.
    pub audit: Audited,
}

/// The engine against the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// Records that were looked at.
    pub records: u64,
    /// Directions in which weights were moved.
    pub directions: u64,
    /// The largest difference between a gradient and a central difference, relative to the gradient.
    pub gradient: String,
    /// The largest difference between an output before and after.
    pub output: String,
}

impl Manifest for AttributionManifest {
    const FORMAT: &'static str = "tributary-attribution/1";

    fn format(&self) -> &str {
        &self.format
    }
}
