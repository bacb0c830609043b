//! Published batches: content-addressed files in the data folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::B256;
use tributary_sdk::{batch::Batch, release::Manifest};

use super::Refusal;

/// The folder of batches, `{index}-{hash}.json` each.
#[derive(Clone, Debug)]
pub struct Batches {
    folder: PathBuf,
}

impl Batches {
    /// Opens the folder, making it if need be.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("batches");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps a batch: written beside its name first, so that a file with a name is whole, and read again.
    pub fn keep(&self, batch: &Batch) -> Result<B256, Refusal> {
        let bytes = batch.to_bytes().map_err(|error| Refusal::StoredBatch(error.to_string()))?;
        let hash = Batch::data_hash(&bytes);
        let path = self.folder.join(format!("{}-{hash}.json", batch.index));
        let part = path.with_extension("part");
        let mut file = fs::File::create(&part)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        match Batch::data_hash(&fs::read(&path)?) {
            found if found == hash => Ok(hash),
            found => Err(Refusal::StoredBatch(format!("{hash} reads back as {found}"))),
        }
    }

    /// Index and hash of every batch, oldest first.
    pub fn list(&self) -> io::Result<Vec<(u64, B256)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
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

    /// A batch's bytes.
    pub fn bytes(&self, hash: B256) -> Result<Vec<u8>, Refusal> {
        let entry = self.list()?.into_iter().find(|(_, name)| *name == hash);
        let (index, _) = entry.ok_or(Refusal::UnknownBatch(hash))?;
        Ok(fs::read(self.folder.join(format!("{index}-{hash}.json")))?)
    }

    /// The batch of an epoch.
    pub fn of_epoch(&self, index: u64) -> Result<(B256, Batch), Refusal> {
        let entry = self.list()?.into_iter().find(|(known, _)| *known == index);
        let (_, hash) = entry.ok_or(Refusal::UnknownEpoch(index))?;
        let batch = Batch::from_bytes(&self.bytes(hash)?).map_err(|error| Refusal::StoredBatch(error.to_string()))?;
        Ok((hash, batch))
    }
}
