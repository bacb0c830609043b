//! Closing an epoch, and what is published about closed ones.

use std::sync::{Arc, PoisonError};

use alloy::{
    primitives::{Address, B256},
    sol_types::SolStruct,
};
use tributary_chain::{
    epoch::{self, Closing},
    revenue, root,
    verify::{self, Published},
};
use tributary_sdk::{
    api::{ClaimProof, EpochInfo, ReceiptProof},
    batch::ReceiptRow,
    merkle::MerkleError,
    release::{Manifest, SketchReaders},
    sketch::Sketch,
    sum_tree::Leaf,
    typed_data::RootStatement,
};

use super::{Host, Refusal, Service};
use crate::moment::Moment;

impl Service {
    /// Closes the open epoch: the vault counts what it earned, receipts are sealed, and the settlement is published as
    /// a batch. Attesting and posting are others' work.
    ///
    /// Everything that can be refused is refused before anything is sealed. An epoch that was sealed and whose batch was
    /// not written, because something failed in between, is finished with the very rows and the very end it was sealed
    /// with; a batch that is not posted and does not hold any more is made again. What is published has passed the same
    /// checks that attestors make.
    #[tracing::instrument(name = "close", skip_all, fields(model = %self.asset))]
    pub async fn close_epoch(&self) -> Result<EpochInfo, Refusal> {
        let _one_at_a_time = self.closing.lock().await;
        let standing = epoch::standing(self.chain(), self.on).await?;
        if !standing.is_open {
            return Err(Refusal::RootPending(standing.newest()));
        }
        let index = standing.index;
        if let Some(hash) = self.batches.hash_of(index)?
            && self.holding(hash).await?.is_some()
        {
            return self.epoch(index);
        }
        Moment::Closing.reached();
        let previous = match standing.newest() {
            0 => Vec::new(),
            active => self.previous(active, standing.root)?,
        };
        let period_end = self.seal(index, previous.is_empty()).await?;
        Moment::Sealed.reached();
        let receipts = self.ledger.rows_of(index)?;
        let (version, release) = self.released(&receipts, standing.period_end).await?;
        let manifest = String::from_utf8(release.manifest_bytes().to_vec());
        let closing = Closing {
            account: self.on,
            release: version,
            host: self.key.address(),
            manifest: manifest.map_err(|error| Refusal::Release(error.to_string()))?,
            table: release.table().encode().into(),
            sessions: self.ledger.sessions_of(index)?,
            receipts,
            previous,
            period_end,
        };
        let batch = epoch::close(self.chain(), closing).await?;
        // What is published leaves out the sketches that are not everybody's to read.
        let (batch, sketches) = match release.manifest().sketch_readers {
            SketchReaders::Public => (batch, None),
            SketchReaders::Attestors => {
                let sketches: Vec<Sketch> = batch.receipts.iter().filter_map(|row| row.sketch.clone()).collect();
                (batch.without_sketches(), Some(sketches))
            }
        };
        let bytes = batch.to_bytes().map_err(|error| Refusal::StoredBatch(error.to_string()))?;
        let published = Published { batch: &bytes, sketches: sketches.as_deref() };
        let verified = verify::before_posting(self.chain(), published).await?;
        verified.division()?;
        Moment::Settled.reached();
        self.batches.keep(index, &bytes)?;
        Moment::BatchPublished.reached();
        self.begin_round(verified.statement).await?;
        Moment::Closed.reached();
        let forgotten = self.ledger.forget_inputs(index.saturating_add(1).saturating_sub(self.keeps_inputs)).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "kept inputs of earlier epochs are forgotten");
        }
        self.epoch(index)
    }

    /// What a batch that was made before states, if it can be posted now. A node that does not answer says nothing of it.
    async fn holding(&self, hash: B256) -> Result<Option<RootStatement>, Refusal> {
        let (batch, sketches) = (self.batches.bytes(hash)?, self.sketches(hash)?);
        let published = Published { batch: &batch, sketches: Some(&sketches) };
        let verified = verify::before_posting(self.chain(), published).await;
        match verified.and_then(|verified| verified.division().map(drop).map(|()| verified.statement)) {
            Ok(statement) => Ok(Some(statement)),
            Err(error) if error.is_about_the_batch() => {
                tracing::warn!(batch = %hash, %error, "a batch does not hold any more");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether what attestors signed is what the batch states when it is computed once more, from what is on the disk and on
    /// the chain now.
    pub async fn still_states(&self, signed: &RootStatement) -> Result<bool, Refusal> {
        let found = self.holding(signed.dataHash).await?;
        Ok(found.is_some_and(|found| RootStatement { deadline: signed.deadline, ..found } == *signed))
    }

    /// Seals the epoch unless it is sealed already; returns its last second.
    async fn seal(&self, index: u64, first: bool) -> Result<u64, Refusal> {
        if let Some(sealed) = self.ledger.last_epoch()?.filter(|sealed| sealed.epoch == index) {
            return Ok(sealed.period_end);
        }
        let licenses = revenue::licenses(self.chain(), self.on).await?;
        let collected = epoch::collect(&self.account, self.on, &licenses).await?;
        Moment::Collected.reached();
        if first && root::books(self.chain(), self.on).await?.allocatable == 0 {
            return Err(Refusal::NothingToDivide);
        }
        // Where another release begins with the next epoch, what was asked of this one is answered first, and nothing more is
        // asked of it until the epoch has ended, which takes until the next block: an epoch is of one release.
        let waits = self.coming.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let _all_answered = if waits { Some(self.at_work.write().await) } else { None };
        let closing = self.clock.close(collected).await?;
        let _between_epochs = self.gate.write().await;
        let end = closing.done().await;
        let sealed = self.ledger.seal(index, end).await?.period_end;
        if let Some(next) = self.next_after(sealed).filter(|_| waits) {
            self.turn_to(next);
        }
        Ok(sealed)
    }

    /// The leaves that the next root continues.
    fn previous(&self, active: u64, root: B256) -> Result<Vec<Leaf>, Refusal> {
        match self.batches.summary(active) {
            Ok((_, summary)) if summary.tree.root().hash == root => Ok(summary.tree.leaves().to_vec()),
            Ok(_) | Err(Refusal::UnknownEpoch(_)) => Err(Refusal::PreviousMissing(active)),
            Err(other) => Err(other),
        }
    }

    /// Closed epochs, oldest first.
    pub fn epochs(&self) -> Result<Vec<EpochInfo>, Refusal> {
        self.batches.list()?.into_iter().map(|(index, hash)| self.epoch_of(index, hash)).collect()
    }

    /// What an account needs to claim against an epoch's root.
    pub fn proof(&self, index: u64, account: Address) -> Result<ClaimProof, Refusal> {
        let (_, summary) = self.batches.summary(index)?;
        let tree = &summary.tree;
        let (leaf_index, leaf, proof) = root::proof(tree, account).ok_or(Refusal::NoLeaf { account, epoch: index })?;
        Ok(ClaimProof { index, leaf, leaf_index, leaf_count: tree.leaves().len() as u64, proof })
    }

    fn epoch(&self, index: u64) -> Result<EpochInfo, Refusal> {
        self.epoch_of(index, self.batches.hash_of(index)?.ok_or(Refusal::UnknownEpoch(index))?)
    }

    fn epoch_of(&self, index: u64, data_hash: B256) -> Result<EpochInfo, Refusal> {
        let summary = self.batches.summary_of(index, data_hash)?;
        Ok(EpochInfo {
            index,
            data_hash,
            root: summary.tree.root().hash,
            receipts: summary.receipts,
            period_end: summary.period_end,
        })
    }
}

/// A receipt as the host has it.
pub(super) struct Found {
    /// Who served it.
    pub(super) service: Arc<Service>,
    /// The receipt, with its sketch.
    pub(super) row: ReceiptRow,
    /// Its epoch, if that is closed.
    pub(super) epoch: Option<u64>,
}

impl Host {
    /// That a receipt is among those which its epoch's root commits to.
    pub fn receipt_proof(&self, id: B256) -> Result<ReceiptProof, Refusal> {
        let Found { service, row, epoch } = self.row_of(id)?;
        let epoch = epoch.ok_or(Refusal::NotSettled(id))?;
        let (_, batch) = service.batches.of_epoch(epoch)?;
        let place = batch.receipts.binary_search_by_key(&id, |row| row.receipt.id);
        let leaf_index = place.map_err(|_| Refusal::LeftOut(id))? as u64;
        let broken = |error: MerkleError| Refusal::StoredBatch(error.to_string());
        let tree = batch.receipts_tree().map_err(broken)?.ok_or(Refusal::LeftOut(id))?;
        Ok(ReceiptProof {
            asset: service.asset,
            epoch,
            receipts_root: tree.root(),
            leaf: row.receipt.eip712_hash_struct(),
            leaf_index,
            leaf_count: tree.leaf_count(),
            proof: tree.proof(leaf_index).map_err(broken)?,
        })
    }

    /// A receipt, who served it, and its epoch if that is closed.
    pub(super) fn row_of(&self, id: B256) -> Result<Found, Refusal> {
        for service in self.services() {
            let row = service.ledger.row(id)?;
            if let Some((row, epoch)) = row.and_then(|row| Some((row.receipt?, row.epoch))) {
                return Ok(Found { service, row, epoch });
            }
        }
        Err(Refusal::UnknownReceipt(id))
    }
}
