//! What it takes for files to outlive a power cut.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::DatasetError;

/// How many files this process has written.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes a file, durably, whole or not at all; its folder is made if need be.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    // Under a name of its own: several may write the same file.
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let half = path.with_extension(format!("{}-{number}.half", process::id()));
    let mut handle = File::create(&half)?;
    handle.write_all(bytes)?;
    handle.sync_all()?;
    fs::rename(&half, path)?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened, and needs it to be.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The refusal of a file or folder.
pub(crate) fn refused(path: &Path) -> impl Fn(io::Error) -> DatasetError {
    let path = PathBuf::from(path);
    move |source| DatasetError::File { path: path.clone(), source }
}
