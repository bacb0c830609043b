//! A session for whoever computes in the same thread: training, attribution, measurements.

use std::{collections::BTreeMap, fmt};

use ndarray::{ArrayD, CowArray, IxDyn};
use ort::{
    session::{self, OutputSelector, RunOptions, SessionInputValue, SessionOutputs},
    value::{Outlet, PrimitiveTensorElementType, TensorElementType, TensorRef, ValueType},
};

use crate::{ExecutionProvider, OnnxRuntime, RuntimeError, SessionOptions, Tensor, opening};

mod recurrence;

pub use recurrence::{Recurrence, StatePart};

/// One ONNX model, run in the caller's thread with any number of named inputs of any shape.
///
/// [`Model`](crate::Model) is for serving: one input, a thread of its own, a queue, batches.
pub struct Session {
    session: session::Session,
    inputs: BTreeMap<String, Input>,
    outputs: Vec<String>,
    provider: ExecutionProvider,
}

/// What an input takes.
#[derive(Clone, Debug)]
struct Input {
    element: TensorElementType,
    /// Dimensions as the file declares them, −1 where any size will do.
    dims: Vec<i64>,
    /// Without a default in the file.
    required: bool,
}

impl Session {
    /// Opens the bytes of an ONNX file.
    ///
    /// # Errors
    /// [`RuntimeError::ZeroOption`], [`RuntimeError::CorruptModel`], [`RuntimeError::RejectedModel`],
    /// [`RuntimeError::UnusableInput`] for an input that is no tensor.
    pub fn open(runtime: &OnnxRuntime, onnx: &[u8], options: &SessionOptions) -> Result<Self, RuntimeError> {
        let session = opening::open(runtime, onnx, options)?;
        let mut inputs = BTreeMap::new();
        for input in session.inputs() {
            inputs.insert(input.name().to_owned(), Input::read(input.name(), input.dtype(), true)?);
        }
        for input in session.overridable_initializers() {
            inputs.insert(input.name().to_owned(), Input::read(input.name(), input.dtype(), false)?);
        }
        let outputs = session.outputs().iter().map(Outlet::name).map(str::to_owned).collect();
        Ok(Self { session, inputs, outputs, provider: options.provider })
    }

    /// Where it computes.
    #[must_use]
    pub fn provider(&self) -> ExecutionProvider {
        self.provider
    }

    /// Names of the inputs, in ascending order; those with a default in the file may be left out of [`run`](Self::run).
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.keys().map(String::as_str)
    }

    /// Whether there is an input called `name`.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.inputs.contains_key(name)
    }

    /// Names of the outputs, in the model's order.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(String::as_str)
    }

    /// One pass. Returns the outputs asked for, in the order asked for; each must be `f32`. Arrays that are not
    /// row-major are copied; others are read where they lie.
    ///
    /// # Errors
    /// [`RuntimeError::UnknownInput`], [`RuntimeError::GivenTwice`], [`RuntimeError::MissingInput`],
    /// [`RuntimeError::WrongType`], [`RuntimeError::WrongShape`], [`RuntimeError::UnknownOutput`],
    /// [`RuntimeError::OutputType`], [`RuntimeError::Inference`].
    pub fn run(&mut self, inputs: &[(&str, Tensor<'_>)], outputs: &[&str]) -> Result<Vec<ArrayD<f32>>, RuntimeError> {
        self.check(inputs, outputs)?;
        let mut selector = OutputSelector::no_default();
        for (place, name) in outputs.iter().enumerate() {
            // ONNX Runtime computes an output once even if it is asked for twice.
            if !outputs.iter().take(place).any(|earlier| earlier == name) {
                selector = selector.with(*name);
            }
        }
        let options = RunOptions::new().map_err(failed)?.with_outputs(selector);
        // Row-major copies of what lies otherwise, alive as long as the pass reads them.
        let arranged: Vec<Arranged<'_>> = inputs.iter().map(|(_, tensor)| Arranged::of(tensor)).collect();
        let mut values = Vec::with_capacity(inputs.len());
        for ((name, _), tensor) in inputs.iter().zip(&arranged) {
            values.push((*name, tensor.value()?));
        }
        let results = self.session.run_with_options(values, &options).map_err(failed)?;
        outputs.iter().map(|name| extract(&results, name)).collect()
    }

    fn check(&self, inputs: &[(&str, Tensor<'_>)], outputs: &[&str]) -> Result<(), RuntimeError> {
        for (place, (name, tensor)) in inputs.iter().enumerate() {
            self.check_input(name, tensor)?;
            if inputs.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(RuntimeError::GivenTwice { input: (*name).to_owned() });
            }
        }
        let missing = |name: &str| inputs.iter().all(|(given, _)| *given != name);
        if let Some((name, _)) = self.inputs.iter().find(|(name, input)| input.required && missing(name)) {
            return Err(RuntimeError::MissingInput { input: name.clone() });
        }
        outputs.iter().try_for_each(|name| self.check_output(name))
    }

    fn check_input(&self, name: &str, tensor: &Tensor<'_>) -> Result<(), RuntimeError> {
        let unknown =
            || RuntimeError::UnknownInput { input: name.to_owned(), known: self.inputs().map(str::to_owned).collect() };
        self.inputs.get(name).ok_or_else(unknown)?.check(name, tensor)
    }

    fn check_output(&self, name: &str) -> Result<(), RuntimeError> {
        match self.outputs().any(|known| known == name) {
            true => Ok(()),
            false => Err(RuntimeError::UnknownOutput { output: name.to_owned(), known: self.outputs.clone() }),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Input {
    fn read(name: &str, value: &ValueType, required: bool) -> Result<Self, RuntimeError> {
        match value {
            ValueType::Tensor { ty, shape, .. } => Ok(Self { element: *ty, dims: shape.to_vec(), required }),
            other => Err(RuntimeError::UnusableInput { input: name.to_owned(), found: format!("{other:?}") }),
        }
    }

    fn check(&self, name: &str, tensor: &Tensor<'_>) -> Result<(), RuntimeError> {
        let fits = match tensor {
            Tensor::F32(_) => self.element == TensorElementType::Float32,
            Tensor::I64(_) => self.element == TensorElementType::Int64,
        };
        if !fits {
            return Err(RuntimeError::WrongType {
                input: name.to_owned(),
                expected: self.element.to_string(),
                got: tensor.element(),
            });
        }
        let dims = tensor.dims();
        let allowed = |(declared, given): (&i64, &usize)| {
            *given > 0 && (*declared < 0 || usize::try_from(*declared) == Ok(*given))
        };
        if dims.len() == self.dims.len() && self.dims.iter().zip(dims).all(allowed) {
            Ok(())
        } else {
            let declared: Vec<String> =
                self.dims.iter().map(|dim| if *dim < 0 { "any".to_owned() } else { dim.to_string() }).collect();
            let expected = format!("[{}]", declared.join(", "));
            Err(RuntimeError::WrongShape { input: name.to_owned(), expected, got: dims.to_vec() })
        }
    }
}

/// A tensor's numbers, row-major.
enum Arranged<'a> {
    F32(CowArray<'a, f32, IxDyn>),
    I64(CowArray<'a, i64, IxDyn>),
}

impl<'a> Arranged<'a> {
    fn of(tensor: &'a Tensor<'_>) -> Self {
        match tensor {
            Tensor::F32(numbers) => Self::F32(numbers.as_standard_layout()),
            Tensor::I64(numbers) => Self::I64(numbers.as_standard_layout()),
        }
    }

    fn value(&self) -> Result<SessionInputValue<'_>, RuntimeError> {
        match self {
            Self::F32(numbers) => view(numbers),
            Self::I64(numbers) => view(numbers),
        }
    }
}

fn view<'a, T: PrimitiveTensorElementType + Clone + fmt::Debug + 'static>(
    numbers: &'a CowArray<'_, T, IxDyn>,
) -> Result<SessionInputValue<'a>, RuntimeError> {
    Ok(TensorRef::from_array_view(numbers.view()).map_err(failed)?.into())
}

fn extract(results: &SessionOutputs<'_>, name: &str) -> Result<ArrayD<f32>, RuntimeError> {
    let value = results
        .get(name)
        .ok_or_else(|| RuntimeError::Inference { reason: format!("output `{name}` was not returned") })?;
    match value.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, .. } => {
            Ok(value.try_extract_array::<f32>().map_err(failed)?.to_owned())
        }
        other => Err(RuntimeError::OutputType { output: name.to_owned(), found: format!("{other:?}") }),
    }
}

fn failed(error: ort::Error) -> RuntimeError {
    RuntimeError::Inference { reason: error.to_string() }
}
