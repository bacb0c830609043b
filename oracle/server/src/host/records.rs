//! What an operator does with a service's records: export them, copy them while the service runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tributary_ledger::{Format, Selection};
use tributary_sdk::api::BackupInfo;

use super::{Refusal, Service};

/// Where backups are kept, beside the ledger.
const BACKUPS: &str = "backups";

impl Service {
    /// Receipts as a table.
    pub async fn export(self: std::sync::Arc<Self>, selection: Selection, format: Format) -> Result<Vec<u8>, Refusal> {
        blocking(move || {
            let mut bytes = Vec::new();
            self.ledger.export(selection, format, &mut bytes)?;
            Ok(bytes)
        })
        .await
    }

    /// Copies the ledger and the published batches into a new folder under the data folder, while both are in use.
    pub async fn backup(self: std::sync::Arc<Self>) -> Result<BackupInfo, Refusal> {
        let _no_epoch_closes = self.closing.lock().await;
        let time = self.clock.now(0).await?;
        let service = std::sync::Arc::clone(&self);
        blocking(move || {
            let folder = fresh(&service.data.join(BACKUPS), time)?;
            service.ledger.backup(&folder.join(tributary_ledger::FILE_NAME))?;
            let batches = service.batches.copy_to(&folder)?;
            Ok(BackupInfo { folder: folder.display().to_string(), batches: batches as u64 })
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Lost)?
}

/// A new folder named after a time; a number is added where there is one already.
fn fresh(backups: &Path, time: u64) -> io::Result<PathBuf> {
    fs::create_dir_all(backups)?;
    let mut number = 0u32;
    loop {
        let name = if number == 0 { time.to_string() } else { format!("{time}-{number}") };
        let folder = backups.join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = number.saturating_add(1),
            other => return other.map(|()| folder),
        }
    }
}
