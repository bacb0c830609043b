//! Records at rest: sealed, and named by their sealed bytes, in a folder or in a bucket that speaks the S3 protocol.
//!
//! A blob is `0x01`, a nonce of 24 bytes, and what XChaCha20-Poly1305 makes of the records under the dataset's key. Its
//! name is keccak-256 of all that, so whoever has the name can check what a store gives, key or not. It opens only as what
//! it was sealed as: the cipher binds it to its [`BlobContext`].
//!
//! What a store guarantees:
//!
//! - A blob is there whole or not at all. In a folder it is written beside its place and then renamed; what a killed
//!   program leaves (`…#1`) holds sealed bytes only, is never taken for a blob, and may be removed while nobody writes.
//! - In a folder, blob and folder entries are synced before [`Store::put`] and [`Store::delete`] return, on Unix; elsewhere
//!   the file is synced and its name is up to the system. In a bucket, the service says what its answer is worth.
//! - What is deleted is gone from the store, not from its backups: switch off the versioning of a bucket. Sealing the
//!   rest anew and destroying the old key is what takes records out of backups too.
//!
//! A store hides what is in a blob; it does not hide how long that is, nor how many blobs there are.

mod blob;
mod key;
mod place;
#[cfg(test)]
mod tests;

use std::path::Path;

use tributary_sdk::B256;
use zeroize::Zeroizing;

use self::place::Place;
pub use self::{
    blob::{BlobContext, LONGEST, blob_name},
    key::DatasetKey,
};
use crate::DatasetError;

/// A dataset's blobs, and the key that opens them.
///
/// Sealing, opening and hashing happen in the calling task: a fraction of a second for 100 MB. Blobs of some megabytes
/// serve best; the longest are of 256 MiB, sealed.
#[derive(Debug)]
pub struct Store {
    place: Place,
    key: DatasetKey,
}

impl Store {
    /// Blobs in a local folder, which is made if it is missing, for this account alone.
    ///
    /// # Errors
    /// [`DatasetError::File`].
    pub fn folder(path: &Path, key: DatasetKey) -> Result<Self, DatasetError> {
        Ok(Self { place: Place::folder(path)?, key })
    }

    /// Blobs in a bucket by its address, `s3://bucket/prefix`. Region, endpoint and credentials are in the environment,
    /// under the names that AWS gives them; an address with credentials in it is refused. Nothing is asked of the bucket
    /// yet.
    ///
    /// # Errors
    /// [`DatasetError::NoStore`]; [`DatasetError::NoS3`] in programs built without the feature `s3`.
    pub fn bucket(url: &str, key: DatasetKey) -> Result<Self, DatasetError> {
        Ok(Self { place: Place::bucket(url)?, key })
    }

    /// Blobs at a location as a person writes it: [`Store::bucket`] if it begins with `s3://`, else [`Store::folder`].
    ///
    /// # Errors
    /// Theirs; [`DatasetError::NoStore`] for any other address.
    pub fn open(location: &str, key: DatasetKey) -> Result<Self, DatasetError> {
        match location.split_once("://") {
            Some(("s3", _)) => Self::bucket(location, key),
            Some(_) => Err(DatasetError::NoStore { reason: "it is neither s3:// nor a folder".to_owned() }),
            None if location.is_empty() => Err(DatasetError::NoStore { reason: "nothing is named".to_owned() }),
            None => Self::folder(Path::new(location), key),
        }
    }

    /// Seals bytes and keeps them; their name. The same bytes again become another blob.
    ///
    /// # Errors
    /// [`DatasetError::BlobTooLong`], [`DatasetError::NoRandomness`], [`DatasetError::StoreFull`],
    /// [`DatasetError::StoreUnreachable`].
    pub async fn put(&self, context: &BlobContext, plaintext: &[u8]) -> Result<B256, DatasetError> {
        let sealed = blob::seal(&self.key, context, plaintext)?;
        let name = blob_name(&sealed);
        self.place.put(name, sealed).await?;
        Ok(name)
    }

    /// The bytes of a blob, which are overwritten when dropped.
    ///
    /// # Errors
    /// [`DatasetError::BlobMissing`]; [`DatasetError::BlobAltered`] if these are not the bytes named;
    /// [`DatasetError::BlobLocked`] under another key or context; [`DatasetError::BlobUnknown`],
    /// [`DatasetError::BlobTooLong`], [`DatasetError::StoreUnreachable`].
    pub async fn get(&self, name: B256, context: &BlobContext) -> Result<Zeroizing<Vec<u8>>, DatasetError> {
        blob::open(&self.key, name, context, &self.sealed(name).await?)
    }

    /// A blob as it is kept, compared with its name and not opened: for a copy of the store, or to see that it is whole.
    ///
    /// # Errors
    /// [`DatasetError::BlobMissing`], [`DatasetError::BlobAltered`], [`DatasetError::BlobTooLong`],
    /// [`DatasetError::StoreUnreachable`].
    pub async fn sealed(&self, name: B256) -> Result<Vec<u8>, DatasetError> {
        let sealed = self.place.get(name).await?;
        blob::check(name, &sealed)?;
        Ok(sealed)
    }

    /// Whether something is kept under a name. Only [`Store::sealed`] tells whether it is whole.
    ///
    /// # Errors
    /// [`DatasetError::StoreUnreachable`].
    pub async fn has(&self, name: B256) -> Result<bool, DatasetError> {
        self.place.has(name).await
    }

    /// Removes a blob. One that is not there is no error: whoever was interrupted tries again.
    ///
    /// # Errors
    /// [`DatasetError::StoreUnreachable`], [`DatasetError::File`].
    pub async fn delete(&self, name: B256) -> Result<(), DatasetError> {
        self.place.delete(name).await
    }

    /// The names of all blobs, ascending. It takes one request for each pair of digits that names begin with.
    ///
    /// # Errors
    /// [`DatasetError::StoreUnreachable`].
    pub async fn list(&self) -> Result<Vec<B256>, DatasetError> {
        self.place.list().await
    }
}
