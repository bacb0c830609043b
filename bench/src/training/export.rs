//! What PyTorch needs for the very same training: little-endian arrays, row-major, beside `subject.json`.

use std::{fs, path::Path};

use eyre::{Result, WrapErr, eyre};
use serde_json::json;
use tributary_attribution::{Column, Records, targets::Target};
use tributary_dataset::Schema;
use tributary_factory::{
    model::InputScaling,
    records::scaling,
    train::{Descent, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions, Tensor};

use super::{Subject, records};

/// Writes a model's folder; how many parameters the model has.
pub(super) fn write(folder: &Path, subject: &Subject, data: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let (training, test) = records(data)?;
    for (name, records) in [("training", &training), ("test", &test)] {
        let (inputs, labels) = records.part(0, records.len(), 1);
        let (Some((_, Tensor::F32(features))), Column::I64(labels)) = (inputs.first(), labels) else {
            return Err(eyre!("the digits are images with a class"));
        };
        floats(folder, &format!("{name}_features"), features.iter().copied())?;
        integers(folder, &format!("{name}_labels"), labels.iter().copied())?;
    }

    let (runtime, schema) = (OnnxRuntime::load(None)?, Schema::digits());
    let (mut layout, mut parameters) = (Vec::new(), 0);
    for seed in 1..=subject.seeds {
        let model = subject.architecture.model(schema.features.fields(), 10, scaling(&schema), seed)?;
        let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default())?;
        let start = trainer.start()?;
        floats(folder, &format!("start-{seed}"), start.iter().map(|value| *value as f32))?;
        let orders = (0..subject.recipe.epochs).flat_map(|epoch| Descent::order(seed, epoch, training.len()));
        integers(folder, &format!("order-{seed}"), orders.map(|place| place as i64))?;
        let gradient = first_gradient(&mut trainer, subject, &training, seed)?;
        floats(folder, &format!("gradient-{seed}"), gradient.into_iter())?;
        parameters = start.len();
        layout = trainer.layout().places().iter().map(|place| json!([place.name, place.dims])).collect();
    }

    let InputScaling { shift, scale } = scaling(&schema);
    let mut description = serde_json::to_value(subject)?;
    description["layout"] = json!(layout);
    description["scaling"] = json!({ "shift": shift, "scale": scale });
    fs::write(folder.join("subject.json"), serde_json::to_string_pretty(&description)? + "\n")?;
    Ok(parameters)
}

/// Of the mean loss of the first batch.
fn first_gradient(trainer: &mut Trainer, subject: &Subject, records: &Records, seed: u64) -> Result<Vec<f32>> {
    let mut first = Descent::order(seed, 0, records.len());
    first.truncate(subject.recipe.batch);
    let (_, gradient) = trainer.loss_and_gradient(&trainer.start()?, &records.select(&first))?;
    Ok(gradient.iter().map(|value| (value / first.len() as f64) as f32).collect())
}

fn floats(folder: &Path, name: &str, values: impl Iterator<Item = f32>) -> Result<()> {
    bytes(folder, &format!("{name}.f32"), values.flat_map(f32::to_le_bytes).collect())
}

fn integers(folder: &Path, name: &str, values: impl Iterator<Item = i64>) -> Result<()> {
    bytes(folder, &format!("{name}.i64"), values.flat_map(i64::to_le_bytes).collect())
}

fn bytes(folder: &Path, file: &str, bytes: Vec<u8>) -> Result<()> {
    let path = folder.join(file);
    fs::write(&path, bytes).wrap_err_with(|| format!("writing {}", path.display()))
}
