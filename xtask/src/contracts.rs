//! Contract build: foundry-compilers with foundry.toml's settings, exported so that nobody else needs a compiler.
//!
//! Freshness is a hash over sources, settings, compiler and library versions, kept beside the artifacts with a hash of
//! each artifact; checking it needs neither compiler nor node_modules.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, Keccak256, keccak256};
use eyre::{OptionExt, Result, WrapErr, bail, ensure, eyre};
use foundry_compilers::{
    ProjectBuilder, ProjectPathsConfig,
    artifacts::{
        BytecodeHash, EvmVersion, Settings, SettingsMetadata, Severity, output_selection::OutputSelection,
        remappings::Remapping,
    },
    solc::{Solc, SolcCompiler, SolcSettings},
};
use serde::{Deserialize, Serialize};

use crate::{Mode, generated, typescript};

const COMMAND: &str = "cargo xtask contracts";
const COMPILER: &str = "solc";
const LIBRARIES: [&str; 4] = [COMPILER, "@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable", "solady"];

/// The part of foundry.toml's default profile that decides the bytecode.
#[derive(Debug, Deserialize)]
struct Profile {
    src: PathBuf,
    solc: PathBuf,
    remappings: Vec<String>,
    evm_version: String,
    optimizer: bool,
    optimizer_runs: usize,
    via_ir: bool,
    bytecode_hash: String,
    cbor_metadata: bool,
    ignored_error_codes: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct FoundryToml {
    profile: BTreeMap<String, toml::Value>,
}

/// `sdk/abi/build.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Build {
    /// Hash over sources, settings and versions.
    inputs: B256,
    /// Hash of each exported file.
    artifacts: BTreeMap<String, B256>,
}

/// `sdk/abi/<Contract>.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Artifact {
    #[serde(rename = "contractName")]
    pub(crate) name: String,
    pub(crate) abi: serde_json::Value,
    /// Initcode without constructor arguments.
    pub(crate) bytecode: String,
}

/// Builds and writes `sdk/abi`, and from that the TypeScript.
pub(crate) fn export(root: &Path) -> Result<()> {
    let profile = profile(root)?;
    let built: BTreeMap<String, Artifact> =
        compile(root, &profile)?.into_iter().map(|artifact| (artifact.name.clone(), artifact)).collect();
    let mut files: generated::Files = built.values().map(file).collect::<Result<_>>()?;
    let artifacts = files.iter().map(|(name, bytes)| (name.clone(), keccak256(bytes))).collect();
    let build = Build { inputs: inputs(root, &profile)?, artifacts };
    files.insert("build.json".into(), json(&build)?);
    let write = Mode { check: false };
    generated::settle(&root.join("sdk/abi"), &files, write, COMMAND)?;
    generated::settle(&root.join(typescript::FOLDER), &typescript::files(&built, COMMAND)?, write, COMMAND)
}

/// Fails when `sdk/abi` does not belong to the sources, or the TypeScript not to `sdk/abi`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let folder = root.join("sdk/abi");
    let stored = fs::read(folder.join("build.json")).wrap_err(format!("no contract build: run `{COMMAND}`"))?;
    let build: Build = serde_json::from_slice(&stored)?;
    ensure!(
        build.inputs == inputs(root, &profile(root)?)?,
        "sources, settings or compiler changed since sdk/abi was built: run `{COMMAND}`"
    );
    for (name, hash) in &build.artifacts {
        ensure!(
            keccak256(fs::read(folder.join(name))?) == *hash,
            "sdk/abi/{name} was changed by hand: run `{COMMAND}`"
        );
    }
    println!("{}: {} artifacts fresh", folder.display(), build.artifacts.len());
    let artifacts = typescript::committed(root, build.artifacts.into_keys())?;
    let files = typescript::files(&artifacts, COMMAND)?;
    generated::settle(&root.join(typescript::FOLDER), &files, Mode { check: true }, COMMAND)
}

fn profile(root: &Path) -> Result<Profile> {
    let text = fs::read_to_string(root.join("foundry.toml")).wrap_err("reading foundry.toml")?;
    let mut toml: FoundryToml = toml::from_str(&text)?;
    let default = toml.profile.remove("default").ok_or_eyre("foundry.toml has no [profile.default]")?;
    Ok(default.try_into()?)
}

fn compile(root: &Path, profile: &Profile) -> Result<Vec<Artifact>> {
    let solc = Solc::new(root.join(&profile.solc))
        .wrap_err("the Solidity compiler does not start: run `npm ci --ignore-scripts`")?;
    let remappings: Vec<Remapping> =
        profile.remappings.iter().map(|text| text.parse()).collect::<Result<_, _>>().wrap_err("remappings")?;
    let paths = ProjectPathsConfig::builder()
        .root(root)
        .sources(root.join(&profile.src))
        .lib(root.join("node_modules"))
        .remappings(remappings)
        .build()?;
    let mut settings =
        Settings::new(OutputSelection::common_output_selection(["abi".into(), "evm.bytecode.object".into()]));
    settings.optimizer.enabled = Some(profile.optimizer);
    settings.optimizer.runs = Some(profile.optimizer_runs);
    let version: EvmVersion = profile.evm_version.parse().map_err(|error: String| eyre!(error))?;
    settings.evm_version = Some(version);
    settings.via_ir = Some(profile.via_ir);
    let hash: BytecodeHash = profile.bytecode_hash.parse().map_err(|error: String| eyre!(error))?;
    settings.metadata = Some(SettingsMetadata::new(hash, profile.cbor_metadata));
    let sources = sources(&root.join(&profile.src))?;
    let output = ProjectBuilder::<SolcCompiler>::new(Default::default())
        .paths(paths)
        .settings(SolcSettings { settings, cli_settings: Default::default() })
        .ignore_error_codes(profile.ignored_error_codes.iter().copied())
        .ignore_paths(vec!["node_modules".into()])
        .set_compiler_severity_filter(Severity::Warning)
        .ephemeral()
        .no_artifacts()
        .build(SolcCompiler::Specific(solc))?
        .compile_files(sources)?;
    if output.has_compiler_errors() {
        bail!("the contracts do not compile cleanly:\n{output}");
    }
    let mut artifacts = Vec::new();
    for (id, artifact) in output.into_artifacts() {
        let object = artifact.bytecode.as_ref().and_then(|code| code.object.as_bytes());
        let Some(code) = object.filter(|code| !code.is_empty() && is_deployed(root, profile, &id.source)) else {
            continue;
        };
        artifacts.push(Artifact {
            name: id.name,
            abi: serde_json::to_value(&artifact.abi)?,
            bytecode: code.to_string(),
        });
    }
    Ok(artifacts)
}

/// Contracts stand in the sources' folder or in one of these; libraries are inlined, interfaces and parts have no code.
const FOLDERS: [&str; 4] = ["", "community", "demo", "ledger"];

fn is_deployed(root: &Path, profile: &Profile, source: &Path) -> bool {
    let Ok(relative) = source.strip_prefix(root.join(&profile.src)) else { return false };
    let folder = relative.parent().unwrap_or(relative);
    FOLDERS.iter().any(|known| folder == Path::new(known))
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "sol") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn inputs(root: &Path, profile: &Profile) -> Result<B256> {
    let mut hasher = Keccak256::new();
    for path in sources(&root.join(&profile.src))? {
        hasher.update(path.strip_prefix(root)?.to_string_lossy().as_bytes());
        hasher.update(keccak256(fs::read(&path)?));
    }
    hasher.update(format!("{profile:?}"));
    let lock: serde_json::Value = serde_json::from_slice(&fs::read(root.join("package-lock.json"))?)?;
    for library in LIBRARIES {
        let version = lock["packages"][format!("node_modules/{library}")]["version"].as_str();
        hasher.update(version.ok_or_eyre(format!("package-lock.json does not pin {library}"))?);
    }
    Ok(hasher.finalize())
}

fn file(artifact: &Artifact) -> Result<(String, Vec<u8>)> {
    Ok((format!("{}.json", artifact.name), json(artifact)?))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs `node_modules` and a finished `forge build`; `make test` runs it after the contract tests.
    #[test]
    fn forge_and_foundry_compilers_produce_the_committed_bytecode() {
        let root = crate::root();
        let artifacts = compile(&root, &profile(&root).unwrap()).unwrap();
        assert!(artifacts.len() >= 13);
        for artifact in artifacts {
            let forge = root.join(format!("out/{0}.sol/{0}.json", artifact.name));
            let forge: serde_json::Value = serde_json::from_slice(&fs::read(&forge).unwrap()).unwrap();
            assert_eq!(forge["bytecode"]["object"].as_str(), Some(artifact.bytecode.as_str()), "{}", artifact.name);
            let (name, bytes) = file(&artifact).unwrap();
            assert_eq!(fs::read(root.join("sdk/abi").join(&name)).unwrap(), bytes, "{name}");
        }
    }
}
