//! A model that can be trained any number of times: its graph with losses and gradients, opened once.

use ndarray::{Array1, ArrayD, ArrayViewD, Axis, concatenate};
use tributary_attribution::{Records, compile::LABEL, graph::Graph, targets::Target};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

use super::{
    parameters::Layout,
    pass::{Pass, training_pass},
};
use crate::{FactoryError, model::Model};

/// Most records in one pass. Sums over a pass are in `f32`, sums of passes in `f64`.
pub(super) const PASS: usize = 256;

/// A model with sessions of ONNX Runtime in which its parameters are inputs. Training from another start, on other
/// records, with another recipe needs no other session.
///
/// Another seed's start is `layout().read(…)` of another [`Architecture::model`](crate::model::Architecture::model). A
/// trainer computes in one thread; give each thread its own.
///
/// A parameter vector `[parameters]` is laid out as [`Trainer::layout`] says. It is rounded to `f32` before anything is
/// computed with it.
#[derive(Debug)]
pub struct Trainer {
    pub(super) runtime: OnnxRuntime,
    pub(super) options: SessionOptions,
    pub(super) model: Model,
    /// What the losses are of.
    pub(super) objective: Target,
    layout: Layout,
    training: Session,
    loss: String,
    /// Dimensions of the labels.
    label_rank: usize,
    gradients: Vec<String>,
    forward: Session,
    target: String,
}

impl Trainer {
    /// Appends losses of `target`, on the model's first output, and their gradients to the model, and opens both it and
    /// the model alone.
    ///
    /// # Errors
    /// [`FactoryError::NoParameter`], [`FactoryError::Graph`], [`FactoryError::Target`], [`FactoryError::Gradient`],
    /// [`FactoryError::Runtime`].
    pub fn new(
        runtime: &OnnxRuntime,
        model: &Model,
        target: Target,
        options: &SessionOptions,
    ) -> Result<Self, FactoryError> {
        let layout = Layout::of(model)?;
        let Pass { training, forward, target: asked, loss, label_rank, gradients } = training_pass(model, target)?;
        Ok(Self {
            runtime: runtime.clone(),
            options: options.clone(),
            model: model.clone(),
            objective: target,
            layout,
            training: Session::open(runtime, &training, options)?,
            loss,
            label_rank,
            gradients,
            forward: Session::open(runtime, &forward, options)?,
            target: asked,
        })
    }

    /// Where each parameter lies in the vector.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The parameters that the model came with, `[parameters]`.
    ///
    /// # Errors
    /// [`FactoryError::NoParameter`].
    pub fn start(&self) -> Result<Array1<f64>, FactoryError> {
        self.layout.read(&self.model.graph)
    }

    /// The model with these parameters as its constants.
    ///
    /// # Errors
    /// [`FactoryError::ParameterCount`].
    pub fn graph(&self, parameters: &Array1<f64>) -> Result<Graph, FactoryError> {
        self.layout.write(parameters, &self.model.graph)
    }

    /// An output of the model with these parameters, `[n, …]`.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`], [`FactoryError::ParameterCount`], [`FactoryError::Runtime`].
    pub fn evaluate(
        &mut self,
        parameters: &Array1<f64>,
        records: &Records,
        output: &str,
    ) -> Result<ArrayD<f32>, FactoryError> {
        self.pass_forward(parameters, records, None, output)
    }

    /// The target of every record's label with these parameters, `[n]`; of a regression, what is answered.
    ///
    /// # Errors
    /// As [`Trainer::evaluate`].
    pub fn targets(&mut self, parameters: &Array1<f64>, records: &Records) -> Result<Array1<f64>, FactoryError> {
        let (target, asks_label) = (self.target.clone(), self.objective != Target::Regression);
        let label_rank = asks_label.then_some(self.label_rank);
        let found = self.pass_forward(parameters, records, label_rank, &target)?;
        Ok(found.iter().map(|value| f64::from(*value)).collect())
    }

    fn pass_forward(
        &mut self,
        parameters: &Array1<f64>,
        records: &Records,
        label_rank: Option<usize>,
        output: &str,
    ) -> Result<ArrayD<f32>, FactoryError> {
        let parameters = single(parameters);
        let views = self.layout.views(&parameters)?;
        let mut parts = Vec::new();
        for from in (0..records.len()).step_by(PASS) {
            parts.extend(run(&mut self.forward, &views, records, from, label_rank, &[output])?);
        }
        let parts: Vec<ArrayViewD<'_, f32>> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &parts).map_err(|_| FactoryError::NoRecords)
    }

    /// Loss and its gradient `[parameters]`, each summed over the records.
    ///
    /// # Errors
    /// [`FactoryError::NoRecords`], [`FactoryError::ParameterCount`], [`FactoryError::Runtime`].
    pub fn loss_and_gradient(
        &mut self,
        parameters: &Array1<f64>,
        records: &Records,
    ) -> Result<(f64, Array1<f64>), FactoryError> {
        if records.is_empty() {
            return Err(FactoryError::NoRecords);
        }
        let parameters = single(parameters);
        let views = self.layout.views(&parameters)?;
        let wanted: Vec<&str> = std::iter::once(&self.loss).chain(&self.gradients).map(String::as_str).collect();
        let (mut loss, mut gradient) = (0.0, Array1::zeros(self.layout.len()));
        for from in (0..records.len()).step_by(PASS) {
            let mut results =
                run(&mut self.training, &views, records, from, Some(self.label_rank), &wanted)?.into_iter();
            loss += results.next().map_or(0.0, |losses| losses.iter().map(|loss| f64::from(*loss)).sum());
            for (place, part) in self.layout.places().iter().zip(results) {
                for (to, from) in gradient.iter_mut().skip(place.range.start).zip(&part) {
                    *to += f64::from(*from);
                }
            }
        }
        Ok((loss, gradient))
    }
}

/// Rounds to the precision that models are trained and served in.
pub(super) fn single(parameters: &Array1<f64>) -> Vec<f32> {
    parameters.iter().map(|value| *value as f32).collect()
}

/// One pass over the records that begin at `from`, with their labels if the session takes any.
fn run(
    session: &mut Session,
    parameters: &[(&str, ArrayViewD<'_, f32>)],
    records: &Records,
    from: usize,
    label_rank: Option<usize>,
    outputs: &[&str],
) -> Result<Vec<ArrayD<f32>>, FactoryError> {
    let (mut inputs, labels) = records.part(from, from + PASS, label_rank.unwrap_or_default());
    if label_rank.is_some() {
        inputs.push((LABEL, labels.tensor()));
    }
    inputs.extend(parameters.iter().map(|(name, view)| (*name, Tensor::from(view.view()))));
    Ok(session.run(&inputs, outputs)?)
}

#[cfg(test)]
mod tests;
