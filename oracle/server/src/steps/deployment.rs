//! The suite on a chain, and the chain's manifest.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::Address;
use tributary_chain::{
    Account, Chain, ChainError,
    deploy::{self, Outcome, Since},
};
use tributary_sdk::deployment::{ChainManifest, ChainManifestError, Creation, Deployment};

use super::StepError;

/// What a deployment did.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The contracts in the order of their creation.
    pub contracts: Vec<(&'static str, Address, Outcome)>,
    /// What stands on the chain now.
    pub manifest: ChainManifest,
}

/// Where a chain's manifest is unless somebody says otherwise.
pub fn manifest_path(chain: &Chain) -> PathBuf {
    PathBuf::from(format!("deployments/{}.json", chain.id()))
}

/// Creates what is missing of the suite and of `more`, and writes the chain's manifest. A manifest that holds already
/// stays as it is, and what it names beyond the suite stays in it.
pub async fn deploy(account: &Account, more: Vec<Creation>, path: &Path) -> Result<Deployed, StepError> {
    let chain = account.chain();
    let before = read(path)?;
    if let Some(other) = before.as_ref().map(|manifest| manifest.chain_id).filter(|id| *id != chain.id()) {
        // Another chain's manifest is not written over.
        let error = ChainManifestError::Chain { manifest: other, chain: chain.id() };
        return Err(failed(path)(error.into()));
    }
    let creations = creations(more, before.as_ref());
    let contracts = deploy::deploy(account, &creations).await?;
    if let Some(manifest) = before {
        let is_complete = manifest.check_build(&creations).is_ok();
        if is_complete && deploy::check_manifest(chain, &manifest).await.is_ok() {
            return Ok(Deployed { contracts, manifest });
        }
    }
    let manifest = deploy::manifest(chain, &creations, &contracts).await?;
    write(path, &manifest)?;
    Ok(Deployed { contracts, manifest })
}

/// Checks that this build's suite is what stands on the chain.
pub async fn check_suite(chain: &Chain) -> Result<(), StepError> {
    deploy::check(chain, &Deployment::creations()).await?;
    Ok(())
}

/// Checks the manifest at `path` against this build and against the chain, and the chain against this build.
pub async fn check_manifest(chain: &Chain, path: &Path) -> Result<Since, StepError> {
    let missing = || StepError::Missing { path: path.to_owned(), command: "tributary deploy" };
    let manifest = read(path)?.ok_or_else(missing)?;
    deploy::check_manifest(chain, &manifest).await.map_err(failed(path))
}

fn failed(path: &Path) -> impl Fn(ChainError) -> StepError {
    |source| StepError::ChainManifest { path: path.to_owned(), source: Box::new(source) }
}

fn creations(more: Vec<Creation>, before: Option<&ChainManifest>) -> Vec<Creation> {
    let mut creations = Deployment::creations();
    creations.extend(more);
    let dollar = Deployment::demo_dollar();
    let is_kept = before.is_some_and(|manifest| manifest.contracts.contains_key(dollar.name));
    if is_kept && !creations.contains(&dollar) {
        creations.push(dollar);
    }
    creations
}

fn read(path: &Path) -> Result<Option<ChainManifest>, StepError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|source| StepError::File { path: path.to_owned(), source })?,
    };
    let unreadable =
        |error: serde_json::Error| StepError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
}

fn write(path: &Path, manifest: &ChainManifest) -> Result<(), StepError> {
    let file = |source| StepError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file)?;
    }
    let mut bytes = serde_json::to_vec_pretty(manifest).map_err(io::Error::from).map_err(file)?;
    bytes.push(b'\n');
    let part = path.with_extension("part");
    fs::write(&part, bytes).map_err(file)?;
    fs::rename(&part, path).map_err(file)
}
