//! The attribution compiler: a dense classifier, its reverse mode and its projection as one graph of ordinary operators.
//!
//! ```text
//! features ─ scale ─ Gemm ─ GELU ─ … ─ Gemm ─┬─ logits
//!                │            │              │
//!                │      slope │       ArgMax, Softmax of the others
//!                │            ▼              ▼
//!                │        · error ◄─ Gemm ─ error = ∂margin/∂logits
//!                ▼            ▼              ▼
//!              input × error, layer by layer, times the projection ─ Sum ─ sketch
//! ```

use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::{
    FEATURES, LOGITS, SKETCH,
    graph::{GraphWriter, Value},
    proto::FLOAT,
};
use crate::{
    DenseClassifier,
    activation::{CUBIC, ROOT_TWO_OVER_PI},
};

/// Added to the served class's logit before the softmax over the others: `exp` of it is an exact zero in `f32`.
const EXCLUDED: f64 = -1e9;

/// The ONNX file of `network` with the outputs `logits` `[batch, classes]` and `sketch` `[batch, k]`, the gradient of
/// the served class's margin times `projection` `[parameters, k]`. Equal arguments give equal bytes.
pub fn compile(network: &DenseClassifier, projection: &Array2<f64>) -> Vec<u8> {
    let mut graph = GraphWriter::default();
    let forward = forward(&mut graph, network);
    let mut error = margin_error(&mut graph, &forward.logits, network.classes());
    let mut parts = Vec::with_capacity(forward.layers.len());
    for (place, range) in network.layer_ranges().into_iter().enumerate().rev() {
        let layer = &forward.layers[place];
        parts.push(project(&mut graph, place, layer, &error, projection.slice_axis(Axis(0), Slice::from(range))));
        if let Some(slope) = &layer.slope_before {
            error = reverse(&mut graph, place, layer, slope, &error);
        }
    }
    let sketch = graph.node(SKETCH, "Sum", &parts.iter().collect::<Vec<_>>(), &[]);
    graph.output(&forward.logits, network.classes());
    graph.output(&sketch, projection.ncols());
    graph.finish("tributary-classifier")
}

struct Forward {
    layers: Vec<Layer>,
    logits: Value,
}

struct Layer {
    /// `[batch, inputs]`.
    input: Value,
    /// Slope of the activation that made the input, `[batch, inputs]`; the first layer has none.
    slope_before: Option<Value>,
    /// `[inputs, outputs]`.
    weights: Value,
    inputs: usize,
    outputs: usize,
}

fn forward(graph: &mut GraphWriter, network: &DenseClassifier) -> Forward {
    let features = graph.input(FEATURES, network.input_width());
    let shift = graph.scalar("input.shift", network.scaling().shift);
    let scale = graph.scalar("input.scale", network.scaling().scale);
    let shifted = graph.node("input.shifted", "Sub", &[&features, &shift], &[]);
    let mut value = graph.node("input.scaled", "Mul", &[&shifted, &scale], &[]);
    let gelu = (network.layers().len() > 1).then(|| GeluConstants::new(graph));
    let mut slope_before = None;
    let mut layers = Vec::with_capacity(network.layers().len());
    for (place, matrix) in network.layers().iter().enumerate() {
        let (inputs, outputs) = (matrix.nrows() - 1, matrix.ncols());
        let last = place + 1 == network.layers().len();
        let weights = graph.floats(
            &format!("{place}.weights"),
            &[inputs, outputs],
            matrix.iter().take(inputs * outputs).copied(),
        );
        let bias = graph.floats(&format!("{place}.bias"), &[outputs], matrix.row(inputs).iter().copied());
        let name = if last { LOGITS.to_owned() } else { format!("{place}.sum") };
        let sum = graph.node(&name, "Gemm", &[&value, &weights, &bias], &[]);
        layers.push(Layer { input: value, slope_before: slope_before.take(), weights, inputs, outputs });
        value = match &gelu {
            Some(constants) if !last => {
                let (activation, slope) = constants.apply(graph, place, &sum);
                slope_before = Some(slope);
                activation
            }
            _ => sum,
        };
    }
    Forward { layers, logits: value }
}

/// GELU's tanh form and its slope share the tanh.
struct GeluConstants {
    half: Value,
    one: Value,
    cubic: Value,
    three_cubic: Value,
    root: Value,
}

impl GeluConstants {
    fn new(graph: &mut GraphWriter) -> Self {
        Self {
            half: graph.scalar("gelu.half", 0.5),
            one: graph.scalar("gelu.one", 1.0),
            cubic: graph.scalar("gelu.cubic", CUBIC),
            three_cubic: graph.scalar("gelu.three_cubic", 3.0 * CUBIC),
            root: graph.scalar("gelu.root", ROOT_TWO_OVER_PI),
        }
    }

    /// `(gelu(x), gelu′(x))` with `t = tanh(r·x·(1 + c·x²))`: `½x(1 + t)` and
    /// `½(1 + t) + ½x(1 + t)·(1 − t)·r·(1 + 3c·x²)`.
    fn apply(&self, graph: &mut GraphWriter, place: usize, x: &Value) -> (Value, Value) {
        let mut node =
            |name: &str, op: &str, a: &Value, b: &Value| graph.node(&format!("{place}.{name}"), op, &[a, b], &[]);
        let square = node("square", "Mul", x, x);
        let cubic = node("cubic", "Mul", &square, &self.cubic);
        let stretch = node("stretch", "Add", &cubic, &self.one);
        let scaled = node("scaled", "Mul", x, &self.root);
        let bent = node("bent", "Mul", &scaled, &stretch);
        let t = graph.node(&format!("{place}.tanh"), "Tanh", &[&bent], &[]);
        let mut node =
            |name: &str, op: &str, a: &Value, b: &Value| graph.node(&format!("{place}.{name}"), op, &[a, b], &[]);
        let above = node("above", "Add", &t, &self.one);
        let gate = node("gate", "Mul", &above, &self.half);
        let activation = node("activation", "Mul", x, &gate);
        let below = node("below", "Sub", &self.one, &t);
        let inner = node("inner", "Mul", &square, &self.three_cubic);
        let steep = node("steep", "Add", &inner, &self.one);
        let steeper = node("steeper", "Mul", &steep, &self.root);
        let tail = node("tail", "Mul", &activation, &below);
        let bend = node("bend", "Mul", &tail, &steeper);
        let slope = node("slope", "Add", &gate, &bend);
        (activation, slope)
    }
}

/// ∂margin/∂logits of the served class: one-hot minus the softmax of the others.
fn margin_error(graph: &mut GraphWriter, logits: &Value, classes: usize) -> Value {
    let names: Vec<i64> = (0..classes as i64).collect();
    let classes = graph.integers("classes", &names);
    let excluded = graph.scalar("excluded", EXCLUDED);
    let served = graph.node("served", "ArgMax", &[logits], &[("axis", 1), ("keepdims", 1)]);
    let is_served = graph.node("is_served", "Equal", &[&served, &classes], &[]);
    let one_hot = graph.node("one_hot", "Cast", &[&is_served], &[("to", i64::from(FLOAT))]);
    let mask = graph.node("mask", "Mul", &[&one_hot, &excluded], &[]);
    let others = graph.node("others", "Add", &[logits, &mask], &[]);
    let softmax = graph.node("others.softmax", "Softmax", &[&others], &[("axis", 1)]);
    graph.node("margin.error", "Sub", &[&one_hot, &softmax], &[])
}

/// One layer's part of the sketch: (input × error) · weights' projection + error · bias's projection.
fn project(
    graph: &mut GraphWriter,
    place: usize,
    layer: &Layer,
    error: &Value,
    projection: ArrayView2<'_, f64>,
) -> Value {
    let name = |what: &str| format!("{place}.{what}");
    let (flat, k) = (layer.inputs * layer.outputs, projection.ncols());
    let of_weights = projection.slice_axis(Axis(0), Slice::from(..flat)).to_owned();
    let of_weights = graph.floats(&name("projection"), &[flat, k], of_weights.into_iter());
    let of_bias = projection.slice_axis(Axis(0), Slice::from(flat..)).to_owned();
    let of_bias = graph.floats(&name("projection.bias"), &[layer.outputs, k], of_bias.into_iter());
    let column = graph.integers(&name("column"), &[-1, layer.inputs as i64, 1]);
    let row = graph.integers(&name("row"), &[-1, 1, layer.outputs as i64]);
    let flat = graph.integers(&name("flat"), &[-1, flat as i64]);
    let inputs = graph.node(&name("input.column"), "Reshape", &[&layer.input, &column], &[]);
    let errors = graph.node(&name("error.row"), "Reshape", &[error, &row], &[]);
    let outer = graph.node(&name("outer"), "Mul", &[&inputs, &errors], &[]);
    let gradient = graph.node(&name("gradient"), "Reshape", &[&outer, &flat], &[]);
    let bias_part = graph.node(&name("sketch.bias"), "MatMul", &[error, &of_bias], &[]);
    graph.node(&name("sketch"), "Gemm", &[&gradient, &of_weights, &bias_part], &[])
}

/// The error at the output of the layer before: back through the weights, times the activation's slope.
fn reverse(graph: &mut GraphWriter, place: usize, layer: &Layer, slope: &Value, error: &Value) -> Value {
    let back = graph.node(&format!("{place}.back"), "Gemm", &[error, &layer.weights], &[("transB", 1)]);
    graph.node(&format!("{place}.error"), "Mul", &[&back, slope], &[])
}
