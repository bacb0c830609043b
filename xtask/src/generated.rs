//! Writing generated files, and noticing when they are stale.

use std::{collections::BTreeMap, fs, path::Path};

use eyre::{Result, WrapErr, bail};

use crate::Mode;

/// File name to contents.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Writes the files, or with `--check` compares them with what is there.
pub(crate) fn settle(folder: &Path, files: &Files, mode: Mode, command: &str) -> Result<()> {
    if mode.check { compare(folder, files, command) } else { write(folder, files) }
}

fn write(folder: &Path, files: &Files) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).wrap_err_with(|| format!("writing {name}"))?;
    }
    for stale in extra(folder, files)? {
        fs::remove_file(folder.join(&stale))?;
    }
    println!("{}: {} files written", folder.display(), files.len());
    Ok(())
}

fn compare(folder: &Path, files: &Files, command: &str) -> Result<()> {
    for (name, bytes) in files {
        if fs::read(folder.join(name)).ok().as_ref() != Some(bytes) {
            bail!("{} is stale: run `{command}` and commit what it writes", folder.join(name).display());
        }
    }
    if let Some(stale) = extra(folder, files)?.first() {
        bail!("{} is left over: run `{command}`", folder.join(stale).display());
    }
    println!("{}: {} files fresh", folder.display(), files.len());
    Ok(())
}

/// A generated folder holds nothing else.
fn extra(folder: &Path, files: &Files) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            names.push(name);
        }
    }
    Ok(names)
}
