//! Records that a model is not trained on, and how it does on them on its way.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::{Labels, Records, compile::LABEL, targets::Target};
use tributary_runtime::{Session, Tensor};
use tributary_sdk::{Address, records::LEAST_RECORDS};

use super::{
    Layout, Trainer,
    pass::{LossPass, loss_pass},
    trainer::PASS,
};
use crate::FactoryError;

/// Sets a share of every owner's records apart, drawn with the seed and rounded down, but leaves everybody who has them
/// [`LEAST_RECORDS`] to be trained on: the places of the records to train on
/// and of the records to watch with, both ascending.
pub(super) fn apart(owners: &[Address], share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut of: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
    for (place, owner) in owners.iter().enumerate() {
        of.entry(*owner).or_default().push(place);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut training, mut watching) = (Vec::new(), Vec::new());
    for mut places in of.into_values() {
        places.shuffle(&mut rng);
        let taken = ((share * places.len() as f64) as usize).min(places.len().saturating_sub(LEAST_RECORDS));
        training.extend_from_slice(places.get(taken..).unwrap_or_default());
        watching.extend_from_slice(places.get(..taken).unwrap_or_default());
    }
    training.sort_unstable();
    watching.sort_unstable();
    (training, watching)
}

/// A model on the validation records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// Mean loss.
    pub loss: f64,
    /// Of a classifier: the share of records classified correctly.
    pub accuracy: Option<f64>,
}

/// The model's losses, opened once.
#[derive(Debug)]
pub(super) struct Validator<'a> {
    records: &'a Records,
    layout: Layout,
    session: Session,
    output: String,
    loss: String,
    label_rank: usize,
}

impl<'a> Validator<'a> {
    pub(super) fn open(trainer: &Trainer, records: &'a Records) -> Result<Self, FactoryError> {
        let LossPass { onnx, output, loss, label_rank } = loss_pass(&trainer.model, trainer.objective)?;
        let session = Session::open(&trainer.runtime, &onnx, &trainer.options)?;
        Ok(Self { records, layout: trainer.layout().clone(), session, output, loss, label_rank })
    }

    pub(super) fn validate(&mut self, parameters: &[f32]) -> Result<Validated, FactoryError> {
        let views = self.layout.views(parameters)?;
        let (mut loss, mut right) = (0.0, Some(0));
        for from in (0..self.records.len()).step_by(PASS) {
            let (mut inputs, labels) = self.records.part(from, from + PASS, self.label_rank);
            inputs.push((LABEL, labels.tensor()));
            inputs.extend(views.iter().map(|(name, view)| (*name, Tensor::from(view.view()))));
            let mut found = self.session.run(&inputs, &[&self.loss, &self.output])?;
            let outputs = found.pop().unwrap_or_default();
            loss += found.iter().flatten().map(|loss| f64::from(*loss)).sum::<f64>();
            let Labels::Classes(labels) = self.records.labels() else {
                right = None;
                continue;
            };
            let Labels::Classes(served) = Labels::served(Target::Margin, outputs)? else { continue };
            let correct = labels.iter().skip(from).zip(&served).filter(|(label, served)| label == served).count();
            right = right.map(|right| right + correct);
        }
        let count = self.records.len() as f64;
        Ok(Validated { loss: loss / count, accuracy: right.map(|right| right as f64 / count) })
    }
}
