//! Where blobs are kept: a folder or a bucket.

use std::{
    error::Error,
    fmt, fs,
    io::{self, ErrorKind},
    path::{Path as FilePath, PathBuf},
};

use object_store::{GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path};
use tributary_sdk::B256;

use super::blob::LONGEST;
use crate::{
    DatasetError,
    durable::{folder_of, refused, sync_folder},
};

/// How much of a store's own words an error repeats.
const WORDS: usize = 300;

/// Sealed bytes under their names: `ab/abcd…`, the name's 64 hexadecimal digits under its first two.
pub(crate) struct Place {
    objects: Box<dyn ObjectStore>,
    prefix: Path,
    /// None for a bucket.
    folder: Option<PathBuf>,
}

impl Place {
    pub(crate) fn folder(path: &FilePath) -> Result<Self, DatasetError> {
        make_folder(path).map_err(refused(path))?;
        let objects = LocalFileSystem::new_with_prefix(path).map_err(|error| refused(path)(io::Error::other(error)))?;
        let objects = Box::new(objects.with_fsync(true));
        Ok(Self { objects, prefix: Path::default(), folder: Some(path.to_owned()) })
    }

    #[cfg(feature = "s3")]
    pub(crate) fn bucket(url: &str) -> Result<Self, DatasetError> {
        let no_store = |reason: &str| DatasetError::NoStore { reason: reason.to_owned() };
        let parsed = url.parse::<url::Url>().map_err(|error| no_store(&error.to_string()))?;
        if parsed.scheme() != "s3" {
            return Err(no_store("only s3:// is known"));
        }
        if has_credentials(&parsed) || parsed.query().is_some() {
            return Err(no_store("its address has more than a bucket and a prefix: credentials go into AWS_*"));
        }
        // Makes this process's TLS known to whoever opens connections.
        drop(tributary_sdk::client::http());
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let options: Vec<(String, String)> =
            std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("AWS_")).collect();
        // What an address has in it, errors repeat.
        let is_telling = |value: &str| value.parse::<url::Url>().is_ok_and(|url| has_credentials(&url));
        if let Some((name, _)) = options.iter().find(|(_, value)| is_telling(value)) {
            return Err(no_store(&format!("{name} has credentials in it: give them in variables of their own")));
        }
        let options = options.into_iter().map(|(name, value)| (name.to_lowercase(), value));
        let (objects, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|error| no_store(&words(&error)))?;
        Ok(Self { objects, prefix, folder: None })
    }

    #[cfg(not(feature = "s3"))]
    pub(crate) fn bucket(_: &str) -> Result<Self, DatasetError> {
        Err(DatasetError::NoS3)
    }

    #[cfg(test)]
    pub(crate) fn memory(prefix: &str) -> Self {
        Self { objects: Box::new(object_store::memory::InMemory::new()), prefix: Path::from(prefix), folder: None }
    }

    pub(crate) async fn put(&self, name: B256, sealed: Vec<u8>) -> Result<(), DatasetError> {
        // Whatever is there under this name is the same bytes, or bytes that somebody has damaged.
        let put = self.objects.put_opts(&self.of(name), sealed.into(), PutOptions::from(PutMode::Overwrite)).await;
        put.map(drop).map_err(|error| refusal(&error))
    }

    pub(crate) async fn get(&self, name: B256) -> Result<Vec<u8>, DatasetError> {
        let refusal = |error| match error {
            object_store::Error::NotFound { .. } => DatasetError::BlobMissing { name },
            other => refusal(&other),
        };
        let found: GetResult = self.objects.get(&self.of(name)).await.map_err(refusal)?;
        if found.meta.size > LONGEST as u64 {
            return Err(DatasetError::BlobTooLong { length: found.meta.size, longest: LONGEST as u64 });
        }
        Ok(found.bytes().await.map_err(refusal)?.into())
    }

    pub(crate) async fn has(&self, name: B256) -> Result<bool, DatasetError> {
        match self.objects.head(&self.of(name)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(other) => Err(refusal(&other)),
        }
    }

    pub(crate) async fn delete(&self, name: B256) -> Result<(), DatasetError> {
        match self.objects.delete(&self.of(name)).await {
            Ok(()) => {}
            Err(object_store::Error::NotFound { .. }) => self.is_there().await?,
            Err(other) => return Err(refusal(&other)),
        }
        // The file system's store syncs what it writes, not what it removes. An earlier try may have come just so far.
        let Some(folder) = &self.folder else { return Ok(()) };
        let folder = folder.join(first_digits(name));
        match sync_folder(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(&folder)(error)),
            _ => Ok(()),
        }
    }

    /// Refuses a store that is gone as a whole, of which it says nothing that a blob is not there.
    async fn is_there(&self) -> Result<(), DatasetError> {
        match &self.folder {
            Some(folder) => sync_folder(folder).map_err(refused(folder)),
            None => {
                let listed = self.objects.list_with_delimiter(Some(&self.prefix)).await;
                listed.map(drop).map_err(|error| refusal(&error))
            }
        }
    }

    /// All names, ascending. Objects that are no blobs are passed over.
    pub(crate) async fn list(&self) -> Result<Vec<B256>, DatasetError> {
        let unreachable = |error| refusal(&error);
        let mut names = Vec::new();
        let top = self.objects.list_with_delimiter(Some(&self.prefix)).await.map_err(unreachable)?;
        for folder in top.common_prefixes {
            let within = self.objects.list_with_delimiter(Some(&folder)).await.map_err(unreachable)?;
            let found = within.objects.into_iter().filter_map(|object| {
                let name: B256 = object.location.filename()?.parse().ok()?;
                (self.of(name) == object.location).then_some(name)
            });
            names.extend(found);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn of(&self, name: B256) -> Path {
        self.prefix.clone().join(first_digits(name)).join(digits(name))
    }
}

/// What addresses and settings say stays out of logs.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "Folder({})", folder.display()),
            None => f.write_str("Bucket(..)"),
        }
    }
}

fn digits(name: B256) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn first_digits(name: B256) -> String {
    format!("{:02x}", name[0])
}

/// Makes a folder that only its owner may enter, unless it is there already.
fn make_folder(path: &FilePath) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    sync_folder(folder_of(path))
}

#[cfg(feature = "s3")]
fn has_credentials(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// What an error of the store means.
fn refusal(error: &object_store::Error) -> DatasetError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        let kind = inner.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) = kind {
            return DatasetError::StoreFull { reason: words(error) };
        }
        cause = inner.source();
    }
    DatasetError::StoreUnreachable { reason: words(error) }
}

/// The beginning of what a store says.
fn words(error: &object_store::Error) -> String {
    error.to_string().chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_store_that_is_not_there() {
        let refused = |kind: ErrorKind| {
            let source = Box::new(io::Error::from(kind));
            refusal(&object_store::Error::Generic { store: "test", source })
        };
        assert!(matches!(refused(ErrorKind::StorageFull), DatasetError::StoreFull { .. }));
        assert!(matches!(refused(ErrorKind::QuotaExceeded), DatasetError::StoreFull { .. }));
        assert!(matches!(refused(ErrorKind::TimedOut), DatasetError::StoreUnreachable { .. }));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_cause_of_the_file_systems_own_errors_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path()).unwrap();
        let name = B256::repeat_byte(0xab);
        fs::create_dir_all(folder.path().join("ab").join(digits(name))).unwrap();
        let error = place.objects.put(&place.of(name), vec![1].into()).await.unwrap_err();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(inner) = cause.filter(|inner| !inner.is::<io::Error>()) {
            cause = inner.source();
        }
        assert!(cause.is_some(), "{error:?}");
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn a_program_without_buckets_says_how_to_build_one() {
        let error = Place::bucket("s3://bucket/prefix").unwrap_err();
        assert!(matches!(error, DatasetError::NoS3));
        assert!(error.to_string().contains("--features s3"));
    }

    #[cfg(feature = "s3")]
    #[test]
    fn an_address_with_credentials_is_refused_and_not_repeated() {
        for url in
            ["s3://who:hushhush@bucket/prefix", "s3://bucket/prefix?secret=hushhush", "https://hushhush@host/bucket"]
        {
            let error = Place::bucket(url).unwrap_err();
            assert!(matches!(error, DatasetError::NoStore { .. }));
            assert!(!format!("{error}{error:?}").contains("hushhush"), "{error}");
        }
        let bucket = Place::bucket("s3://bucket/a/prefix").unwrap();
        assert_eq!(bucket.of(B256::ZERO).as_ref(), format!("a/prefix/00/{}", "00".repeat(32)));
        assert_eq!(format!("{bucket:?}"), "Bucket(..)");
    }
}
