//! Is the engine right about this model? Its gradients against central differences of the plain `f64` evaluator, and
//! the attributed model's outputs against the model's own.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayD, Ix1, Zip};
use rand::{Rng, seq::index};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use tributary_attribution::{
    AttributionError, Column, Records,
    compile::LABEL,
    features::{Features, Reduction},
    graph::{Builder, Graph},
    reference::{Value, evaluate},
    targets::{self, Target},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};

use super::ForeignError;

/// Weights of this many tensors are looked at.
const MOST_TENSORS: usize = 16;
/// And so many numbers of them: 64 MiB of `f32` a record.
const MOST_NUMBERS: usize = 1 << 24;
/// Half the step of a central difference.
const STEP: f64 = 1e-6;
/// What is left of a loss of 1 by rounding in `f64`, over the step.
const ROUNDING: f64 = 1e-9;

/// How far the engine's gradients are from central differences.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientCheck {
    /// Records that were looked at.
    pub records: usize,
    /// Directions in which the weights were moved: one a tensor.
    pub directions: usize,
    /// The largest difference, relative to the length of the tensor's largest gradient among the records.
    pub largest: f64,
}

/// `count` records drawn without replacement; all where there are fewer.
pub fn draw(records: &Records, count: usize, seed: u64) -> Records {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut places = index::sample(&mut rng, records.len(), count.min(records.len())).into_vec();
    places.sort_unstable();
    records.select(&places)
}

/// Moves each tensor of weights to and fro along a random direction of ±1 and compares the change of each record's loss
/// with its gradient.
///
/// # Errors
/// [`ForeignError::Reference`] for an operator that the evaluator has not; as the engine.
pub fn gradients(
    runtime: &OnnxRuntime,
    model: &Graph,
    target: Target,
    parameters: &[String],
    records: &Records,
    seed: u64,
) -> Result<GradientCheck, ForeignError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let tensors = chosen(model, parameters, &mut rng);
    let names: Vec<String> = tensors.iter().map(|(name, _)| (*name).clone()).collect();
    let mut check = GradientCheck { records: records.len(), directions: names.len(), largest: 0.0 };
    if names.is_empty() || records.is_empty() {
        return Ok(check);
    }
    let options = SessionOptions::default();
    let pass = Features::open(runtime, model, target, &names, &Reduction::new(), &options)?.run(records)?;
    let loss = Loss::new(model, target, records)?;
    let mut start = 0;
    for (name, weights) in tensors {
        let direction = weights.mapv(|_| if rng.random::<bool>() { 1.0 } else { -1.0 });
        let moved = |step: f64| loss.at(name, Zip::from(&weights).and(&direction).map_collect(|w, d| w + step * d));
        let difference = (moved(STEP)? - moved(-STEP)?) / (2.0 * STEP);
        let (mut worst, mut length) = (0f64, ROUNDING);
        for (record, difference) in pass.features.outer_iter().zip(&difference) {
            let gradient = record.iter().skip(start).take(weights.len()).map(|value| f64::from(*value));
            let along: f64 = gradient.clone().zip(&direction).map(|(g, d)| g * d).sum();
            length = length.max(gradient.map(|g| g * g).sum::<f64>().sqrt());
            worst = worst.max((along - difference).abs());
        }
        check.largest = check.largest.max(worst / length);
        start += weights.len();
    }
    Ok(check)
}

/// The largest difference between what `model` answers and what the `attributed` model does, in the first output.
///
/// # Errors
/// [`ForeignError::Runtime`].
pub fn outputs(
    runtime: &OnnxRuntime,
    model: &[u8],
    attributed: &[u8],
    output: &str,
    records: &Records,
) -> Result<f64, ForeignError> {
    let inputs: Vec<_> = records.inputs().iter().map(|(name, column)| (name.as_str(), column.tensor())).collect();
    let run = |onnx: &[u8]| -> Result<ArrayD<f32>, ForeignError> {
        let mut session = Session::open(runtime, onnx, &SessionOptions::default())?;
        Ok(session.run(&inputs, &[output])?.pop().unwrap_or_default())
    };
    let (before, after) = (run(model)?, run(attributed)?);
    Ok(before.iter().zip(&after).fold(0.0, |largest, (a, b)| largest.max(f64::from((a - b).abs()))))
}

/// Some of the tensors, in the order of `parameters`.
fn chosen<'a>(model: &Graph, parameters: &'a [String], rng: &mut ChaCha8Rng) -> Vec<(&'a String, ArrayD<f64>)> {
    let mut order = index::sample(rng, parameters.len(), parameters.len()).into_vec();
    let (mut taken, mut numbers) = (Vec::new(), 0);
    order.retain(|place| {
        let tensor = parameters.get(*place).and_then(|name| model.constants.get(name));
        let fits = tensor.is_some_and(|tensor| numbers + tensor.len() <= MOST_NUMBERS && taken.len() < MOST_TENSORS);
        if fits {
            numbers += tensor.map_or(0, |tensor| tensor.len());
            taken.push(*place);
        }
        fits
    });
    taken.sort_unstable();
    let weights = |name: &'a String| match Value::from(model.constants.get(name)?) {
        Value::F64(weights) => Some((name, weights)),
        _ => None,
    };
    taken.into_iter().filter_map(|place| weights(parameters.get(place)?)).collect()
}

/// The losses of records in the plain evaluator.
struct Loss {
    graph: Graph,
    loss: String,
    inputs: BTreeMap<String, Value>,
}

impl Loss {
    fn new(model: &Graph, target: Target, records: &Records) -> Result<Self, ForeignError> {
        let output = model.outputs.first().ok_or(AttributionError::NoOutput)?.name.clone();
        let mut builder = Builder::extend(model.clone())?;
        let label = targets::labels(&mut builder, target, &output, LABEL)?;
        let loss = targets::loss(&mut builder, target, &output, &label)?.value;
        builder.output(&loss)?;
        let rank = builder.shape(&label)?.rank();
        let mut graph = builder.finish();
        // The evaluator computes what its outputs need.
        graph.outputs.retain(|output| output.name == loss);
        let mut inputs: BTreeMap<String, Value> =
            records.inputs().iter().map(|(name, column)| (name.clone(), value(column))).collect();
        inputs.insert(label, value(&records.labels().to_column(rank)));
        Ok(Self { graph, loss, inputs })
    }

    /// Each record's loss where one tensor has other weights, `[n]`.
    fn at(&self, tensor: &str, weights: ArrayD<f64>) -> Result<Array1<f64>, ForeignError> {
        let mut inputs = self.inputs.clone();
        inputs.insert(tensor.to_owned(), Value::F64(weights));
        let mut outputs = evaluate(&self.graph, &inputs)?;
        let losses = outputs.remove(&self.loss).and_then(|value| value.floats().cloned());
        let losses = losses.and_then(|losses| losses.into_dimensionality::<Ix1>().ok());
        Ok(losses.ok_or(AttributionError::NotFinite("the loss"))?)
    }
}

fn value(column: &Column) -> Value {
    match column {
        Column::F32(numbers) => Value::F64(numbers.mapv(f64::from)),
        Column::I64(numbers) => Value::I64(numbers.clone()),
    }
}
