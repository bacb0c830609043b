//! Dense classifiers as subjects: trained to the minimum of their objective, or the usual way.

use std::ops::Range;

use eyre::{Result, ensure};
use ndarray::{Array1, Array2, ArrayView2};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    DenseClassifier, InputScaling, LabelledRecords,
    curvature::gauss_newton,
    target::{loss_errors, margin_errors},
};
use tributary_factory::{TrainingRecipe, train::fit};

use super::subject::{Model, Subject};

/// Attribution-ready: L-BFGS to the tolerance, decay inside an objective of fixed denominator.
#[derive(Clone, Debug)]
pub(super) struct Converged {
    pub(super) scaling: InputScaling,
    pub(super) classes: usize,
    pub(super) recipe: TrainingRecipe,
}

impl Subject for Converged {
    fn recipe(&self) -> String {
        format!("{self:?}")
    }

    fn weight_decay(&self) -> f64 {
        self.recipe.weight_decay
    }

    fn train(&self, records: &LabelledRecords, denominator: usize, seed: u64) -> Result<Box<dyn Model>> {
        let recipe = TrainingRecipe { seed, ..self.recipe.clone() };
        let widths = recipe.widths(records.features().ncols(), self.classes);
        let trained = fit(records, denominator, &widths, self.scaling, &recipe, None, |_| ())?;
        Ok(Box::new(trained.network))
    }
}

/// Usual training: SGD with momentum over shuffled minibatches, a fixed number of epochs, a linearly falling rate.
#[derive(Clone, Debug)]
pub(super) struct Usual {
    pub(super) scaling: InputScaling,
    pub(super) classes: usize,
    pub(super) hidden: Vec<usize>,
    pub(super) weight_decay: f64,
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) rate: f64,
    pub(super) momentum: f64,
}

impl Subject for Usual {
    fn recipe(&self) -> String {
        format!("{self:?}")
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn train(&self, records: &LabelledRecords, _: usize, seed: u64) -> Result<Box<dyn Model>> {
        ensure!(!records.is_empty(), "there is nothing to train on");
        let widths: Vec<usize> = [records.features().ncols()]
            .into_iter()
            .chain(self.hidden.iter().copied())
            .chain([self.classes])
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut point = start(&widths, &mut rng);
        let mut velocity = Array1::<f64>::zeros(point.len());
        let mut order: Vec<usize> = (0..records.len()).collect();
        let steps = self.epochs * records.len().div_ceil(self.batch);
        let mut step = 0;
        for _ in 0..self.epochs {
            order.shuffle(&mut rng);
            for places in order.chunks(self.batch) {
                let batch = records.select(places);
                let network = DenseClassifier::from_parameters(&widths, self.scaling, point.view())?;
                let trace = network.trace(batch.features().view())?;
                let errors = loss_errors(trace.logits(), batch.labels()) / places.len() as f64;
                let mut gradient = network.reverse(&trace, errors).sum();
                gradient.scaled_add(self.weight_decay, &point);
                velocity *= self.momentum;
                velocity += &gradient;
                let rate = self.rate * (1.0 - step as f64 / steps as f64);
                point.scaled_add(-rate, &velocity);
                step += 1;
            }
        }
        Ok(Box::new(DenseClassifier::from_parameters(&widths, self.scaling, point.view())?.rounded()))
    }
}

/// He's start: normal weights of variance 2/inputs, biases zero.
fn start(widths: &[usize], rng: &mut ChaCha8Rng) -> Array1<f64> {
    let mut parameters = Vec::new();
    for pair in widths.windows(2) {
        let deviation = (2.0 / pair[0] as f64).sqrt();
        parameters.extend((0..pair[0] * pair[1]).map(|_| deviation * normal(rng)));
        parameters.extend(std::iter::repeat_n(0.0, pair[1]));
    }
    parameters.into()
}

/// A standard normal, by Box & Muller.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

impl Model for DenseClassifier {
    fn logits(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        Ok(DenseClassifier::logits(self, features)?)
    }

    fn margin_gradients(&self, features: ArrayView2<'_, f64>, classes: &[usize]) -> Result<Array2<f64>> {
        let trace = self.trace(features)?;
        let each: Vec<usize> = (0..features.nrows()).collect();
        Ok(self.reverse(&trace, margin_errors(trace.logits(), classes)).sum_by(&each, each.len()))
    }

    fn loss_gradients(&self, records: &LabelledRecords) -> Result<Array2<f64>> {
        let trace = self.trace(records.features().view())?;
        let each: Vec<usize> = (0..records.len()).collect();
        Ok(self.reverse(&trace, loss_errors(trace.logits(), records.labels())).sum_by(&each, each.len()))
    }

    fn curvature(&self, records: &LabelledRecords, denominator: usize) -> Result<Array2<f64>> {
        Ok(gauss_newton(self, records, denominator)?)
    }

    fn last_layer(&self) -> Range<usize> {
        self.layer_ranges().pop().unwrap_or(0..0)
    }
}
