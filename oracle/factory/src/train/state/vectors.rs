//! Vectors by name in one file of the safetensors format. Numbers of a state are vectors too, so that every one of them comes
//! back bit by bit.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tributary_dataset::durable;
use tributary_sdk::{B256, keccak256};

use super::Kept;
use crate::FactoryError;

const FORMAT: &str = "tributary-training-state/1";
const DAMAGED: FactoryError = FactoryError::State("its file is cut or changed");

/// The parts of a state.
#[derive(Debug, Default)]
pub(super) struct Vectors(BTreeMap<String, Vector>);

/// Little-endian numbers.
#[derive(Debug)]
struct Vector {
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Vectors {
    pub(super) fn holds(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn keep_f32(&mut self, name: &str, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.insert(name.to_owned(), Vector { dtype: Dtype::F32, bytes });
    }

    pub(super) fn keep_f64(&mut self, name: &str, values: impl IntoIterator<Item = f64>) {
        let bytes = values.into_iter().flat_map(f64::to_le_bytes).collect();
        self.0.insert(name.to_owned(), Vector { dtype: Dtype::F64, bytes });
    }

    pub(super) fn keep_point(&mut self, name: &str, kept: &Kept) {
        self.keep_f64(&format!("{name}/about"), [kept.epoch as f64, kept.loss]);
        self.keep_f32(&format!("{name}/parameters"), &kept.parameters);
    }

    pub(super) fn f32(&self, name: &str) -> Option<Vec<f32>> {
        let bytes = self.bytes(name, Dtype::F32)?;
        Some(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn f64(&self, name: &str) -> Option<Vec<f64>> {
        let bytes = self.bytes(name, Dtype::F64)?;
        Some(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn point(&self, name: &str) -> Option<Kept> {
        let &[epoch, loss] = self.f64(&format!("{name}/about"))?.as_slice() else { return None };
        Some(Kept { epoch: epoch as usize, loss, parameters: self.f32(&format!("{name}/parameters"))? })
    }

    fn bytes(&self, name: &str, dtype: Dtype) -> Option<&[u8]> {
        self.0.get(name).filter(|vector| vector.dtype == dtype).map(|vector| vector.bytes.as_slice())
    }

    pub(super) fn write(&self, path: &Path, run: B256) -> Result<(), FactoryError> {
        let about = [("format", FORMAT.to_owned()), ("run", run.to_string()), ("hash", self.hash().to_string())];
        let about: HashMap<String, String> = about.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        let unwritable = |_| FactoryError::State("it cannot be written");
        let mut views = Vec::with_capacity(self.0.len());
        for (name, vector) in &self.0 {
            let length = vector.bytes.len() * 8 / vector.dtype.bitsize();
            views.push((name, TensorView::new(vector.dtype, vec![length], &vector.bytes).map_err(unwritable)?));
        }
        let bytes = safetensors::serialize(views, Some(about)).map_err(unwritable)?;
        durable::write(path, &bytes).map_err(|source| FactoryError::Io { path: path.to_owned(), source })
    }

    pub(super) fn read(path: &Path, run: B256) -> Result<Option<Self>, FactoryError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FactoryError::Io { path: path.to_owned(), source }),
        };
        let (_, head) = SafeTensors::read_metadata(&bytes).map_err(|_| DAMAGED)?;
        let about = head.metadata().clone().unwrap_or_default();
        if about.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(FactoryError::State("its file is of another kind"));
        }
        if about.get("run") != Some(&run.to_string()) {
            return Err(FactoryError::State("it is that of other records or of another recipe"));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|_| DAMAGED)?;
        let vector = |view: &TensorView<'_>| Vector { dtype: view.dtype(), bytes: view.data().to_vec() };
        let vectors = Self(file.iter().map(|(name, view)| (name.to_owned(), vector(&view))).collect());
        match about.get("hash") == Some(&vectors.hash().to_string()) {
            true => Ok(Some(vectors)),
            false => Err(DAMAGED),
        }
    }

    /// keccak-256 of the names' and the vectors' own hashes, in the names' order.
    fn hash(&self) -> B256 {
        let hashes = self.0.iter().flat_map(|(name, vector)| [keccak256(name), keccak256(&vector.bytes)]);
        keccak256(hashes.flat_map(|hash| hash.0).collect::<Vec<u8>>())
    }
}
