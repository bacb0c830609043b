//! Closing an epoch, and what is published about closed ones.

use alloy::primitives::{Address, B256};
use tributary_chain::{
    epoch::{self, Closing},
    revenue, root,
};
use tributary_sdk::{
    api::{ClaimProof, EpochInfo},
    batch::{Batch, ReceiptRow},
    sum_tree::SumTree,
};

use super::{Host, Refusal};

impl Host {
    /// Closes the open epoch: the vault counts what it earned, receipts are sealed, and the settlement is published as
    /// a batch. Attesting and posting are others' work.
    ///
    /// An epoch that was sealed and whose batch was not written, because something failed in between, is finished with
    /// the very rows and the very end it was sealed with.
    pub async fn close_epoch(&self) -> Result<EpochInfo, Refusal> {
        let standing = epoch::standing(self.chain(), self.on).await?;
        if standing.newest != standing.active {
            return Err(Refusal::RootPending(standing.newest));
        }
        let index = standing.newest.saturating_add(1);
        if self.batches.list()?.iter().any(|(known, _)| *known == index) {
            return self.epoch(index);
        }
        let licenses = revenue::licenses(self.chain(), self.on).await?;
        epoch::collect(&self.account, self.on, &licenses).await?;

        let period_end = {
            let _between_epochs = self.gate.write().await;
            let end = self.clock.end_epoch().await?;
            self.ledger.seal(index, end).await?.period_end
        };
        let previous = match standing.active {
            0 => Vec::new(),
            active => self.batches.of_epoch(active)?.1.leaves,
        };
        let manifest = self.release.manifest_bytes().to_vec();
        let closing = Closing {
            account: self.on,
            release: self.version,
            host: self.key.address(),
            manifest: String::from_utf8(manifest).map_err(|error| Refusal::Release(error.to_string()))?,
            table: self.release.table().encode().into(),
            sessions: self.ledger.sessions_of(index)?,
            receipts: self.ledger.rows_of(index)?,
            previous,
            period_end,
        };
        let batch = epoch::close(self.chain(), closing).await?;
        self.batches.keep(&batch)?;
        self.epoch(index)
    }

    /// Closed epochs, oldest first.
    pub fn epochs(&self) -> Result<Vec<EpochInfo>, Refusal> {
        self.batches.list()?.into_iter().map(|(index, _)| self.epoch(index)).collect()
    }

    /// What an account needs to claim against an epoch's root.
    pub fn proof(&self, index: u64, account: Address) -> Result<ClaimProof, Refusal> {
        let tree = self.tree(&self.batches.of_epoch(index)?.1)?;
        let (leaf_index, leaf, proof) = root::proof(&tree, account).ok_or(Refusal::NoLeaf { account, epoch: index })?;
        Ok(ClaimProof { index, leaf, leaf_index, leaf_count: tree.leaves().len() as u64, proof })
    }

    /// A served request's receipt.
    pub fn receipt(&self, id: B256) -> Result<ReceiptRow, Refusal> {
        self.ledger.row(id)?.and_then(|row| row.receipt).ok_or(Refusal::UnknownReceipt(id))
    }

    fn epoch(&self, index: u64) -> Result<EpochInfo, Refusal> {
        let (data_hash, batch) = self.batches.of_epoch(index)?;
        Ok(EpochInfo {
            index,
            data_hash,
            root: self.tree(&batch)?.root().hash,
            receipts: batch.receipts.len() as u64,
            period_end: batch.period_end,
        })
    }

    fn tree(&self, batch: &Batch) -> Result<SumTree, Refusal> {
        SumTree::new(batch.leaves.clone()).map_err(|error| Refusal::StoredBatch(error.to_string()))
    }
}
