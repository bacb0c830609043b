//! Runs the loss graph over records, block by block.

use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions, Tensor};

use super::{
    Reduction,
    graph::{FEATURES, LOSSES, LossGraph, loss_graph},
};
use crate::{
    AttributionError,
    graph::Graph,
    onnx,
    records::{Labels, Records},
    targets::Target,
};

/// Numbers one block of features may hold: 16 MiB of `f32`.
const BLOCK: usize = 1 << 22;
/// Most records in one pass.
const MOST_RECORDS: usize = 512;

/// A loss graph in ONNX Runtime.
#[derive(Debug)]
pub struct Features {
    session: Session,
    graph: LossGraph,
    target: Target,
}

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
    /// Opens the loss graph of `model` for the gradients of `parameters`, reduced where `reduction` says so.
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
        let graph = loss_graph(model, target, parameters, reduction)?;
        let session = Session::open(runtime, &onnx::encode(&graph.graph), options)?;
        Ok(Self { session, graph, target })
    }

    /// Numbers a record's features have.
    pub fn width(&self) -> usize {
        self.graph.width
    }

    /// What the model is attributed for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Records that are worth computing in one pass.
    pub fn block(&self) -> usize {
        (BLOCK / self.width().max(1)).clamp(1, MOST_RECORDS)
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
    /// [`AttributionError::Labels`] for labels of another kind, [`AttributionError::Runtime`],
    /// [`AttributionError::NotFinite`].
    pub fn run_as(&mut self, records: &Records, labels: &Labels) -> Result<LossPass, AttributionError> {
        labels.check(self.target, self.graph.classes)?;
        let labels = labels.to_column(self.graph.label_rank);
        let mut inputs: Vec<(&str, Tensor<'_>)> =
            records.inputs().iter().map(|(name, column)| (name.as_str(), column.tensor())).collect();
        inputs.push((&self.graph.label, labels.tensor()));
        let mut results = self.session.run(&inputs, &[LOSSES, FEATURES, &self.graph.output])?.into_iter();
        let mut next = || results.next().unwrap_or_else(|| ArrayD::zeros(ndarray::IxDyn(&[0])));
        let (losses, features, outputs) = (next(), next(), next());
        let malformed = |_| AttributionError::NotFinite("the loss graph's shape");
        let pass = LossPass {
            losses: losses.into_dimensionality::<Ix1>().map_err(malformed)?,
            features: features.into_dimensionality::<Ix2>().map_err(malformed)?,
            outputs,
        };
        if pass.losses.iter().chain(&pass.features).any(|value| !value.is_finite()) {
            return Err(AttributionError::NotFinite("a record's gradient"));
        }
        Ok(pass)
    }
}
