//! A receipt, checked against the chain.

use alloy::{primitives::B256, sol_types::SolStruct};
use tributary_chain::{Chain, assets, posted, revenue};
use tributary_sdk::{
    AssetId,
    api::ReceiptProof,
    batch::ReceiptRow,
    client::{Client, ClientError},
    merkle, typed_data,
};

use super::StepError;

/// A receipt that holds.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The receipt with what proves it.
    pub row: ReceiptRow,
    /// Where it stands.
    pub settled: Settled,
}

/// What became of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its epoch is open.
    Open,
    /// Its epoch is closed and its root is not on chain yet.
    Closed(ReceiptProof),
    /// A root on chain commits to it.
    Posted(ReceiptProof),
}

/// Fetches a receipt and checks it: that the model's host at that time signed it, for the release's weights, and, once its
/// epoch's root is on chain, that the root commits to it.
pub async fn check(chain: &Chain, url: &str, id: B256) -> Result<Checked, StepError> {
    let client = Client::connect(url).await?;
    let row = client.receipt(id).await?;
    let receipt = &row.receipt;
    let model = AssetId(receipt.assetId);
    let asset = assets::asset_at(chain, model, chain.block_at(receipt.servedAt).await?).await?;
    typed_data::verify(receipt, &chain.ledger_domain(), &row.host_signature, asset.shares.host)?;
    let version = assets::version(chain, model, receipt.version).await?;
    if receipt.id != id || receipt.weightsHash != version.contentHash {
        return Err(StepError::Receipt("it is for another request or other weights".into()));
    }
    let proof = match client.receipt_proof(id).await {
        Err(ClientError::Refused { code, .. }) if code == "not_settled" => {
            return Ok(Checked { row, settled: Settled::Open });
        }
        other => other?,
    };
    let ReceiptProof { receipts_root, leaf, leaf_index, leaf_count, proof: siblings, .. } = &proof;
    if *leaf != receipt.eip712_hash_struct()
        || !merkle::verify(*receipts_root, *leaf, *leaf_index, *leaf_count, siblings)
    {
        return Err(StepError::Receipt("the host's proof does not prove it".into()));
    }
    let token = client.model(model)?.token;
    let on = revenue::Account { vault: asset.vault, token };
    let settled = match posted::attempts(chain, on, proof.epoch).await?.pop() {
        None => Settled::Closed(proof),
        Some(posted) if posted.statement.receiptsRoot == proof.receipts_root => Settled::Posted(proof),
        Some(_) => return Err(StepError::Receipt("the posted root commits to other receipts".into())),
    };
    Ok(Checked { row, settled })
}
