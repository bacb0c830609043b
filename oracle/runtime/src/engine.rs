//! One ONNX Runtime session and the pass it computes.

use std::sync::Arc;

use ort::{
    session::{Session, SessionOutputs},
    value::TensorRef,
};

use crate::{ModelOptions, OnnxRuntime, RuntimeError, TensorInfo, opening};

/// A session with what it takes and gives. Only its owner thread touches it once it is warm.
#[derive(Debug)]
pub(crate) struct Engine {
    session: Session,
    input: TensorInfo,
    outputs: Vec<TensorInfo>,
    names: Vec<Arc<str>>,
}

impl Engine {
    /// Builds the session from the bytes of an ONNX file and runs it on zeros, once with one record and,
    /// where batches are allowed, once with two: the outputs' widths come from what it really returns.
    pub(crate) fn open(runtime: &OnnxRuntime, onnx: &[u8], options: &ModelOptions) -> Result<Self, RuntimeError> {
        let session = opening::open(runtime, onnx, &options.session())?;
        let input = TensorInfo::of_input(session.inputs())?;
        session.outputs().iter().try_for_each(TensorInfo::check_output)?;
        let names = session.outputs().iter().map(|output| Arc::from(output.name())).collect();
        let mut engine = Self { session, input, outputs: Vec::new(), names };
        for batch in 1..=options.max_batch.min(2) {
            engine.warm_up(batch)?;
        }
        Ok(engine)
    }

    pub(crate) fn input(&self) -> &TensorInfo {
        &self.input
    }

    pub(crate) fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The outputs' names, in the model's order.
    pub(crate) fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// One pass over `records`, `[batch, input width]` row-major. Each output as `[batch, its width]`, in the
    /// model's order.
    pub(crate) fn pass(&mut self, records: &[f32]) -> Result<Vec<Vec<f32>>, RuntimeError> {
        let batch = records.len() / self.input.width();
        let results = compute(&mut self.session, &self.input, batch, records)?;
        let mut columns = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            let (_, numbers) = extract(&results, output.name())?;
            if Some(numbers.len()) != batch.checked_mul(output.width()) {
                let reason = format!("output `{}` has {} numbers for {batch} records", output.name(), numbers.len());
                return Err(RuntimeError::Inference { reason });
            }
            columns.push(numbers.to_vec());
        }
        Ok(columns)
    }

    fn warm_up(&mut self, batch: usize) -> Result<(), RuntimeError> {
        let zeros = vec![0.0; batch * self.input.width()];
        let results = compute(&mut self.session, &self.input, batch, &zeros)?;
        let mut outputs = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let (shape, _) = extract(&results, name)?;
            match shape.split_first() {
                Some((rows, record)) if usize::try_from(*rows) == Ok(batch) => {
                    outputs.push(TensorInfo::new("output", name, record)?);
                }
                _ => {
                    let reason =
                        format!("output `{name}` has shape {shape:?} for {batch} records; give it one row a record");
                    return Err(RuntimeError::UnservableModel { reason });
                }
            }
        }
        self.outputs = outputs;
        Ok(())
    }
}

fn compute<'s>(
    session: &'s mut Session,
    input: &TensorInfo,
    batch: usize,
    records: &[f32],
) -> Result<SessionOutputs<'s>, RuntimeError> {
    let failed = |error: ort::Error| RuntimeError::Inference { reason: error.to_string() };
    let mut shape = Vec::with_capacity(input.shape().len() + 1);
    shape.push(batch);
    shape.extend_from_slice(input.shape());
    let tensor = TensorRef::from_array_view((shape, records)).map_err(failed)?;
    session.run(ort::inputs![tensor]).map_err(failed)
}

fn extract<'r>(results: &'r SessionOutputs<'_>, name: &str) -> Result<(&'r [i64], &'r [f32]), RuntimeError> {
    let value = results
        .get(name)
        .ok_or_else(|| RuntimeError::Inference { reason: format!("output `{name}` was not returned") })?;
    let (shape, numbers) =
        value.try_extract_tensor::<f32>().map_err(|error| RuntimeError::Inference { reason: error.to_string() })?;
    Ok((shape, numbers))
}
