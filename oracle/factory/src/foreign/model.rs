//! A model's file, and the files beside it that hold its numbers.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use tributary_attribution::{
    gradient::{self, Layers},
    graph::Graph,
    onnx,
};
use tributary_sdk::{B256, keccak256};

use super::ForeignError;

/// A model as it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// What it computes.
    pub graph: Graph,
    /// Its file.
    pub bytes: Vec<u8>,
    /// keccak-256 of its file.
    pub hash: B256,
    /// keccak-256 of each file beside it that holds some of its numbers, by name.
    pub external: BTreeMap<String, B256>,
}

impl Given {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// [`ForeignError::File`], [`ForeignError::Model`].
    pub fn read(path: &Path) -> Result<Self, ForeignError> {
        let file = |path: &Path, source| ForeignError::File { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(|source| file(path, source))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let used = RefCell::new(BTreeSet::new());
        let graph = onnx::decode_with(&bytes, &|location, offset, length| {
            let found = part(&beside.join(location), offset, length).ok()?;
            used.borrow_mut().insert(location.to_owned());
            Some(found)
        });
        let graph = graph.map_err(|source| ForeignError::Model { path: path.to_owned(), source: Box::new(source) })?;
        let mut external = BTreeMap::new();
        for name in used.into_inner() {
            let path = beside.join(&name);
            external.insert(name, keccak256(fs::read(&path).map_err(|source| file(&path, source))?));
        }
        Ok(Self { graph, hash: keccak256(&bytes), bytes, external })
    }

    /// The model as one file.
    pub fn whole(&self) -> Vec<u8> {
        if self.external.is_empty() { self.bytes.clone() } else { onnx::encode(&self.graph) }
    }
}

/// Layers with names of layers (`fc1` for `fc1.weight` and `fc1.bias`) as names of weights.
///
/// # Errors
/// [`ForeignError::NoLayer`].
pub fn named(graph: &Graph, layers: &Layers) -> Result<Layers, ForeignError> {
    let Layers::Named(names) = layers else { return Ok(layers.clone()) };
    let known = gradient::parameters(graph);
    let mut weights = Vec::new();
    for name in names {
        let belongs = |weight: &&String| {
            let rest = weight.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', ':']))
        };
        let before = weights.len();
        weights.extend(known.iter().filter(belongs).cloned());
        // What is no weight by rule may still be a constant somebody wants attributed.
        if weights.len() == before && graph.constants.contains_key(name) {
            weights.push(name.clone());
        }
        if weights.len() == before {
            return Err(ForeignError::NoLayer { name: name.clone(), known });
        }
    }
    Ok(Layers::Named(weights))
}

fn part(path: &Path, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
