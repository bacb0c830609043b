//! What models are put together from.

use rand::{Rng, RngCore};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use tributary_attribution::graph::{Attribute, Builder, Data, Element, Shape, Signature, Tensor};

use super::{FEATURES, InputScaling, LOGITS, Model};
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

/// Appends layers to a graph and draws their weights.
pub(super) struct Layers {
    builder: Builder,
    parameters: Vec<String>,
    rng: ChaCha8Rng,
    activation: Activation,
    /// The value so far.
    at: String,
}

impl Layers {
    /// Begins with [`FEATURES`], scaled.
    pub(super) fn new(
        width: usize,
        scaling: InputScaling,
        activation: Activation,
        seed: u64,
    ) -> Result<Self, FactoryError> {
        let mut builder = Builder::new("classifier");
        let features = Signature { name: FEATURES.to_owned(), element: Element::F32, shape: Shape::batched(&[width]) };
        let features = builder.input(features)?;
        let (shift, scale) = (builder.scalar(scaling.shift as f32), builder.scalar(scaling.scale as f32));
        let centred = builder.node("Sub", "centred", &[&features, &shift], Vec::new())?;
        let at = builder.node("Mul", "scaled", &[&centred, &scale], Vec::new())?;
        Ok(Self { builder, parameters: Vec::new(), rng: ChaCha8Rng::seed_from_u64(seed), activation, at })
    }

    /// `x·W + b`, W `[inputs, outputs]` of normal weights, b zero.
    pub(super) fn dense(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        let weights = self.weights(&[inputs, outputs], inputs)?;
        self.add_dense(weights, outputs)
    }

    /// `x·W + b` that starts at zero: right where there is but one minimum.
    pub(super) fn dense_of_zeros(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        let weights = self.parameter("weight", &[inputs, outputs], vec![0.0; inputs * outputs])?;
        self.add_dense(weights, outputs)
    }

    fn add_dense(&mut self, weights: String, outputs: usize) -> Result<(), FactoryError> {
        let bias = self.parameter("bias", &[outputs], vec![0.0; outputs])?;
        self.at = self.builder.node("Gemm", "dense", &[&self.at, &weights, &bias], Vec::new())?;
        Ok(())
    }

    /// 3 × 3 convolution that keeps height and width: `[batch, inputs, h, w]` becomes `[batch, outputs, h, w]`.
    pub(super) fn convolution(&mut self, inputs: usize, outputs: usize) -> Result<(), FactoryError> {
        let kernel = self.weights(&[outputs, inputs, 3, 3], inputs * 9)?;
        let bias = self.parameter("bias", &[outputs], vec![0.0; outputs])?;
        let attributes = vec![("kernel_shape", Attribute::Ints(vec![3, 3])), ("pads", Attribute::Ints(vec![1; 4]))];
        self.at = self.builder.node("Conv", "convolution", &[&self.at, &kernel, &bias], attributes)?;
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
        let mut graph = self.builder.finish();
        graph.inputs.retain(|input| !self.parameters.contains(&input.name));
        Ok(Model { graph, parameters: self.parameters })
    }

    fn weights(&mut self, dims: &[usize], inputs: usize) -> Result<String, FactoryError> {
        let deviation = (self.activation.gain() / inputs as f64).sqrt();
        let count = dims.iter().product();
        let values = (0..count).map(|_| (deviation * normal(&mut self.rng)) as f32).collect();
        self.parameter("weight", dims, values)
    }

    fn parameter(&mut self, kind: &str, dims: &[usize], values: Vec<f32>) -> Result<String, FactoryError> {
        let layer = self.parameters.len() / 2 + 1;
        let name = format!("layer{layer}.{kind}");
        let tensor = Tensor::new(dims.to_vec(), Data::F32(values)).ok_or_else(|| FactoryError::Recipe {
            what: "shape",
            found: format!("{dims:?}"),
            instead: "make the network smaller",
        })?;
        // Equal constants become one; equal parameters must not. As inputs with a default they keep apart until the end.
        let signature = Signature { name, element: Element::F32, shape: Shape::fixed(dims) };
        let name = self.builder.optional_input(signature, tensor)?;
        self.parameters.push(name.clone());
        Ok(name)
    }
}

/// A standard normal number (Box & Muller, 1958).
pub(crate) fn normal(rng: &mut impl RngCore) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}
