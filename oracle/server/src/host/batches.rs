//! Published batches: content-addressed files in the data folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;
use tributary_sdk::{
    batch::Batch,
    release::{Manifest, ReleaseManifest, SketchReaders},
    sum_tree::SumTree,
};

use super::Refusal;
use crate::moment::Moment;

/// The folder of batches, `{index}-{hash}.json` each.
#[derive(Debug)]
pub struct Batches {
    folder: PathBuf,
    /// What was asked about before. A batch's bytes never change, so neither does its summary.
    summaries: Mutex<BTreeMap<B256, Arc<Summary>>>,
}

/// What is asked most of a batch, without its receipts.
#[derive(Debug)]
pub struct Summary {
    /// The epoch.
    pub index: u64,
    /// The payouts' tree.
    pub tree: SumTree,
    /// How many receipts it has.
    pub receipts: u64,
    /// Its last second.
    pub period_end: u64,
    /// Who may read its sketches.
    pub sketch_readers: SketchReaders,
}

impl Batches {
    /// The folder of a data folder as it is, for looking at it.
    pub fn at(data: &Path) -> Self {
        Self { folder: data.join("batches"), summaries: Mutex::default() }
    }

    /// Opens the folder, making it if need be.
    pub fn open(data: &Path) -> io::Result<Self> {
        let batches = Self::at(data);
        fs::create_dir_all(&batches.folder)?;
        Ok(batches)
    }

    /// Keeps an epoch's batch in place of any other of that epoch. It is written under another name first and read
    /// again, so that a file with a batch's name is that batch, whole and on the disk.
    pub fn keep(&self, index: u64, bytes: &[u8]) -> Result<B256, Refusal> {
        let hash = Batch::data_hash(bytes);
        let path = self.path(index, hash);
        let part = path.with_extension("part");
        let mut file = fs::File::create(&part)?;
        io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        Moment::BatchWritten.reached();
        fs::rename(&part, &path)?;
        fs::File::open(&self.folder)?.sync_all()?;
        self.bytes(hash)?;
        for (_, other) in self.list()?.into_iter().filter(|(known, other)| *known == index && *other != hash) {
            fs::remove_file(self.path(index, other))?;
        }
        Ok(hash)
    }

    /// Index and hash of every batch, oldest first.
    pub fn list(&self) -> io::Result<Vec<(u64, B256)>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let parsed =
                name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|name| name.split_once('-'));
            if let Some((index, hash)) = parsed
                && let (Ok(index), Ok(hash)) = (index.parse(), hash.parse())
            {
                found.push((index, hash));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Whether a batch of this name was published here. It is not read.
    pub fn has(&self, hash: B256) -> io::Result<bool> {
        Ok(self.list()?.into_iter().any(|(_, name)| name == hash))
    }

    /// A batch's bytes, as they were published.
    pub fn bytes(&self, hash: B256) -> Result<Vec<u8>, Refusal> {
        let entry = self.list()?.into_iter().find(|(_, name)| *name == hash);
        let (index, _) = entry.ok_or(Refusal::UnknownBatch(hash))?;
        self.read_bytes(index, hash)
    }

    /// The batch of this name.
    pub fn read(&self, hash: B256) -> Result<Batch, Refusal> {
        Batch::from_bytes(&self.bytes(hash)?).map_err(|error| Refusal::StoredBatch(error.to_string()))
    }

    fn read_bytes(&self, index: u64, hash: B256) -> Result<Vec<u8>, Refusal> {
        let bytes = fs::read(self.path(index, hash))?;
        match Batch::data_hash(&bytes) {
            found if found == hash => Ok(bytes),
            found => Err(Refusal::StoredBatch(format!("{hash} reads back as {found}: restore the file"))),
        }
    }

    /// Copies every batch into a folder of the same name under `folder`; how many.
    pub fn copy_to(&self, folder: &Path) -> Result<usize, Refusal> {
        let copy = Self::open(folder)?;
        let all = self.list()?;
        for (index, hash) in &all {
            copy.keep(*index, &self.bytes(*hash)?)?;
        }
        Ok(all.len())
    }

    /// The hash of an epoch's batch, if there is one.
    pub fn hash_of(&self, index: u64) -> io::Result<Option<B256>> {
        Ok(self.list()?.into_iter().find(|(known, _)| *known == index).map(|(_, hash)| hash))
    }

    /// What is asked most of an epoch's batch, with the batch's name. The batch is read once.
    pub fn summary(&self, index: u64) -> Result<(B256, Arc<Summary>), Refusal> {
        let hash = self.hash_of(index)?.ok_or(Refusal::UnknownEpoch(index))?;
        Ok((hash, self.summary_of(index, hash)?))
    }

    /// The same, of a batch whose name is known.
    pub fn summary_of(&self, index: u64, hash: B256) -> Result<Arc<Summary>, Refusal> {
        let known = self.summaries.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let batch = self.read_batch(index, hash)?;
        let tree = SumTree::new(batch.leaves).map_err(|error| Refusal::StoredBatch(error.to_string()))?;
        let receipts = batch.receipts.len() as u64;
        let manifest = ReleaseManifest::from_bytes(batch.manifest.as_bytes());
        let sketch_readers = manifest.map_err(|error| Refusal::StoredBatch(error.to_string()))?.sketch_readers;
        let summary = Arc::new(Summary { index, tree, receipts, period_end: batch.period_end, sketch_readers });
        self.summaries.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, Arc::clone(&summary));
        Ok(summary)
    }

    /// The batch of an epoch.
    pub fn of_epoch(&self, index: u64) -> Result<(B256, Batch), Refusal> {
        let hash = self.hash_of(index)?.ok_or(Refusal::UnknownEpoch(index))?;
        Ok((hash, self.read_batch(index, hash)?))
    }

    fn read_batch(&self, index: u64, hash: B256) -> Result<Batch, Refusal> {
        let bytes = self.read_bytes(index, hash)?;
        Batch::from_bytes(&bytes).map_err(|error| Refusal::StoredBatch(error.to_string()))
    }

    fn path(&self, index: u64, hash: B256) -> PathBuf {
        self.folder.join(format!("{index}-{hash}.json"))
    }
}
