//! The suite's ABIs, errors and addresses as TypeScript, for viem: `sdk/js/src/abi`.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use alloy::primitives::Bytes;
use eyre::{OptionExt, Result, ensure};
use serde_json::Value;
use tributary_sdk::deployment::{Creation, Deployment, Initcodes};

use crate::{contracts::Artifact, generated::Files};

/// Where the files belong.
pub(crate) const FOLDER: &str = "sdk/js/src/abi";
const WIDTH: usize = 120;
/// Called through the ledger's address and known by the ledger's ABI.
const INNER: &str = "LedgerExtension";
/// What an ABI item says, in the order in which it is written; `internalType` names Solidity's types and is left out.
const KEYS: [&str; 8] = ["type", "name", "anonymous", "stateMutability", "indexed", "components", "inputs", "outputs"];

/// All files, from artifacts in the order of their names.
pub(crate) fn files(artifacts: &BTreeMap<String, Artifact>, command: &str) -> Result<Files> {
    let header = format!("// Written by `{command}`; do not edit.\n\n");
    let mut files = Files::new();
    let mut index = header.clone();
    for (name, artifact) in artifacts.iter().filter(|(name, _)| *name != INNER) {
        files.insert(format!("{name}.ts"), format!("{header}{}", constant(&abi_name(name), &artifact.abi)?).into());
        writeln!(index, "export {{ {} }} from \"./{name}.js\";", abi_name(name))?;
    }
    index += "export { demoDollarAddress, addresses } from \"./addresses.js\";\n";
    index += "export { errorsAbi } from \"./errors.js\";\n";
    files.insert("errors.ts".into(), format!("{header}{}", constant("errorsAbi", &errors(artifacts)?)?).into());
    files.insert("addresses.ts".into(), format!("{header}{}", addresses(artifacts)?).into());
    files.insert("index.ts".into(), index.into());
    Ok(files)
}

/// `LicenseMarket` → `licenseMarketAbi`.
fn abi_name(contract: &str) -> String {
    let (first, rest) = contract.split_at(1);
    format!("{}{rest}Abi", first.to_lowercase())
}

fn constant(name: &str, value: &Value) -> Result<String> {
    let mut text = format!("export const {name} = ");
    write(&mut text, value, 0, " as const;".len())?;
    Ok(text + " as const;\n")
}

/// Every custom error of the suite once. A name means the same everywhere, so that a program can tell errors by it.
fn errors(artifacts: &BTreeMap<String, Artifact>) -> Result<Value> {
    let mut errors: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (contract, artifact) in artifacts {
        let items = artifact.abi.as_array().ok_or_eyre("an ABI is no list")?;
        for item in items.iter().filter(|item| item["type"] == "error") {
            let name = item["name"].as_str().ok_or_eyre("an error has no name")?.to_owned();
            let item = plain(item);
            let (first, known) = errors.entry(name.clone()).or_insert_with(|| (contract.clone(), item.clone()));
            ensure!(*known == item, "{name} has other arguments in {contract} than in {first}");
        }
    }
    Ok(errors.into_values().map(|(_, item)| item).collect())
}

/// An item without Solidity's own type names, which may differ where the ABI does not.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(key, _)| *key != "internalType").map(|(k, v)| (k.clone(), plain(v))).collect(),
        ),
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn addresses(artifacts: &BTreeMap<String, Artifact>) -> Result<String> {
    let code = |name: &str| -> Result<Bytes> {
        let artifact = artifacts.get(name).ok_or_eyre(format!("{name} was not built"))?;
        Ok(artifact.bytecode.parse()?)
    };
    let codes = Initcodes {
        ledger: code("AttributionLedger")?,
        vault: code("RoyaltyVault")?,
        registry: code("AssetRegistry")?,
        consent: code("ConsentRegistry")?,
        renderer: code("LicenseRenderer")?,
        market: code("LicenseMarket")?,
        votes: code("CommunityVotes")?,
        governor: code("CommunityGovernor")?,
        timelock: code("CommunityTimelock")?,
        communities: code("CommunityFactory")?,
    };
    let mut text =
        "/** Where the suite of this build stands: the same addresses on every chain, by CREATE2. */\n".to_owned();
    text += "export const addresses = {\n";
    for (name, address) in Deployment::plan(&codes).1.iter().flat_map(Creation::contracts) {
        writeln!(text, "  {name}: \"{address}\",")?;
    }
    text += "} as const;\n\n/** The dollar of development chains; no part of the suite. */\n";
    let dollar = Creation::new("DemoDollar", &code("DemoDollar")?, []);
    writeln!(text, "export const demoDollarAddress = \"{}\";", dollar.address())?;
    Ok(text)
}

/// Writes a value on one line where it fits, else one entry a line. `after` is how much follows it on its last line.
fn write(text: &mut String, value: &Value, indent: usize, after: usize) -> Result<()> {
    let line = inline(value)?;
    let column = text.len() - text.rfind('\n').map_or(0, |newline| newline + 1);
    if column + line.len() + after <= WIDTH {
        text.push_str(&line);
        return Ok(());
    }
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    text.push(open);
    for (key, entry) in entries(value)? {
        write!(text, "\n{:1$}", "", indent + 2)?;
        if let Some(key) = key {
            write!(text, "{key}: ")?;
        }
        write(text, entry, indent + 2, 1)?;
        text.push(',');
    }
    write!(text, "\n{:1$}{close}", "", indent)?;
    Ok(())
}

fn inline(value: &Value) -> Result<String> {
    let parts = || -> Result<Vec<String>> {
        let part = |(key, entry): (Option<&str>, &Value)| -> Result<String> {
            Ok(key.map(|key| format!("{key}: ")).unwrap_or_default() + &inline(entry)?)
        };
        entries(value)?.into_iter().map(part).collect()
    };
    Ok(match value {
        Value::Array(_) => format!("[{}]", parts()?.join(", ")),
        Value::Object(_) => format!("{{ {} }}", parts()?.join(", ")),
        scalar => scalar.to_string(),
    })
}

fn entries(value: &Value) -> Result<Vec<(Option<&str>, &Value)>> {
    Ok(match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(map) => {
            let known = |key: &&String| *key == "internalType" || KEYS.contains(&key.as_str());
            ensure!(map.keys().all(|key| known(&key)), "an ABI item has a key that is not written: {value}");
            KEYS.iter().filter_map(|key| Some((Some(*key), map.get(*key)?))).collect()
        }
        _ => vec![],
    })
}

/// The artifacts as they are committed.
pub(crate) fn committed(root: &Path, names: impl Iterator<Item = String>) -> Result<BTreeMap<String, Artifact>> {
    names
        .map(|file| {
            let bytes = std::fs::read(root.join("sdk/abi").join(&file))?;
            let artifact: Artifact = serde_json::from_slice(&bytes)?;
            Ok((artifact.name.clone(), artifact))
        })
        .collect()
}
