//! Asking the model again: inferences from inputs that the host kept, compared with what their receipts say.
//!
//! The one thing that recomputing a batch takes on the host's word is that a receipt's sketch is the model's. Which
//! receipts are asked again follows from the batch's hash, which no host knows while it serves.

use std::path::Path;

use alloy::{
    primitives::{B256, keccak256},
    signers::local::PrivateKeySigner,
};
use tributary_attribution::compile::SKETCH;
use tributary_chain::{Chain, ChainError, assets, verify::Verified};
use tributary_factory::{Release, model::LOGITS};
use tributary_runtime::{Model, ModelOptions, OnnxRuntime};
use tributary_sdk::{
    api::{KeptInput, tensor_bytes},
    batch::ReceiptRow,
    client::{Client, ClientError},
    records::input_commitment,
    sketch::Sketch,
    typed_data::InputAccess,
};

use super::{StepError, published::reader};

/// How far a number of a sketch may lie from the recomputed one, of 32,767: other machines and other batches round
/// otherwise.
pub const CLOSE: i32 = 32;

/// A receipt that was asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// The receipt.
    pub receipt: B256,
    /// What came out.
    pub verdict: Verdict,
}

/// What asking again gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same answer and the same sketch, bit by bit.
    Same,
    /// The sketch, but for rounding: the largest difference, of 32,767.
    Close(i32),
    /// Another sketch: the largest difference, of 32,767. Keep the input as evidence against the host.
    Differs(i32),
    /// The input is not the one that the receipt commits to.
    OtherInput,
    /// The host does not keep it.
    NotKept,
}

impl Verdict {
    /// Whether it speaks against the host.
    pub fn is_wrong(&self) -> bool {
        matches!(self, Self::Differs(_) | Self::OtherInput)
    }
}

/// Asks `count` of a batch's receipts again, with the release in this run folder. The key is an attestor's, or the payer's.
pub async fn sample(
    chain: &Chain,
    runtime: &OnnxRuntime,
    verified: &Verified,
    url: &str,
    release: &Path,
    key: &PrivateKeySigner,
    count: usize,
) -> Result<Vec<Sampled>, StepError> {
    let served = verified.batch.release;
    let version = assets::version(chain, served.asset, served.version).await?;
    let release = Release::open(release, version.contentHash, version.manifestHash)?;
    let model = Model::load(runtime, release.onnx().to_vec(), ModelOptions::default())?;
    let client = Client::connect(url).await?;
    let mut sampled = Vec::new();
    for row in chosen(verified, count) {
        let receipt = row.receipt.id;
        let reader = reader(chain, url, key, |authority, until| InputAccess { receiptId: receipt, authority, until });
        let reader = reader.await?;
        let verdict = match client.input(receipt, &reader).await {
            Ok(input) => ask_again(&model, row, input).await?,
            Err(ClientError::Refused { code, .. }) if code == "input_not_kept" => Verdict::NotKept,
            Err(other) => return Err(other.into()),
        };
        sampled.push(Sampled { receipt, verdict });
    }
    Ok(sampled)
}

/// The receipts whose hash with the batch's is least.
fn chosen(verified: &Verified, count: usize) -> Vec<&ReceiptRow> {
    let hash = |row: &ReceiptRow| keccak256([verified.statement.dataHash.0, row.receipt.id.0].concat());
    let mut rows: Vec<(B256, &ReceiptRow)> = verified.batch.receipts.iter().map(|row| (hash(row), row)).collect();
    rows.sort_unstable_by_key(|(hash, _)| *hash);
    rows.into_iter().map(|(_, row)| row).take(count).collect()
}

async fn ask_again(model: &Model, row: &ReceiptRow, input: KeptInput) -> Result<Verdict, StepError> {
    let KeptInput { salt, features } = input;
    if input_commitment(salt, &tensor_bytes(&features)) != row.receipt.inputCommitment {
        return Ok(Verdict::OtherInput);
    }
    let mut outputs = model.run(features, None).await?.outputs;
    let records = outputs.records();
    let logits = outputs.take(LOGITS).unwrap_or_default();
    let sketch = Sketch::of_sum(&outputs.take(SKETCH).unwrap_or_default(), records)?;
    let theirs = row.sketch.as_ref().ok_or(ChainError::SketchesWithheld)?;
    let (ours, theirs) = (sketch.values(), theirs.values());
    if ours == theirs && keccak256(tensor_bytes(&logits)) == row.receipt.outputHash {
        return Ok(Verdict::Same);
    }
    if ours.len() != theirs.len() {
        return Ok(Verdict::Differs(i32::MAX));
    }
    let apart = ours.iter().zip(theirs).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).max().unwrap_or_default();
    Ok(if apart <= CLOSE { Verdict::Close(apart) } else { Verdict::Differs(apart) })
}
