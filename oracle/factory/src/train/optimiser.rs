//! Optimisers as operators: a step's parameters and moments from the gradient, inside the graph.

use serde::{Deserialize, Serialize};
use tributary_attribution::graph::{Builder, Element, GraphError, Shape, Signature};

use crate::FactoryError;

/// How a gradient becomes a step. Parameters, moments and gradient are vectors `[parameters]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimiser {
    /// Stochastic gradient descent: `v ← momentum · v + g + wd · θ`, `θ ← θ − rate · v`.
    Sgd {
        /// Share of the last step that the next one keeps.
        momentum: f64,
    },
    /// AdamW (Loshchilov & Hutter, 2019): weight decay beside the adaptive step, `θ ← (1 − rate · wd) · θ − …`.
    #[serde(rename = "adamw")]
    AdamW {
        /// Decay of the gradient's mean.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the gradient's square.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the square.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

/// The usual numbers of Loshchilov & Hutter.
pub const ADAMW: Optimiser = Optimiser::AdamW { beta1: beta1(), beta2: beta2(), epsilon: epsilon() };

const fn beta1() -> f64 {
    0.9
}

const fn beta2() -> f64 {
    0.999
}

const fn epsilon() -> f64 {
    1e-8
}

impl Optimiser {
    /// As commands and cards name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::AdamW { .. } => "adamw",
        }
    }

    /// That its numbers make steps.
    ///
    /// # Errors
    /// [`FactoryError::Recipe`].
    pub fn check(&self) -> Result<(), FactoryError> {
        let share = |what, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(FactoryError::Recipe {
                what,
                found: value.to_string(),
                instead: "give a share from 0 up to, not including, 1",
            }),
        };
        match *self {
            Self::Sgd { momentum } => share("momentum", momentum),
            Self::AdamW { beta1, beta2, epsilon } => {
                share("beta1", beta1)?;
                share("beta2", beta2)?;
                // Steps are computed in `f32`, in which a number can be too small to be one.
                if epsilon.is_finite() && epsilon as f32 > 0.0 {
                    return Ok(());
                }
                let instead = "give a tiny positive number such as 1e-8";
                Err(FactoryError::Recipe { what: "epsilon", found: epsilon.to_string(), instead })
            }
        }
    }

    /// How many vectors it remembers.
    pub(super) const fn moments(&self) -> usize {
        match self {
            Self::Sgd { .. } => 1,
            Self::AdamW { .. } => 2,
        }
    }

    /// Names of the numbers it takes with every step.
    const fn numbers(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd { .. } => &["step/rate", "step/decay"],
            Self::AdamW { .. } => &["step/keep", "step/size", "step/root"],
        }
    }

    /// Those numbers for step number `step`, from 1.
    pub(super) fn values(&self, step: usize, rate: f64, weight_decay: f64) -> Vec<(&'static str, f32)> {
        let values = match *self {
            Self::Sgd { .. } => vec![rate, weight_decay],
            Self::AdamW { beta1, beta2, .. } => {
                let step = step as f64;
                let (first, second) = (1.0 - beta1.powf(step), 1.0 - beta2.powf(step));
                vec![1.0 - rate * weight_decay, rate / first, 1.0 / second.sqrt()]
            }
        };
        self.numbers().iter().copied().zip(values.into_iter().map(|value| value as f32)).collect()
    }

    /// Appends one step: the new parameters and the new moments.
    pub(super) fn append(
        &self,
        builder: &mut Builder,
        parameters: &str,
        moments: &[String],
        gradient: &str,
    ) -> Result<(String, Vec<String>), GraphError> {
        for name in self.numbers() {
            builder.input(Signature { name: (*name).to_owned(), element: Element::F32, shape: Shape::fixed(&[]) })?;
        }
        match (*self, moments) {
            (Self::Sgd { momentum }, [velocity]) => {
                let momentum = builder.scalar(momentum as f32);
                let kept = mul(builder, velocity, &momentum)?;
                let pull = mul(builder, parameters, "step/decay")?;
                let pulled = op(builder, "Add", &[gradient, &pull])?;
                let velocity = op(builder, "Add", &[&kept, &pulled])?;
                let step = mul(builder, &velocity, "step/rate")?;
                Ok((op(builder, "Sub", &[parameters, &step])?, vec![velocity]))
            }
            (Self::AdamW { beta1, beta2, epsilon }, [mean, square]) => {
                let mean = running(builder, mean, beta1, gradient)?;
                let squared = mul(builder, gradient, gradient)?;
                let square = running(builder, square, beta2, &squared)?;
                let root = op(builder, "Sqrt", &[&square])?;
                let root = mul(builder, &root, "step/root")?;
                let epsilon = builder.scalar(epsilon as f32);
                let root = op(builder, "Add", &[&root, &epsilon])?;
                let step = op(builder, "Div", &[&mean, &root])?;
                let step = mul(builder, &step, "step/size")?;
                let kept = mul(builder, parameters, "step/keep")?;
                Ok((op(builder, "Sub", &[&kept, &step])?, vec![mean, square]))
            }
            _ => Err(GraphError::Missing { value: "the optimiser's moments".to_owned() }),
        }
    }
}

/// `decay · average + (1 − decay) · value`.
fn running(builder: &mut Builder, average: &str, decay: f64, value: &str) -> Result<String, GraphError> {
    let (kept, taken) = (builder.scalar(decay as f32), builder.scalar((1.0 - decay) as f32));
    let (kept, taken) = (mul(builder, average, &kept)?, mul(builder, value, &taken)?);
    op(builder, "Add", &[&kept, &taken])
}

fn mul(builder: &mut Builder, left: &str, right: &str) -> Result<String, GraphError> {
    op(builder, "Mul", &[left, right])
}

fn op(builder: &mut Builder, op: &str, inputs: &[&str]) -> Result<String, GraphError> {
    builder.node(op, "step/value", inputs, Vec::new())
}
