//! A session that goes on from its own results: the steps of a training run.

use ndarray::{ArrayD, ArrayViewD};
use ort::{
    memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType},
    session::IoBinding,
    value::Tensor as Value,
};

use super::{Session, extract, failed};
use crate::{ExecutionProvider, OnnxRuntime, RuntimeError, SessionOptions, Tensor};

/// One ONNX model that is run step by step: some of its inputs, its state, are the outputs of the step before.
///
/// The state lies where the session computes, in two sets of memory: a step reads one and writes the other, and the next
/// step has them the other way round. Nothing of it is copied between steps; [`state`](Self::state) fetches it.
#[derive(Debug)]
pub struct Recurrence {
    session: Session,
    binding: IoBinding,
    state: Vec<Part>,
    /// Which of the two sets the next step reads.
    turn: usize,
    on_processor: bool,
    processor: MemoryInfo<'static>,
}

/// One tensor of the state.
#[derive(Debug)]
struct Part {
    input: String,
    output: String,
    /// What was given, until a step has read it.
    given: Option<Value<f32>>,
    sets: [Value<f32>; 2],
}

/// One tensor of a [`Recurrence`]'s state: the input that takes it, the output that makes the next, and how it begins.
#[derive(Clone, Debug)]
pub struct StatePart<'a> {
    /// Name of the input.
    pub input: &'a str,
    /// Name of the output, of the same dimensions.
    pub output: &'a str,
    /// What the first step reads.
    pub start: ArrayViewD<'a, f32>,
}

impl Recurrence {
    /// Opens the bytes of an ONNX file and places the state where the provider computes.
    ///
    /// # Errors
    /// As [`Session::open`]; [`RuntimeError::UnknownInput`], [`RuntimeError::UnknownOutput`],
    /// [`RuntimeError::WrongShape`]; [`RuntimeError::Inference`] where there is no memory for the state.
    pub fn open(
        runtime: &OnnxRuntime,
        onnx: &[u8],
        options: &SessionOptions,
        state: &[StatePart<'_>],
    ) -> Result<Self, RuntimeError> {
        let session = Session::open(runtime, onnx, options)?;
        let (device, number) = match options.provider {
            ExecutionProvider::Cpu => (AllocationDevice::CPU, 0),
            ExecutionProvider::Cuda { device } => (AllocationDevice::CUDA, i32::from(device)),
            ExecutionProvider::WebGpu => (AllocationDevice::WEBGPU_BUFFER, 0),
        };
        let memory = |device, number| MemoryInfo::new(device, number, AllocatorType::Device, MemoryType::Default);
        let processor = memory(AllocationDevice::CPU, 0).map_err(failed)?;
        let on_processor = options.provider == ExecutionProvider::Cpu;
        let allocator = match on_processor {
            true => Allocator::default(),
            false => Allocator::new(&session.session, memory(device, number).map_err(failed)?).map_err(failed)?,
        };
        let mut parts = Vec::with_capacity(state.len());
        for StatePart { input, output, start } in state {
            session.check_input(input, &Tensor::from(start.view()))?;
            session.check_output(output)?;
            let room = || Value::<f32>::new(&allocator, start.shape().to_vec()).map_err(failed);
            let given = Some(Value::from_array(start.to_owned()).map_err(failed)?);
            let (input, output) = ((*input).to_owned(), (*output).to_owned());
            parts.push(Part { input, output, sets: [room()?, room()?], given });
        }
        let binding = session.session.create_binding().map_err(failed)?;
        Ok(Self { session, binding, state: parts, turn: 0, on_processor, processor })
    }

    /// One step with these inputs beside the state. Returns the outputs asked for, in the order asked for; each must be
    /// `f32` and none part of the state.
    ///
    /// # Errors
    /// As [`Session::run`]. After an error the state is that of before the step.
    pub fn step(&mut self, inputs: &[(&str, Tensor<'_>)], outputs: &[&str]) -> Result<Vec<ArrayD<f32>>, RuntimeError> {
        self.binding.clear();
        for (name, tensor) in inputs {
            self.session.check_input(name, tensor)?;
            let bound = match tensor {
                Tensor::F32(numbers) => {
                    let value = Value::from_array(numbers.as_standard_layout().into_owned()).map_err(failed)?;
                    self.binding.bind_input(*name, &value)
                }
                Tensor::I64(numbers) => {
                    let value = Value::from_array(numbers.as_standard_layout().into_owned()).map_err(failed)?;
                    self.binding.bind_input(*name, &value)
                }
            };
            bound.map_err(failed)?;
        }
        let (from, to) = (self.turn, 1 - self.turn);
        for part in &mut self.state {
            let [first, second] = &mut part.sets;
            let (read, written) = if from == 0 { (first, second) } else { (second, first) };
            let read = part.given.as_ref().unwrap_or(read);
            self.binding.bind_input(&part.input, read).map_err(failed)?;
            self.binding.bind_output(&part.output, written).map_err(failed)?;
        }
        for name in outputs {
            self.session.check_output(name)?;
            self.binding.bind_output_to_device(*name, &self.processor).map_err(failed)?;
        }
        let results = self.session.session.run_binding(&self.binding).map_err(failed)?;
        let found = outputs.iter().map(|name| extract(&results, name)).collect::<Result<_, _>>()?;
        drop(results);
        for part in &mut self.state {
            part.given = None;
        }
        self.turn = to;
        Ok(found)
    }

    /// The state after the last step, in the order it was given in.
    ///
    /// # Errors
    /// [`RuntimeError::Inference`] where it cannot be fetched.
    pub fn state(&self) -> Result<Vec<ArrayD<f32>>, RuntimeError> {
        self.state.iter().map(|part| self.fetch(part)).collect()
    }

    fn fetch(&self, part: &Part) -> Result<ArrayD<f32>, RuntimeError> {
        let [first, second] = &part.sets;
        let value = part.given.as_ref().unwrap_or(if self.turn == 0 { first } else { second });
        if part.given.is_some() || self.on_processor {
            return Ok(value.extract_array().to_owned());
        }
        let value = value.to(AllocationDevice::CPU, 0).map_err(failed)?;
        Ok(value.try_extract_array::<f32>().map_err(failed)?.to_owned())
    }
}
