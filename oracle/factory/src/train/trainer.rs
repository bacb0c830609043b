//! A model that can be trained any number of times: its graph with losses and gradients, opened once.

use ndarray::{Array1, ArrayD, ArrayViewD, Axis, concatenate};
use tributary_attribution::{graph::Graph, targets::Target};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

use super::{
    examples::Examples,
    parameters::Layout,
    pass::{Pass, training_pass},
};
use crate::{FactoryError, model::Model};

/// Most records in one pass. Sums over a pass are in `f32`, sums of passes in `f64`.
const PASS: usize = 512;

/// A model with sessions of ONNX Runtime in which its parameters are inputs. Training from another start, on other
/// records, with another recipe needs no other session.
///
/// A parameter vector `[parameters]` is laid out as [`Trainer::layout`] says. It is rounded to `f32` before anything is
/// computed with it.
#[derive(Debug)]
pub struct Trainer {
    graph: Graph,
    layout: Layout,
    training: Session,
    loss: String,
    gradients: Vec<String>,
    forward: Session,
}

impl Trainer {
    /// Appends losses of `target` and their gradients to the model and opens both it and the model alone.
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
        let Pass { training, forward, loss, gradients } = training_pass(model, target)?;
        Ok(Self {
            graph: model.graph.clone(),
            layout,
            training: Session::open(runtime, &training, options)?,
            loss,
            gradients,
            forward: Session::open(runtime, &forward, options)?,
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
        self.layout.read(&self.graph)
    }

    /// The model with these parameters as its constants.
    ///
    /// # Errors
    /// [`FactoryError::ParameterCount`].
    pub fn graph(&self, parameters: &Array1<f64>) -> Result<Graph, FactoryError> {
        self.layout.write(parameters, &self.graph)
    }

    /// An output of the model with these parameters, `[n, …]`.
    ///
    /// # Errors
    /// [`FactoryError::NoExamples`], [`FactoryError::ParameterCount`], [`FactoryError::Runtime`].
    pub fn evaluate(
        &mut self,
        parameters: &Array1<f64>,
        examples: &Examples,
        output: &str,
    ) -> Result<ArrayD<f32>, FactoryError> {
        let parameters = single(parameters);
        let views = self.layout.views(&parameters)?;
        let mut parts = Vec::new();
        for from in (0..examples.len()).step_by(PASS) {
            parts.extend(run(&mut self.forward, &views, examples, from, &[output])?);
        }
        let parts: Vec<ArrayViewD<'_, f32>> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &parts).map_err(|_| FactoryError::NoExamples)
    }

    /// Loss and its gradient `[parameters]`, each summed over the examples.
    ///
    /// # Errors
    /// [`FactoryError::NoExamples`], [`FactoryError::ParameterCount`], [`FactoryError::Runtime`].
    pub fn loss_and_gradient(
        &mut self,
        parameters: &Array1<f64>,
        examples: &Examples,
    ) -> Result<(f64, Array1<f64>), FactoryError> {
        if examples.is_empty() {
            return Err(FactoryError::NoExamples);
        }
        let parameters = single(parameters);
        let views = self.layout.views(&parameters)?;
        let wanted: Vec<&str> = std::iter::once(&self.loss).chain(&self.gradients).map(String::as_str).collect();
        let (mut loss, mut gradient) = (0.0, Array1::zeros(self.layout.len()));
        for from in (0..examples.len()).step_by(PASS) {
            let mut results = run(&mut self.training, &views, examples, from, &wanted)?.into_iter();
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

/// One pass over the examples that begin at `from`, given only what the session takes.
fn run(
    session: &mut Session,
    parameters: &[(&str, ArrayViewD<'_, f32>)],
    examples: &Examples,
    from: usize,
    outputs: &[&str],
) -> Result<Vec<ArrayD<f32>>, FactoryError> {
    let taken: Vec<String> = session.inputs().map(str::to_owned).collect();
    let inputs: Vec<(&str, Tensor<'_>)> = (examples.tensors(from, from + PASS, |name| taken.iter().any(|t| t == name)))
        .chain(parameters.iter().map(|(name, view)| (*name, view.view().into())))
        .collect();
    Ok(session.run(&inputs, outputs)?)
}

#[cfg(test)]
mod tests;
