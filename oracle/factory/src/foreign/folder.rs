//! The folder that attribution leaves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tributary_attribution::explain::RecordIndex;
use tributary_sdk::{B256, keccak256, release::Manifest, table::ContributorTable};

use super::{Attributed, AttributionManifest, ForeignError, plot};

/// The attributed model.
pub const MODEL_FILE: &str = "model.onnx";
/// The contributor table.
pub const TABLE_FILE: &str = "table.bin";
/// The record index.
pub const INDEX_FILE: &str = "records.idx";
/// The manifest.
pub const MANIFEST_FILE: &str = "attribution.json";
/// The spectrum as a picture.
pub const SPECTRUM_FILE: &str = "spectrum.svg";
/// The contributors' influence as a picture.
pub const INFLUENCE_FILE: &str = "influence.svg";
/// What weight decay does to accuracy and attribution, as a picture; where it was asked.
pub const FRONTIER_FILE: &str = "frontier.svg";

/// Files that belong together.
#[derive(Clone, Debug)]
pub struct Files {
    /// The attributed model.
    pub model: Vec<u8>,
    /// The contributor table.
    pub table: ContributorTable,
    /// The record index.
    pub index: RecordIndex,
    /// The manifest.
    pub manifest: AttributionManifest,
}

/// Writes the folder, the manifest last: a folder with a manifest is whole.
///
/// # Errors
/// [`ForeignError::File`], [`ForeignError::Manifest`].
pub fn write(folder: &Path, attributed: &Attributed) -> Result<(), ForeignError> {
    fs::create_dir_all(folder).map_err(|source| ForeignError::File { path: folder.to_owned(), source })?;
    let write = |name: &str, bytes: &[u8]| {
        let (path, part) = (folder.join(name), folder.join(format!("{name}.part")));
        let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, &path));
        written.map_err(|source| ForeignError::File { path, source })
    };
    let manifest = folder.join(MANIFEST_FILE);
    match fs::remove_file(&manifest) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(ForeignError::File { path: manifest, source });
        }
        _ => {}
    }
    let Attributed { files, attribution } = attributed;
    write(MODEL_FILE, &files.model)?;
    write(TABLE_FILE, &files.table.encode())?;
    write(INDEX_FILE, &files.index.encode())?;
    write(SPECTRUM_FILE, plot::spectrum(attribution.basis()).as_bytes())?;
    write(INFLUENCE_FILE, plot::influence(attribution, &files.manifest.settings.target).as_bytes())?;
    if !files.manifest.result.frontier.is_empty() {
        write(FRONTIER_FILE, plot::frontier(&files.manifest.result.frontier).as_bytes())?;
    }
    write(MANIFEST_FILE, &files.manifest.to_bytes()?)
}

/// Reads the folder; a file that is not the manifest's is refused.
///
/// # Errors
/// [`ForeignError::File`], [`ForeignError::NotTheFile`], [`ForeignError::Manifest`], [`ForeignError::Table`],
/// [`ForeignError::Index`].
pub fn read(folder: &Path) -> Result<Files, ForeignError> {
    let bytes = |path: &PathBuf| fs::read(path).map_err(|source| ForeignError::File { path: path.clone(), source });
    let manifest = AttributionManifest::from_bytes(&bytes(&folder.join(MANIFEST_FILE))?)?;
    let read = |name: &str, expected: B256| {
        let path = folder.join(name);
        let bytes = bytes(&path)?;
        match keccak256(&bytes) {
            found if found == expected => Ok(bytes),
            found => Err(ForeignError::NotTheFile { path, found, expected }),
        }
    };
    Ok(Files {
        model: read(MODEL_FILE, manifest.files.model)?,
        table: ContributorTable::decode(&read(TABLE_FILE, manifest.files.table)?)?,
        index: RecordIndex::decode(&read(INDEX_FILE, manifest.files.index)?)?,
        manifest,
    })
}
