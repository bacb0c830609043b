//! One ONNX Runtime session and the passes it computes.

use std::{mem, ops::Range, sync::Arc};

use ort::{
    session::{Session, SessionOutputs},
    value::TensorRef,
};

use crate::{OnnxRuntime, Outputs, RuntimeError, SessionOptions, TensorInfo, opening};

/// A session with what it takes and gives. Only its owner thread touches it once it is warm.
#[derive(Debug)]
pub(crate) struct Engine {
    session: Session,
    input: TensorInfo,
    outputs: Vec<TensorInfo>,
    names: Vec<Arc<str>>,
    /// Room for the largest batch, until its owner thread takes it.
    buffer: Vec<f32>,
}

impl Engine {
    /// Builds the session from the bytes of an ONNX file and warms it up on zeros.
    ///
    /// The outputs' widths come from what it returns for one record and, where batches are allowed, for two. A pass of
    /// `max_batch` records makes it allocate what it will ever need, before the first request.
    pub(crate) fn open(
        runtime: &OnnxRuntime,
        onnx: &[u8],
        options: &SessionOptions,
        max_batch: usize,
    ) -> Result<Self, RuntimeError> {
        let session = opening::open(runtime, onnx, options)?;
        let input = TensorInfo::of_input(session.inputs())?;
        session.outputs().iter().try_for_each(TensorInfo::check_output)?;
        let names = session.outputs().iter().map(|output| Arc::from(output.name())).collect();
        let buffer = zeros(&input, max_batch)?;
        let mut engine = Self { session, input, outputs: Vec::new(), names, buffer };
        engine.warm_up(1)?;
        if max_batch > 1 {
            engine.warm_up(2)?;
        }
        if max_batch > 2 {
            engine.warm_up(max_batch)?;
        }
        Ok(engine)
    }

    pub(crate) fn input(&self) -> &TensorInfo {
        &self.input
    }

    pub(crate) fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The zeros of the warm-up: a buffer for batches.
    pub(crate) fn take_buffer(&mut self) -> Vec<f32> {
        mem::take(&mut self.buffer)
    }

    /// One pass over `records`, `[batch, input width]` row-major.
    pub(crate) fn pass(&mut self, records: &[f32]) -> Result<Pass<'_>, RuntimeError> {
        let batch = records.len() / self.input.width();
        let results = compute(&mut self.session, &self.input, batch, records)?;
        for output in &self.outputs {
            let (_, numbers) = extract(&results, output.name())?;
            if Some(numbers.len()) != batch.checked_mul(output.width()) {
                let reason = format!("output `{}` has {} numbers for {batch} records", output.name(), numbers.len());
                return Err(RuntimeError::Inference { reason });
            }
        }
        Ok(Pass { results, input: &self.input, outputs: &self.outputs, names: &self.names })
    }

    fn warm_up(&mut self, batch: usize) -> Result<(), RuntimeError> {
        let zeros = self.buffer.get(..batch * self.input.width()).unwrap_or_default();
        let results = compute(&mut self.session, &self.input, batch, zeros)?;
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

/// What one pass returned, in ONNX Runtime's own memory.
pub(crate) struct Pass<'a> {
    results: SessionOutputs<'a>,
    input: &'a TensorInfo,
    outputs: &'a [TensorInfo],
    names: &'a [Arc<str>],
}

impl Pass<'_> {
    /// Numbers in one record.
    pub(crate) fn width(&self) -> usize {
        self.input.width()
    }

    /// The outputs of some of the pass's records, refused if one of them is not finite: no receipt could carry it.
    pub(crate) fn outputs(&self, records: Range<usize>) -> Result<Outputs, RuntimeError> {
        let mut outputs = Outputs::new(records.len());
        for (name, info) in self.names.iter().zip(self.outputs) {
            let (_, numbers) = extract(&self.results, name)?;
            let rows = numbers.get(records.start * info.width()..records.end * info.width()).unwrap_or_default();
            if !rows.iter().all(|number| number.is_finite()) {
                return Err(RuntimeError::NonFiniteOutput { output: name.to_string() });
            }
            outputs.insert(name, rows.to_vec());
        }
        Ok(outputs)
    }
}

/// The largest batch, of zeros.
fn zeros(input: &TensorInfo, max_batch: usize) -> Result<Vec<f32>, RuntimeError> {
    let mut zeros = Vec::new();
    let numbers = max_batch.checked_mul(input.width()).filter(|numbers| zeros.try_reserve_exact(*numbers).is_ok());
    let Some(numbers) = numbers else {
        let reason = format!(
            "{max_batch} records of {} numbers do not fit into this machine's memory; lower `max_batch`",
            input.width()
        );
        return Err(RuntimeError::UnservableModel { reason });
    };
    zeros.resize(numbers, 0.0);
    Ok(zeros)
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
