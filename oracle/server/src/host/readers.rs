//! What is not everybody's to read: inputs that the host keeps, and sketches of releases that withhold them. The vault's
//! attestors read both, and who asked reads what belongs to its own answers.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, keccak256},
    sol_types::SolStruct,
};
use tributary_chain::{root, wallets};
use tributary_sdk::{
    api::{Attribution, ContributorScore, KeptInput, Reader},
    batch::{ReceiptRow, Sketches},
    release::SketchReaders,
    sketch::Sketch,
    table::{ContributorTable, basis_points},
    typed_data::{InputAccess, SketchAccess},
};

use super::{Host, Refusal, Service, answer::scores, closing::Found};

/// How long ahead a reader may sign, in seconds of the chain's time.
const AHEAD: u64 = 24 * 60 * 60;

impl Host {
    /// A receipt's input, for an attestor of its vault or its payer. `asked_at` is the authority that the reader reached this
    /// host at, here and below.
    pub async fn input(&self, id: B256, reader: Reader, asked_at: Option<&str>) -> Result<KeptInput, Refusal> {
        let Found { service, row, .. } = self.row_of(id)?;
        self.check_receipt_reader(&service, &row, &reader, asked_at).await?;
        let bytes = service.ledger.input(id)?.ok_or(Refusal::InputNotKept(id))?;
        serde_json::from_slice(&bytes).map_err(|error| Refusal::Release(error.to_string()))
    }

    /// A served request's receipt, with everything that proves it and everybody may read.
    pub fn receipt(&self, id: B256) -> Result<ReceiptRow, Refusal> {
        let Found { service, mut row, epoch } = self.row_of(id)?;
        if service.sketch_readers(&row, epoch)? != SketchReaders::Public {
            row.sketch = None;
        }
        Ok(row)
    }

    /// Who made an answer whose sketch everybody may read.
    pub fn attribution(&self, id: B256) -> Result<Attribution, Refusal> {
        let Found { service, row, epoch } = self.row_of(id)?;
        match service.sketch_readers(&row, epoch)? {
            SketchReaders::Public => service.attribution(&row, epoch),
            SketchReaders::Attestors => Err(Refusal::SketchWithheld(id)),
        }
    }

    /// Who made an answer, for an attestor of its vault or its payer.
    pub async fn attribution_for(
        &self,
        id: B256,
        reader: Reader,
        asked_at: Option<&str>,
    ) -> Result<Attribution, Refusal> {
        let Found { service, row, epoch } = self.row_of(id)?;
        self.check_receipt_reader(&service, &row, &reader, asked_at).await?;
        service.attribution(&row, epoch)
    }

    /// The sketches that a batch leaves out, for an attestor of its vault.
    pub async fn sketches(&self, hash: B256, reader: Reader, asked_at: Option<&str>) -> Result<Sketches, Refusal> {
        let service = self.publisher(hash)?;
        let access = |authority, until| SketchAccess { dataHash: hash, authority, until };
        self.check_reader(&service, None, &reader, asked_at, access).await?;
        Ok(Sketches { batch: hash, sketches: service.sketches(hash)? })
    }

    async fn check_receipt_reader(
        &self,
        service: &Service,
        row: &ReceiptRow,
        reader: &Reader,
        asked_at: Option<&str>,
    ) -> Result<(), Refusal> {
        let receipt = &row.receipt;
        let access = |authority, until| InputAccess { receiptId: receipt.id, authority, until };
        self.check_reader(service, Some(receipt.payer), reader, asked_at, access).await
    }

    /// That an attestor of the vault, or who else may, signed just now what it reads, and that it reads it here: another
    /// host, which it asked for the same, could else read with its signature.
    async fn check_reader<A: SolStruct>(
        &self,
        service: &Service,
        or: Option<Address>,
        reader: &Reader,
        asked_at: Option<&str>,
        access: impl FnOnce(String, u64) -> A,
    ) -> Result<(), Refusal> {
        let Reader { signer, authority, until, signature } = reader;
        self.check_authority(authority, asked_at)?;
        let now = self.chain().head().await?.timestamp;
        if *until <= now || *until > now.saturating_add(AHEAD) {
            return Err(Refusal::ReadingTime { until: *until, now });
        }
        let attestors = root::policy(self.chain(), service.on.vault).await?.signers;
        if !attestors.contains(signer) && or != Some(*signer) {
            return Err(Refusal::NoReader(*signer));
        }
        let digest = access(authority.clone(), *until).eip712_signing_hash(&self.chain().ledger_domain());
        match wallets::signed_by(self.chain(), *signer, digest, signature, BlockId::latest()).await? {
            None => Err(Refusal::NotSigned { holder: *signer }),
            Some(_) => Ok(()),
        }
    }
}

impl Service {
    /// Who may read a receipt's sketch: its release says.
    fn sketch_readers(&self, row: &ReceiptRow, epoch: Option<u64>) -> Result<SketchReaders, Refusal> {
        let served = self.served();
        match epoch {
            _ if row.receipt.version == served.version.version => Ok(served.release.manifest().sketch_readers),
            Some(epoch) => Ok(self.batches.summary(epoch)?.1.sketch_readers),
            // No epoch is open over two releases; were one, what is not known to be public would not be shown.
            None => Ok(SketchReaders::Attestors),
        }
    }

    /// Every contributor's score in an answer. The table of a release that is served no more is in the epoch's batch.
    fn attribution(&self, row: &ReceiptRow, epoch: Option<u64>) -> Result<Attribution, Refusal> {
        let served = self.served();
        match epoch {
            Some(epoch) if row.receipt.version != served.version.version => {
                let (_, batch) = self.batches.of_epoch(epoch)?;
                let table = ContributorTable::decode(&batch.table);
                let table = table.map_err(|error| Refusal::StoredBatch(error.to_string()))?;
                scored(row, &table, keccak256(&batch.table))
            }
            _ => scored(row, served.release.table(), served.release.manifest().table_hash),
        }
    }

    /// The sketches of a batch's receipts, in their order: the ledger has them where the batch does not.
    pub(super) fn sketches(&self, hash: B256) -> Result<Vec<Sketch>, Refusal> {
        let lost = |id: B256| Refusal::StoredBatch(format!("receipt {id} is not in the ledger: restore the folder"));
        let sketch = |row: ReceiptRow| match row.sketch {
            Some(sketch) => Ok(sketch),
            None => {
                let kept = self.ledger.row(row.receipt.id)?.and_then(|row| row.receipt?.sketch);
                kept.ok_or_else(|| lost(row.receipt.id))
            }
        };
        self.batches.read(hash)?.receipts.into_iter().map(sketch).collect()
    }
}

fn scored(row: &ReceiptRow, table: &ContributorTable, table_hash: B256) -> Result<Attribution, Refusal> {
    let sketch = row.sketch.as_ref().ok_or(Refusal::SketchWithheld(row.receipt.id))?;
    let scores = scores(table, sketch)?;
    let bps = basis_points(&scores);
    let scores = table.rows().iter().zip(scores).zip(bps);
    let scores = scores.map(|((row, score), bps)| ContributorScore { account: row.account, score, bps }).collect();
    Ok(Attribution { receipt: row.receipt.id, table_hash, scores })
}
