//! The published descriptions of a dataset's snapshot and a model's release.
//!
//! Both are JSON files; the chain holds the keccak-256 of their bytes as the version's manifest hash, so a file is
//! checked by hashing it, never by writing it again.

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::identity::AssetId;

/// A published JSON file that says its own format.
pub trait Manifest: Serialize + DeserializeOwned {
    /// The value of the file's `format` field.
    const FORMAT: &'static str;

    /// The `format` the value carries.
    fn format(&self) -> &str;

    /// The bytes that are published: indented JSON with a closing newline.
    fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(ManifestError::Syntax)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads published bytes; unknown fields and other formats are refused.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Syntax)?;
        if manifest.format() != Self::FORMAT {
            return Err(ManifestError::Format { found: manifest.format().to_owned(), expected: Self::FORMAT });
        }
        Ok(manifest)
    }

    /// Reads published bytes that must have this keccak-256.
    fn from_committed(bytes: &[u8], expected: B256) -> Result<Self, ManifestError> {
        match keccak256(bytes) {
            found if found == expected => Self::from_bytes(bytes),
            found => Err(ManifestError::Hash { found, expected }),
        }
    }
}

/// A published file is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON that was expected.
    #[error("the file does not read: {0}")]
    Syntax(serde_json::Error),
    /// A file of another kind or of a later program.
    #[error("the file's format is `{found}`, this program reads `{expected}`")]
    Format {
        /// What the file says.
        found: String,
        /// What is read here.
        expected: &'static str,
    },
    /// The bytes are not the ones the chain commits to.
    #[error("the file's hash is {found}, the chain commits to {expected}: fetch the published file again")]
    Hash {
        /// Of the bytes at hand.
        found: B256,
        /// On chain.
        expected: B256,
    },
}

/// A version of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionRef {
    /// The asset.
    pub asset: AssetId,
    /// Its version, from 1.
    pub version: u32,
}

/// One contribution as a snapshot took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotContribution {
    /// The consent's EIP-712 digest: its id in the consent registry.
    pub id: B256,
    /// Who gave the records.
    pub contributor: Address,
    /// How many records the consent covers.
    pub offered: u32,
    /// How many passed screening and are in the snapshot.
    pub accepted: u32,
}

/// A dataset's snapshot: an immutable version of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotManifest {
    /// `tributary-snapshot/1`.
    pub format: String,
    /// The dataset.
    pub dataset: AssetId,
    /// The root over the accepted records' salted commitments ([`crate::snapshot`]). It is the version's content hash.
    pub root: B256,
    /// How many records were accepted: leaves under the root.
    pub records: u64,
    /// The root over how many records each contributor has in the snapshot ([`crate::snapshot::counts_tree`]), which is on
    /// chain as well.
    pub counts_root: B256,
    /// keccak-256 of the screening report: why each record was accepted, held or rejected.
    pub screening_hash: B256,
    /// Every contribution in the snapshot.
    pub contributions: Vec<SnapshotContribution>,
    /// keccak-256 of the held-out records that the gate and the baseline shares use, committed before training.
    pub held_out_hash: B256,
    /// keccak-256 of the dataset's charter, the terms that contributors agreed to.
    pub terms_hash: B256,
    /// keccak-256 of the settlement policy's name that contributors agreed to.
    pub pay_policy_hash: B256,
    /// Hash of the last line of the log of who read the records for what, when this was published: what was in it then can
    /// be changed no more.
    pub access_head: B256,
}

impl Manifest for SnapshotManifest {
    const FORMAT: &'static str = "tributary-snapshot/1";

    fn format(&self) -> &str {
        &self.format
    }
}

/// How a release was trained, in short. Decimal numbers are text, so that the file has one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipe {
    /// keccak-256 of the recipe's file, from which anybody with the records trains the same model.
    pub hash: B256,
    /// What training started from: a kind of new model, or how a base was adapted.
    pub start: String,
    /// keccak-256 of the ONNX file it started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<B256>,
    /// What of the base was trained: `head`, `full`, `lora`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<String>,
    /// How it was trained: `converge`, `adamw`, `sgd`.
    pub method: String,
    /// Damping λ of the curvature; where nothing is said, a share of the curvature itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damping: Option<String>,
    /// Seed of the initial weights and of the order of the records.
    pub seed: u64,
    /// Optimiser steps taken.
    pub iterations: u32,
}

/// How good a release is, on records nobody trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evaluation {
    /// Share of test records classified correctly, as decimal text.
    pub accuracy: String,
    /// How many test records.
    pub records: u32,
}

/// Who may read the sketches in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SketchReaders {
    /// Anybody: a batch can be recomputed by everyone.
    Public,
    /// The vault's attestors alone; who asked, those of their own answers. Everybody else checks all but the division.
    Attestors,
}

/// A model's release: an immutable version of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseManifest {
    /// `tributary-release/1`.
    pub format: String,
    /// keccak-256 of the ONNX file. It is the version's content hash.
    pub weights_hash: B256,
    /// keccak-256 of the contributor table's encoding.
    pub table_hash: B256,
    /// The snapshot it was trained on.
    pub snapshot: VersionRef,
    /// The snapshot's root.
    pub snapshot_root: B256,
    /// Name of the settlement policy that divides its pool.
    pub settlement_policy: String,
    /// Name of the graph's input, shape `[batch, input_width]`.
    pub input: String,
    /// Numbers a record.
    pub input_width: u32,
    /// Number of classes: the `logits` output is `[batch, classes]`.
    pub classes: u32,
    /// The `sketch` output is `[batch, sketch_width]`.
    pub sketch_width: u32,
    /// Records trained on.
    pub records: u32,
    /// How it was trained.
    pub recipe: Recipe,
    /// How good it is.
    pub evaluation: Evaluation,
    /// keccak-256 of the model card: what it is for, how it was made, how good it is where, and what is not known.
    pub card_hash: B256,
    /// Who may read sketches.
    pub sketch_readers: SketchReaders,
}

impl Manifest for ReleaseManifest {
    const FORMAT: &'static str = "tributary-release/1";

    fn format(&self) -> &str {
        &self.format
    }
}
