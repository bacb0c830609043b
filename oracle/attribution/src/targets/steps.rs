use super::{Seed, Target, TargetError};
use crate::graph::{Attribute, Builder, Dim, Element, Shape};

/// Appends operators to one output.
pub(super) struct Steps<'a> {
    builder: &'a mut Builder,
    target: Target,
    pub(super) output: String,
    stem: String,
}

impl<'a> Steps<'a> {
    pub(super) fn new(builder: &'a mut Builder, target: Target, output: &str) -> Self {
        Self { builder, target, output: output.to_owned(), stem: format!("{output}/target") }
    }

    /// The sizes of the output behind the batch, if there are as many as `rank` says.
    pub(super) fn sizes(&self, rank: usize, needs: &'static str) -> Result<Vec<usize>, TargetError> {
        let known = self.builder.known(&self.output)?;
        let sizes = behind_batch(&known.shape).filter(|sizes| sizes.len() == rank && known.element == Element::F32);
        sizes.ok_or_else(|| self.refused(needs))
    }

    pub(super) fn refused(&self, needs: &'static str) -> TargetError {
        let shape = self.builder.shape(&self.output).cloned().unwrap_or_default();
        TargetError::Output { target: self.target, output: self.output.clone(), shape, needs }
    }

    /// Checks that labels are of a type and, behind the batch, of these sizes.
    pub(super) fn check(
        &self,
        labels: &str,
        element: Element,
        sizes: &[usize],
        needs: &'static str,
    ) -> Result<(), TargetError> {
        let known = self.builder.known(labels)?;
        if known.element == element && known.shape == Shape::batched(sizes) {
            return Ok(());
        }
        Err(TargetError::Labels { target: self.target, labels: labels.to_owned(), shape: known.shape.clone(), needs })
    }

    pub(super) fn seed(&self, value: String, cotangent: String, labels: Option<String>) -> Seed {
        Seed { output: self.output.clone(), value, cotangent, labels }
    }

    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> Result<String, TargetError> {
        Ok(self.builder.node(op, &self.stem, inputs, Vec::new())?)
    }

    pub(super) fn with(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> Result<String, TargetError> {
        Ok(self.builder.node(op, &self.stem, inputs, attributes)?)
    }

    pub(super) fn number(&mut self, value: f32) -> String {
        self.builder.scalar(value)
    }

    pub(super) fn integer(&mut self, value: i64) -> String {
        self.integers(&[value])
    }

    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        self.builder.integers(values)
    }

    /// Reduces the last axis, which stays with as many elements as `keepdims` says.
    pub(super) fn last(&mut self, op: &str, value: &str, keepdims: i64) -> Result<String, TargetError> {
        let axes = self.integer(-1);
        self.with(op, &[value, &axes], vec![("keepdims", Attribute::Int(keepdims))])
    }

    /// The places of the largest elements on the last axis, which goes away.
    pub(super) fn largest(&mut self, value: &str) -> Result<String, TargetError> {
        self.with("ArgMax", &[value], vec![("axis", Attribute::Int(-1)), ("keepdims", Attribute::Int(0))])
    }

    /// One 1 in a row of `depth` at each index.
    pub(super) fn one_hot(&mut self, indices: &str, depth: usize) -> Result<String, TargetError> {
        let depth = self.integer(depth as i64);
        let values = self.builder.floats("off_on", &[2], vec![0.0, 1.0]);
        let values = values.ok_or_else(|| self.refused("two numbers"))?;
        self.op("OneHot", &[indices, &depth, &values])
    }

    /// `log Σ exp` over the last axis, which stays with one element. No exponent is above 0.
    pub(super) fn log_sum_exp(&mut self, value: &str) -> Result<String, TargetError> {
        let largest = self.last("ReduceMax", value, 1)?;
        let below = self.op("Sub", &[value, &largest])?;
        let powers = self.op("Exp", &[&below])?;
        let sum = self.last("ReduceSum", &powers, 1)?;
        let logarithm = self.op("Log", &[&sum])?;
        self.op("Add", &[&largest, &logarithm])
    }

    /// `[batch, 1]` as `[batch]`.
    pub(super) fn flat(&mut self, value: &str) -> Result<String, TargetError> {
        let dims = self.integer(-1);
        self.op("Reshape", &[value, &dims])
    }
}

/// The sizes of `[batch, …]`.
pub(super) fn behind_batch(shape: &Shape) -> Option<Vec<usize>> {
    match shape.0.split_first() {
        Some((Dim::Batch(1), rest)) => Shape(rest.to_vec()).to_fixed(),
        _ => None,
    }
}
