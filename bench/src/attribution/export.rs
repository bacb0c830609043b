//! One subject as plain arrays: what other software needs to be judged on the same truth.
//!
//! A folder a subject: little-endian arrays, row-major, and `index.json`, which names each with its type and shape.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eyre::{ContextCompat, Result, WrapErr};
use ndarray::{Array2, ArrayView1};
use serde_json::{Map, Value, json};

use super::{
    measure::{Measurement, Shown},
    report,
    subject::{Model, Subject},
    task::Task,
};

/// A subject that was measured.
pub(super) struct Exported<'m> {
    pub(super) measurement: &'m Measurement,
    pub(super) subject: &'m dyn Subject,
    pub(super) release: &'m dyn Model,
    pub(super) task: &'m Task,
    /// The classes that the release serves the queries with.
    pub(super) classes: &'m [usize],
    pub(super) halves: &'m Shown,
    pub(super) coalitions: &'m Shown,
    pub(super) without_one: &'m Shown,
}

/// Writes the subject into a folder of its own.
pub(super) fn write(folder: &Path, exported: &Exported<'_>) -> Result<()> {
    let Exported { measurement, subject, release, task, classes, halves, coalitions, without_one } = exported;
    let name = slug(&format!("{} {}", measurement.dataset, measurement.subject));
    let mut arrays = Arrays { folder: folder.join(name), index: Map::new() };
    fs::create_dir_all(&arrays.folder)?;
    arrays.floats("training_features", task.training.features())?;
    arrays.places("labels", task.training.labels())?;
    arrays.places("owners", &task.owners)?;
    arrays.floats("query_features", task.queries.features())?;
    arrays.places("classes", classes)?;
    arrays.floats("logits", &release.logits(task.queries.features().view())?)?;
    let tensors = release.tensors()?;
    for (name, tensor) in &tensors {
        arrays.write(name, "f32", tensor.shape(), tensor.iter().flat_map(|value| value.to_le_bytes()).collect())?;
    }
    for (mask, truth, shown) in
        [("record_halves", "record_truth", halves), ("contributor_halves", "contributor_truth", coalitions)]
    {
        arrays.mask(mask, &shown.trials.mask())?;
        arrays.floats(truth, &shown.margins)?;
    }
    arrays.floats("leave_one_out_truth", &without_one.margins)?;

    let path = arrays.folder.join("index.json");
    let mut index = serde_json::to_value(measurement)?;
    let fields = index.as_object_mut().wrap_err("a measurement is an object")?;
    fields.extend(subject.description().as_object().cloned().unwrap_or_default());
    fields.insert("contributors".to_owned(), json!(task.contributors));
    fields.insert("tensors".to_owned(), tensors.iter().map(|(name, _)| name.as_str()).collect());
    fields.insert("arrays".to_owned(), Value::Object(arrays.index));
    report::write(&path, &index)
}

/// Arrays of one folder.
struct Arrays {
    folder: PathBuf,
    index: Map<String, Value>,
}

impl Arrays {
    fn floats(&mut self, name: &str, array: &Array2<f64>) -> Result<()> {
        self.write(name, "f32", array.shape(), array.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect())
    }

    fn places(&mut self, name: &str, array: &[usize]) -> Result<()> {
        let bytes = array.iter().flat_map(|value| (*value as i64).to_le_bytes()).collect();
        self.write(name, "i64", ArrayView1::from(array).shape(), bytes)
    }

    fn mask(&mut self, name: &str, array: &Array2<f64>) -> Result<()> {
        self.write(name, "u8", array.shape(), array.iter().map(|value| u8::from(*value > 0.0)).collect())
    }

    fn write(&mut self, name: &str, element: &str, shape: &[usize], bytes: Vec<u8>) -> Result<()> {
        let file = format!("{name}.{element}");
        let path = self.folder.join(&file);
        fs::write(&path, bytes).wrap_err_with(|| format!("writing {}", path.display()))?;
        self.index.insert(name.to_owned(), json!({ "file": file, "dtype": element, "shape": shape }));
        Ok(())
    }
}

/// Letters and digits in lower case, hyphens for everything between them.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_folder_name() {
        assert_eq!(slug("digits MLP 64-32-10, attribution-ready"), "digits-mlp-64-32-10-attribution-ready");
    }
}
