//! Closing an epoch, and what is published about closed ones.

use alloy::primitives::{Address, B256};
use tributary_chain::{
    epoch::{self, Closing},
    revenue, root, verify,
};
use tributary_sdk::{
    api::{ClaimProof, EpochInfo},
    batch::{Batch, ReceiptRow},
    release::Manifest,
    sum_tree::{Leaf, SumTree},
};

use super::{Host, Refusal};

impl Host {
    /// Closes the open epoch: the vault counts what it earned, receipts are sealed, and the settlement is published as
    /// a batch. Attesting and posting are others' work.
    ///
    /// Everything that can be refused is refused before anything is sealed. An epoch that was sealed and whose batch was
    /// not written, because something failed in between, is finished with the very rows and the very end it was sealed
    /// with; a batch that is not posted and does not hold any more is made again. What is published has passed the same
    /// checks that attestors make.
    pub async fn close_epoch(&self) -> Result<EpochInfo, Refusal> {
        let _one_at_a_time = self.closing.lock().await;
        let standing = epoch::standing(self.chain(), self.on).await?;
        if !standing.is_open {
            return Err(Refusal::RootPending(standing.newest()));
        }
        let index = standing.index;
        if let Some(hash) = self.batches.hash_of(index)?
            && verify::before_posting(self.chain(), &self.batches.bytes(hash)?).await.is_ok()
        {
            return self.epoch(index);
        }
        let previous = match standing.newest() {
            0 => Vec::new(),
            active => self.previous(active, standing.root)?,
        };
        let period_end = self.seal(index, previous.is_empty()).await?;
        let manifest = String::from_utf8(self.release.manifest_bytes().to_vec());
        let closing = Closing {
            account: self.on,
            release: self.version,
            host: self.key.address(),
            manifest: manifest.map_err(|error| Refusal::Release(error.to_string()))?,
            table: self.release.table().encode().into(),
            sessions: self.ledger.sessions_of(index)?,
            receipts: self.ledger.rows_of(index)?,
            previous,
            period_end,
        };
        let batch = epoch::close(self.chain(), closing).await?;
        let bytes = batch.to_bytes().map_err(|error| Refusal::StoredBatch(error.to_string()))?;
        verify::before_posting(self.chain(), &bytes).await?;
        self.batches.keep(index, &bytes)?;
        self.epoch(index)
    }

    /// Seals the epoch unless it is sealed already; returns its last second.
    async fn seal(&self, index: u64, first: bool) -> Result<u64, Refusal> {
        if let Some(sealed) = self.ledger.last_epoch()?.filter(|sealed| sealed.epoch == index) {
            return Ok(sealed.period_end);
        }
        let licenses = revenue::licenses(self.chain(), self.on).await?;
        let collected = epoch::collect(&self.account, self.on, &licenses).await?;
        if first && root::books(self.chain(), self.on).await?.allocatable == 0 {
            return Err(Refusal::NothingToDivide);
        }
        self.clock.pass(collected).await?;
        let _between_epochs = self.gate.write().await;
        let end = self.clock.end_epoch().await?;
        Ok(self.ledger.seal(index, end).await?.period_end)
    }

    /// The leaves that the next root continues.
    fn previous(&self, active: u64, root: B256) -> Result<Vec<Leaf>, Refusal> {
        match self.batches.of_epoch(active) {
            Ok((_, batch)) if self.tree(&batch)?.root().hash == root => Ok(batch.leaves),
            Ok(_) | Err(Refusal::UnknownEpoch(_)) => Err(Refusal::PreviousMissing(active)),
            Err(other) => Err(other),
        }
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
