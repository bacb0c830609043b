//! Where the ONNX Runtime library is: configured, in the environment, or in `node_modules`.

use std::path::{Path, PathBuf};

use crate::RuntimeError;

/// Folder of the npm package `onnxruntime-node` that holds one folder per operating system.
const PACKAGE: &str = "node_modules/onnxruntime-node/bin/napi-v6";

/// The library's place inside [`PACKAGE`], for one platform.
struct Platform {
    folder: &'static str,
    file: &'static str,
}

fn platform() -> Result<Platform, RuntimeError> {
    let (folder, file) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => ("linux/x64", "libonnxruntime.so.1"),
        ("linux", "aarch64") => ("linux/arm64", "libonnxruntime.so.1"),
        ("macos", "aarch64") => ("darwin/arm64", "libonnxruntime.1.dylib"),
        ("windows", "x86_64") => ("win32/x64", "onnxruntime.dll"),
        ("windows", "aarch64") => ("win32/arm64", "onnxruntime.dll"),
        (os, arch) => return Err(RuntimeError::UnsupportedPlatform { os, arch }),
    };
    Ok(Platform { folder, file })
}

/// Finds the library file.
///
/// A `chosen` path (configuration, else environment) is final: if it is wrong, nothing else is tried, so
/// that a typing error is never answered with another library. Otherwise every folder from each of
/// `starts` up to the root is searched for the npm package.
pub(crate) fn locate(chosen: Option<&Path>, starts: &[PathBuf]) -> Result<PathBuf, RuntimeError> {
    if let Some(path) = chosen {
        let file = if path.is_dir() { path.join(platform()?.file) } else { path.to_path_buf() };
        return existing(&file).ok_or(RuntimeError::LibraryNotFound { looked_at: vec![file] });
    }

    let platform = platform()?;
    let mut looked_at = Vec::new();
    for folder in starts.iter().flat_map(|start| start.ancestors()) {
        let file = folder.join(PACKAGE).join(platform.folder).join(platform.file);
        if looked_at.contains(&file) {
            continue;
        }
        if let Some(found) = existing(&file) {
            return Ok(found);
        }
        looked_at.push(file);
    }
    Err(RuntimeError::LibraryNotFound { looked_at })
}

/// The absolute path of a file that exists.
fn existing(file: &Path) -> Option<PathBuf> {
    file.is_file().then(|| file.canonicalize().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn install(root: &Path) -> PathBuf {
        let platform = platform().unwrap();
        let folder = root.join(PACKAGE).join(platform.folder);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(platform.file);
        std::fs::write(&file, b"").unwrap();
        file.canonicalize().unwrap()
    }

    #[test]
    fn the_package_is_found_from_any_folder_below_it() {
        let root = tempfile::tempdir().unwrap();
        let library = install(root.path());
        let deep = root.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(locate(None, &[deep]), Ok(library));
    }

    #[test]
    fn a_missing_library_lists_every_place_and_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        let error = locate(None, &[root.path().to_path_buf()]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&root.path().join(PACKAGE).display().to_string()), "{text}");
        assert!(text.contains("npm ci --ignore-scripts") && text.contains("TRIBUTARY_ONNXRUNTIME"), "{text}");
    }

    #[test]
    fn a_chosen_path_that_does_not_exist_is_not_replaced_by_another() {
        let root = tempfile::tempdir().unwrap();
        install(root.path());
        let chosen = root.path().join("nowhere.so");
        assert_eq!(
            locate(Some(&chosen), &[root.path().to_path_buf()]),
            Err(RuntimeError::LibraryNotFound { looked_at: vec![chosen] })
        );
    }

    #[test]
    fn a_chosen_folder_means_the_library_inside_it() {
        let root = tempfile::tempdir().unwrap();
        let library = install(root.path());
        assert_eq!(locate(library.parent(), &[]), Ok(library.clone()));
    }
}
