//! What a card is about, as only the caller knows it.

use serde::{Deserialize, Serialize};
use tributary_dataset::Purposes;
use tributary_sdk::{B256, release::VersionRef};

/// A model, what it is for and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subject {
    /// What the model is called.
    pub name: String,
    /// What it may be used for.
    pub intended_use: Use,
    /// What it was trained on.
    pub data: Data,
    /// Names of the classes it tells apart, in order; none of a regression.
    pub classes: Vec<String>,
    /// How it was trained, in the order they are told: recipe, steps, loss, gradient, hashes.
    pub training: Vec<Fact>,
}

/// What a model may be used for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Use {
    /// What it is meant for.
    pub purpose: String,
    /// The terms that contributors agreed to.
    pub terms: String,
    /// What their records may be read for.
    pub purposes: Purposes,
}

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Data {
    /// The dataset's version.
    pub snapshot: VersionRef,
    /// Root of its records.
    pub snapshot_root: B256,
    /// Records trained on.
    pub records: u32,
    /// Who contributed them.
    pub contributors: u32,
}

/// Something known of the training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fact {
    /// What.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

impl Fact {
    /// From whatever can be shown.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }
}
