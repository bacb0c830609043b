//! Features of records.

use ndarray::{Array1, Array2, ArrayD, Ix2};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{
    Reduction, parts,
    session::{Kind, LossSession, Measured},
};
use crate::{
    AttributionError,
    graph::{Attribute, Graph},
    records::{Labels, Records},
    targets::Target,
};

/// A model's losses and features in ONNX Runtime.
#[derive(Debug)]
pub struct Features(LossSession);

/// What one pass says about a block of records.
#[derive(Clone, Debug)]
pub struct LossPass {
    /// Each record's loss, `[n]`.
    pub losses: Array1<f32>,
    /// Each record's features, `[n, width]`.
    pub features: Array2<f32>,
    /// The model's output, `[n, …]`.
    pub outputs: ArrayD<f32>,
}

impl Features {
    /// Opens the gradients of `parameters`, reduced where `reduction` says so.
    ///
    /// # Errors
    /// [`AttributionError::Gradient`] where a gradient cannot be taken, [`AttributionError::Runtime`].
    pub fn open(
        runtime: &OnnxRuntime,
        model: &Graph,
        target: Target,
        parameters: &[String],
        reduction: &Reduction,
        options: &SessionOptions,
    ) -> Result<Self, AttributionError> {
        let session = LossSession::open(runtime, model, target, parameters, options, |builder, gradients| {
            let parts = parts(builder, gradients, reduction)?;
            let values: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
            let axis = vec![("axis", Attribute::Int(1))];
            let value = builder.node("Concat", "tributary/features", &values, axis)?;
            Ok(vec![Measured { value, kind: Kind::Gradient }])
        })?;
        Ok(Self(session))
    }

    /// Numbers a record's features have.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Records that are worth computing in one pass.
    pub fn block(&self) -> usize {
        self.0.block()
    }

    /// That the target can use these labels.
    ///
    /// # Errors
    /// [`AttributionError::Labels`], [`AttributionError::Label`].
    pub fn check(&self, labels: &Labels) -> Result<(), AttributionError> {
        self.0.check(labels)
    }

    /// One pass over records with their own labels.
    ///
    /// # Errors
    /// As [`Features::run_as`].
    pub fn run(&mut self, records: &Records) -> Result<LossPass, AttributionError> {
        self.run_as(records, records.labels())
    }

    /// One pass over records as if their labels were these.
    ///
    /// # Errors
    /// [`AttributionError::Labels`] or [`AttributionError::Label`] for labels that the target cannot use,
    /// [`AttributionError::Runtime`], [`AttributionError::NotFinite`].
    pub fn run_as(&mut self, records: &Records, labels: &Labels) -> Result<LossPass, AttributionError> {
        let pass = self.0.run_as(records, labels)?;
        let features = pass.measured.into_iter().next().map(rows).ok_or(AttributionError::NoOutput)??;
        Ok(LossPass { losses: pass.losses, features, outputs: pass.outputs })
    }

    pub(super) fn session(&mut self) -> &mut LossSession {
        &mut self.0
    }
}

/// One row a record.
pub(super) fn rows(values: ArrayD<f32>) -> Result<Array2<f32>, AttributionError> {
    let shape = values.shape().to_vec();
    values.into_dimensionality::<Ix2>().map_err(|_| AttributionError::OutputShape(shape))
}
