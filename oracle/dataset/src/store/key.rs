//! A dataset's key, and the file it is in.

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

use crate::{
    DatasetError,
    durable::{folder_of, refused, sync_folder},
};

/// How long a key is.
const BYTES: usize = 32;
/// A key as its file has it, without the end of the line.
const DIGITS: usize = 2 * BYTES;

/// The key that a dataset's records are sealed with. It is overwritten when dropped, and nothing prints it.
///
/// Its file is one line of 64 hexadecimal digits that nobody but its owner may read. Whoever loses the file has lost the
/// records: nothing else opens them.
pub struct DatasetKey(
    /// Boxed, so that moving the key leaves no copies behind.
    Box<Zeroizing<[u8; BYTES]>>,
);

impl DatasetKey {
    /// Makes a key and its file, which is on disk when this returns. A file that is there is never written over; killed
    /// half-way, there is no file at `path`, at most one beside it that nothing reads (`.name.….new`).
    ///
    /// The folder must be on a file system with hard links: they, unlike a rename, never replace.
    ///
    /// # Errors
    /// [`DatasetError::KeyExists`], [`DatasetError::NoRandomness`], [`DatasetError::File`].
    pub fn create(path: &Path) -> Result<Self, DatasetError> {
        let exists = || DatasetError::KeyExists { path: path.to_owned() };
        if fs::symlink_metadata(path).is_ok() {
            return Err(exists());
        }
        let mut key = Self(Box::new(Zeroizing::new([0; BYTES])));
        fill(key.0.as_mut_slice())?;
        let staged = beside(path)?;
        let written = key.write(&staged).and_then(|()| fs::hard_link(&staged, path));
        // Whether it was linked or not, it has done its work.
        let _ = fs::remove_file(&staged);
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => exists(),
            _ => refused(path)(error),
        })?;
        sync_folder(folder_of(path)).map_err(refused(path))?;
        Ok(key)
    }

    /// The key in a file.
    ///
    /// # Errors
    /// [`DatasetError::KeyMissing`], [`DatasetError::KeyExposed`], [`DatasetError::KeyMalformed`],
    /// [`DatasetError::File`].
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => DatasetError::KeyMissing { path: path.to_owned() },
            _ => refused(path)(error),
        })?;
        private(&file, path)?;
        // Room for the longest end of a line, and for one byte that tells a longer file.
        let mut text = Zeroizing::new([0; DIGITS + 3]);
        let length = read_all(file, text.as_mut_slice()).map_err(refused(path))?;
        let line = text.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        Self::parse(line).ok_or_else(|| DatasetError::KeyMalformed { path: path.to_owned() })
    }

    /// The key itself, for the cipher.
    pub(crate) fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    fn parse(line: &[u8]) -> Option<Self> {
        if line.len() != DIGITS {
            return None;
        }
        let mut key = Self(Box::new(Zeroizing::new([0; BYTES])));
        for (byte, digits) in key.0.iter_mut().zip(line.chunks_exact(2)) {
            for digit in digits {
                let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok())?;
                *byte = *byte << 4 | value;
            }
        }
        Some(key)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut line = Zeroizing::new([b'\n'; DIGITS + 1]);
        for (digits, byte) in line.chunks_exact_mut(2).zip(self.0.iter()) {
            for (digit, value) in digits.iter_mut().zip([byte >> 4, byte & 0xf]) {
                *digit = if value < 10 { b'0' + value } else { b'a' - 10 + value };
            }
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(line.as_slice())?;
        file.sync_all()
    }
}

impl fmt::Debug for DatasetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatasetKey(..)")
    }
}

/// Fills bytes from the system's source of randomness.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), DatasetError> {
    OsRng.try_fill_bytes(bytes).map_err(|error| DatasetError::NoRandomness { reason: error.to_string() })
}

/// A name in the same folder that nobody else has.
fn beside(path: &Path) -> Result<PathBuf, DatasetError> {
    let mut number = [0; 8];
    fill(&mut number)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{:016x}.new", u64::from_be_bytes(number)));
    Ok(folder_of(path).join(name))
}

/// Refuses a key that others on this machine may have read.
fn private(file: &File, path: &Path) -> Result<(), DatasetError> {
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(refused(path))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(DatasetError::KeyExposed { path: path.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    let _ = (file, path);
    Ok(())
}

/// Reads until the end of the file or of the space; how many bytes that was.
fn read_all(mut file: File, space: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = space.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.key");
        let key = DatasetKey::create(&path).unwrap();
        assert_eq!(DatasetKey::read(&path).unwrap().bytes(), key.bytes());
        let line = fs::read_to_string(&path).unwrap();
        assert_eq!((line.len(), line.trim_end().len()), (65, 64));
        assert!(matches!(DatasetKey::create(&path), Err(DatasetError::KeyExists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), line, "it is never written over");
        let other = DatasetKey::create(&folder.path().join("other.key")).unwrap();
        assert_ne!(other.bytes(), key.bytes());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
        let nowhere = folder.path().join("missing").join("dataset.key");
        assert!(matches!(DatasetKey::create(&nowhere), Err(DatasetError::File { .. })));
    }

    #[test]
    fn of_many_who_create_a_key_at_once_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.key");
        let created: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| DatasetKey::create(&path))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert_eq!(created.len(), 1);
        assert_eq!(created[0].bytes(), DatasetKey::read(&path).unwrap().bytes());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.key");
        assert!(matches!(DatasetKey::read(&path), Err(DatasetError::KeyMissing { .. })));
        DatasetKey::create(&path).unwrap();
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        for good in [format!("{digits}\n"), format!("{digits}\r\n"), digits.clone()] {
            fs::write(&path, good).unwrap();
            assert_eq!(DatasetKey::read(&path).unwrap().bytes()[..4], [0x01, 0x23, 0x45, 0x67]);
        }
        let short = &digits[1..];
        for bad in ["", "\n", short, &format!("{short}g"), &format!("{digits}0"), &format!("{digits}\n\n")] {
            fs::write(&path, bad).unwrap();
            let error = DatasetKey::read(&path).unwrap_err();
            assert!(matches!(error, DatasetError::KeyMalformed { .. }), "{bad:?}");
            assert!(!format!("{error}{error:?}").contains("234567"), "an error shows nothing of it");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.key");
        DatasetKey::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = DatasetKey::read(&path).unwrap_err();
            assert!(matches!(error, DatasetError::KeyExposed { .. }));
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(DatasetKey::read(&path).is_ok());
    }

    #[test]
    fn nothing_prints_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.key");
        assert_eq!(format!("{:?}", DatasetKey::create(&path).unwrap()), "DatasetKey(..)");
    }
}
