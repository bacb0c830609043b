//! A model's losses, and whatever is measured beside them, in ONNX Runtime.

use ndarray::{Array1, ArrayD, Ix1};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use crate::{
    AttributionError,
    compile::{LABEL, attributed_output},
    gradient::{self, ParameterGradient},
    graph::{Builder, Dim, Graph},
    onnx,
    records::{Labels, Records},
    targets::{self, Target},
};

/// Output of the graph: losses `[batch]`.
const LOSSES: &str = "tributary/losses";
/// Numbers one block of measurements may hold: 16 MiB of `f32`.
const BLOCK: usize = 1 << 22;
/// Most records in one pass.
const MOST_RECORDS: usize = 512;

/// A value that is measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The value.
    pub(super) value: String,
    /// How it follows the loss.
    pub(super) kind: Kind,
}

/// How a measurement follows the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is linear in the loss's gradient: gradients and errors.
    Gradient,
    /// It is the same whatever the label is: a layer's inputs.
    Activation,
}

/// What a pass over records gave.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) losses: Array1<f32>,
    /// The model's output, `[n, …]`.
    pub(super) outputs: ArrayD<f32>,
    /// In the order of the measurements, `[n, …]` each.
    pub(super) measured: Vec<ArrayD<f32>>,
}

#[derive(Debug)]
pub(super) struct LossSession {
    session: Session,
    target: Target,
    label: String,
    label_rank: usize,
    output: String,
    classes: usize,
    measured: Vec<Measured>,
    /// Numbers measured a record.
    width: usize,
}

impl LossSession {
    /// Extends `model` by losses, gradients of `parameters`, and what `measure` makes of those.
    pub(super) fn open(
        runtime: &OnnxRuntime,
        model: &Graph,
        target: Target,
        parameters: &[String],
        options: &SessionOptions,
        measure: impl FnOnce(&mut Builder, &[ParameterGradient]) -> Result<Vec<Measured>, AttributionError>,
    ) -> Result<Self, AttributionError> {
        let output = attributed_output(model)?;
        let mut builder = Builder::extend(model.clone())?;
        let classes = match builder.shape(&output)?.0.last() {
            Some(Dim::Fixed(size)) => *size,
            _ => 1,
        };
        let label = targets::labels(&mut builder, target, &output, LABEL)?;
        let loss = targets::loss(&mut builder, target, &output, &label)?;
        let gradients = gradient::reverse(&mut builder, &[(&output, &loss.cotangent)], parameters)?;
        let measured = measure(&mut builder, &gradients)?;
        let mut width = 0usize;
        for measured in &measured {
            builder.output(&measured.value)?;
            let sizes = builder.shape(&measured.value)?.0.iter();
            width += sizes.map(|dim| if let Dim::Fixed(size) = dim { *size } else { 1 }).product::<usize>();
        }
        builder.output_as(&loss.value, LOSSES)?;
        let label_rank = builder.shape(&label)?.rank();
        let session = Session::open(runtime, &onnx::encode(&builder.finish()), options)?;
        Ok(Self { session, target, label, label_rank, output, classes, measured, width })
    }

    pub(super) fn target(&self) -> Target {
        self.target
    }

    pub(super) fn measured(&self) -> &[Measured] {
        &self.measured
    }

    /// Numbers measured a record.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Records that are worth computing in one pass.
    pub(super) fn block(&self) -> usize {
        (BLOCK / self.width.max(1)).clamp(1, MOST_RECORDS)
    }

    /// That the target can use these labels.
    pub(super) fn check(&self, labels: &Labels) -> Result<(), AttributionError> {
        labels.check(self.target, self.classes)
    }

    /// The model's output for records, `[n, …]`; no gradient is computed.
    pub(super) fn outputs(&mut self, records: &Records) -> Result<ArrayD<f32>, AttributionError> {
        let (mut inputs, labels) = records.part(0, records.len(), self.label_rank);
        inputs.push((&self.label, labels.tensor()));
        self.session.run(&inputs, &[&self.output])?.pop().ok_or(AttributionError::NoOutput)
    }

    /// One pass over records as if their labels were these.
    pub(super) fn run_as(&mut self, records: &Records, labels: &Labels) -> Result<Pass, AttributionError> {
        self.check(labels)?;
        let (mut inputs, _) = records.part(0, records.len(), self.label_rank);
        let labels = labels.to_column(self.label_rank);
        inputs.push((&self.label, labels.tensor()));
        let names: Vec<&str> =
            [LOSSES, &self.output].into_iter().chain(self.measured.iter().map(|m| m.value.as_str())).collect();
        let mut results = self.session.run(&inputs, &names)?.into_iter();
        let (Some(losses), Some(outputs)) = (results.next(), results.next()) else {
            return Err(AttributionError::NoOutput);
        };
        let shape = losses.shape().to_vec();
        let losses = losses.into_dimensionality::<Ix1>().map_err(|_| AttributionError::OutputShape(shape))?;
        let measured: Vec<ArrayD<f32>> = results.collect();
        let finite = losses.iter().chain(measured.iter().flatten()).all(|value| value.is_finite());
        match finite {
            true => Ok(Pass { losses, outputs, measured }),
            false => Err(AttributionError::NotFinite("a record's gradient")),
        }
    }
}
