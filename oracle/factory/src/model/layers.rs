//! What models are put together from.

use rand::{Rng, RngCore};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::graph::{Attribute, Builder, Data, Shape, Tensor};

use super::{Inputs, LOGITS, Model};
use crate::FactoryError;

/// What stands between layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// GELU in its tanh form (Hendrycks & Gimpel, 2016): smooth, so that influence has a second derivative to stand on.
    #[default]
    Gelu,
    /// max(0, x).
    Relu,
}

impl Activation {
    /// Variance of the initial weights times the inputs of a layer that follows this activation: it keeps the size of
    /// signals through many layers (He et al., 2015, for ReLU).
    const fn gain(self) -> f64 {
        match self {
            Self::Gelu => 1.0,
            Self::Relu => 2.0,
        }
    }
}

/// Deviation of the initial positions.
const POSITION: f64 = 0.02;

/// Appends layers to a graph and draws their weights.
pub(super) struct Layers {
    builder: Builder,
    parameters: Vec<String>,
    rng: ChaCha8Rng,
    activation: Activation,
    width: usize,
    /// Layers with parameters so far.
    layers: usize,
    /// The value so far.
    at: String,
}

impl Layers {
    /// Begins with a record's numbers as the first layer takes them.
    pub(super) fn new(width: usize, inputs: &Inputs, activation: Activation, seed: u64) -> Result<Self, FactoryError> {
        let mut builder = Builder::new("model");
        let at = inputs.append(&mut builder, width)?;
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Ok(Self { builder, parameters: Vec::new(), rng, activation, width: inputs.width(width), layers: 0, at })
    }

    /// Numbers that the first layer takes.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// The value so far, to come back to.
    pub(super) fn mark(&self) -> String {
        self.at.clone()
    }

    /// `x·W + b`, W `[inputs, outputs]` of normal weights, b zero.
    pub(super) fn dense(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        let weights = self.weights("weight", &[inputs, outputs], inputs)?;
        self.add_dense(weights, outputs)
    }

    /// `x·W + b` that starts at zero: right where there is but one minimum.
    pub(super) fn dense_of_zeros(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        let weights = self.zeros("weight", &[inputs, outputs])?;
        self.add_dense(weights, outputs)
    }

    fn add_dense(&mut self, weights: String, outputs: usize) -> Result<(), FactoryError> {
        let bias = self.zeros("bias", &[outputs])?;
        self.at = self.builder.node("Gemm", "dense", &[&self.at, &weights, &bias], Vec::new())?;
        Ok(())
    }

    /// 3 × 3 convolution that keeps height and width: `[batch, inputs, h, w]` becomes `[batch, outputs, h, w]`.
    pub(super) fn convolution(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        let kernel = self.weights("weight", &[outputs, inputs, 3, 3], inputs.saturating_mul(9))?;
        let bias = self.zeros("bias", &[outputs])?;
        let attributes = vec![("kernel_shape", Attribute::Ints(vec![3, 3])), ("pads", Attribute::Ints(vec![1; 4]))];
        self.at = self.builder.node("Conv", "convolution", &[&self.at, &kernel, &bias], attributes)?;
        Ok(())
    }

    /// `x·W + b` at every position: `[batch, positions, inputs]` becomes `[batch, positions, outputs]`.
    pub(super) fn matrix(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        self.at = self.projected("weight", "bias", inputs, outputs)?;
        Ok(())
    }

    fn projected(&mut self, weight: &str, bias: &str, inputs: usize, outputs: usize) -> Result<String, FactoryError> {
        let weights = self.weights(weight, &[inputs, outputs], inputs)?;
        let bias = self.zeros(bias, &[outputs])?;
        let product = self.builder.node("MatMul", "matrix", &[&self.at, &weights], Vec::new())?;
        Ok(self.builder.node("Add", "matrix", &[&product, &bias], Vec::new())?)
    }

    /// Adds a value that is learnt, the same for every record: of positions, say.
    pub(super) fn add_each(&mut self, dims: &[usize]) -> Result<(), FactoryError> {
        self.layers += 1;
        let values = (0..count(dims)?).map(|_| (POSITION * normal(&mut self.rng)) as f32).collect();
        let each = self.parameter("weight", dims, values)?;
        self.add(&each)
    }

    /// Adds another value of the same dimensions.
    pub(super) fn add(&mut self, other: &str) -> Result<(), FactoryError> {
        self.at = self.builder.node("Add", "sum", &[&self.at, other], Vec::new())?;
        Ok(())
    }

    /// Normalises the last axis, of `width` numbers (Ba et al., 2016).
    pub(super) fn normalise(&mut self, width: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        let scale = self.filled("weight", &[width], 1.0)?;
        let bias = self.zeros("bias", &[width])?;
        let attributes = vec![("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(1e-5))];
        self.at = self.builder.node("LayerNormalization", "normal", &[&self.at, &scale, &bias], attributes)?;
        Ok(())
    }

    /// Self-attention of all positions: `[batch, positions, width]` stays so.
    pub(super) fn attend(&mut self, positions: usize, width: usize, heads: usize) -> Result<(), FactoryError> {
        self.layers += 1;
        let each = width / heads;
        let mut parts = Vec::with_capacity(3);
        for (weight, bias) in [("query", "query.bias"), ("key", "key.bias"), ("value", "value.bias")] {
            let whole = self.projected(weight, bias, width, width)?;
            let dims = self.builder.integers(&Shape::batched(&[positions, heads, each]).to_reshape());
            let split = self.builder.node("Reshape", "heads", &[&whole, &dims], Vec::new())?;
            let order: &[i64] = if weight == "key" { &[0, 2, 3, 1] } else { &[0, 2, 1, 3] };
            parts.push(self.transposed(&split, order)?);
        }
        let [query, key, value] = parts.as_slice() else { return self.reshape(&[positions, width]) };
        let scale = self.builder.scalar((each as f32).sqrt().recip());
        let scores = self.builder.node("MatMul", "scores", &[query, key], Vec::new())?;
        let scores = self.builder.node("Mul", "scores", &[&scores, &scale], Vec::new())?;
        let shares = self.builder.node("Softmax", "shares", &[&scores], vec![("axis", Attribute::Int(-1))])?;
        let mixed = self.builder.node("MatMul", "mixed", &[&shares, value], Vec::new())?;
        self.at = self.transposed(&mixed, &[0, 2, 1, 3])?;
        self.reshape(&[positions, width])?;
        self.at = self.projected("output", "output.bias", width, width)?;
        Ok(())
    }

    fn transposed(&mut self, value: &str, order: &[i64]) -> Result<String, FactoryError> {
        let order = vec![("perm", Attribute::Ints(order.to_vec()))];
        Ok(self.builder.node("Transpose", "turned", &[value], order)?)
    }

    /// `[batch, positions, width]` becomes `[batch, width]`.
    pub(super) fn mean_of_positions(&mut self) -> Result<(), FactoryError> {
        let axis = self.builder.integers(&[1]);
        let attributes = vec![("keepdims", Attribute::Int(0))];
        self.at = self.builder.node("ReduceMean", "mean", &[&self.at, &axis], attributes)?;
        Ok(())
    }

    /// Halves height and width with `op`, one of ONNX's pools.
    pub(super) fn pool(&mut self, op: &str) -> Result<(), FactoryError> {
        let attributes = vec![("kernel_shape", Attribute::Ints(vec![2, 2])), ("strides", Attribute::Ints(vec![2, 2]))];
        self.at = self.builder.node(op, "pooled", &[&self.at], attributes)?;
        Ok(())
    }

    /// The activation.
    pub(super) fn activate(&mut self) -> Result<(), FactoryError> {
        self.at = match self.activation {
            Activation::Gelu => {
                let tanh = vec![("approximate", Attribute::String("tanh".to_owned()))];
                self.builder.node("Gelu", "hidden", &[&self.at], tanh)?
            }
            Activation::Relu => self.builder.node("Relu", "hidden", &[&self.at], Vec::new())?,
        };
        Ok(())
    }

    /// `[batch, dims…]`, numbers in the same order.
    pub(super) fn reshape(&mut self, dims: &[usize]) -> Result<(), FactoryError> {
        let dims = self.builder.integers(&Shape::batched(dims).to_reshape());
        self.at = self.builder.node("Reshape", "reshaped", &[&self.at, &dims], Vec::new())?;
        Ok(())
    }

    /// Ends with [`LOGITS`].
    pub(super) fn finish(mut self) -> Result<Model, FactoryError> {
        self.builder.output_as(&self.at, LOGITS)?;
        Ok(Model { graph: self.builder.finish(), parameters: self.parameters })
    }

    fn weights(&mut self, kind: &str, dims: &[usize], inputs: usize) -> Result<String, FactoryError> {
        let deviation = (self.activation.gain() / inputs as f64).sqrt();
        let values = (0..count(dims)?).map(|_| (deviation * normal(&mut self.rng)) as f32).collect();
        self.parameter(kind, dims, values)
    }

    fn zeros(&mut self, kind: &str, dims: &[usize]) -> Result<String, FactoryError> {
        self.filled(kind, dims, 0.0)
    }

    fn filled(&mut self, kind: &str, dims: &[usize], value: f32) -> Result<String, FactoryError> {
        self.parameter(kind, dims, vec![value; count(dims)?])
    }

    fn parameter(&mut self, kind: &str, dims: &[usize], values: Vec<f32>) -> Result<String, FactoryError> {
        let name = format!("layer{}.{kind}", self.layers);
        let tensor = Tensor::new(dims.to_vec(), Data::F32(values)).ok_or_else(|| FactoryError::Recipe {
            what: "shape",
            found: format!("{dims:?}"),
            instead: "make the network smaller",
        })?;
        let name = self.builder.constant(&name, tensor);
        self.parameters.push(name.clone());
        Ok(name)
    }
}

/// Weights of one layer: at most this many are held.
const MOST_WEIGHTS: usize = 1 << 28;

/// How many numbers these dimensions hold.
fn count(dims: &[usize]) -> Result<usize, FactoryError> {
    let count = dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    count.filter(|count| *count <= MOST_WEIGHTS).ok_or_else(|| FactoryError::Recipe {
        what: "shape",
        found: format!("{dims:?}"),
        instead: "make the network smaller",
    })
}

/// A standard normal number (Box & Muller, 1958).
pub(crate) fn normal(rng: &mut impl RngCore) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
