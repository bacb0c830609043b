//! A host's records: copies while it runs, the way back, tables for other programs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tributary_ledger::Report;
use tributary_sdk::{AssetId, api::BackupInfo, client::Client};

use super::{StepError, epoch::which};
use crate::secret::Secret;

/// Asks a host to copy a model's ledger and batches into a folder of its own.
pub async fn backup(url: &str, model: Option<AssetId>, token: &Secret) -> Result<BackupInfo, StepError> {
    let client = Client::connect(url).await?;
    Ok(client.backup(which(&client, model)?, token.reveal()).await?)
}

/// A model's receipts as a table: of a closed epoch, or of the open one.
pub async fn export(
    url: &str,
    model: Option<AssetId>,
    epoch: Option<u64>,
    format: &str,
    token: &Secret,
) -> Result<Vec<u8>, StepError> {
    let client = Client::connect(url).await?;
    Ok(client.export(which(&client, model)?, epoch, format, token.reveal()).await?)
}

/// Makes a backup the ledger and the batches of a data folder that has neither, once it has been checked.
pub fn restore(from: &Path, folder: &Path) -> Result<(Report, usize), StepError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StepError::File { path, source }
    };
    let (stored, target) = (from.join("batches"), folder.join("batches"));
    let names = match fs::read_dir(&stored) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed(&stored)(error)),
        Ok(entries) => {
            let names: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
            names.map_err(failed(&stored))?
        }
    };
    let report = tributary_ledger::restore(&from.join(tributary_ledger::FILE_NAME), folder)?;
    fs::create_dir_all(&target).map_err(failed(&target))?;
    for path in &names {
        let Some(name) = path.file_name() else { continue };
        let place = target.join(name);
        fs::copy(path, &place).and_then(|_| fs::File::open(&place)?.sync_all()).map_err(failed(&place))?;
    }
    Ok((report, names.len()))
}
