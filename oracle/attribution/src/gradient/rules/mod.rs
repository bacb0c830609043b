//! What each operator does to a cotangent. A rule gives the gradient of one input from the cotangents of the outputs.

mod activation;
mod arithmetic;
mod choosing;
mod convolution;
mod einsum;
mod layout;
mod linear;
mod normalisation;
mod pooling;
mod reduction;
mod slicing;
mod softmax;

pub(super) use layout::turned_terms;

use super::{
    GradientError,
    emit::{Cotangent, Emit, Lifted},
    term::{Term, records_of},
};
use crate::graph::{Dim, Node};

/// An operator on the way back.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    /// Its outputs' cotangents, as the outputs are shaped, or behind a batch dimension of their own if `lifted`.
    pub(super) cotangents: Vec<Option<String>>,
    pub(super) lifted: Lifted,
}

pub(super) type Rule = fn(&mut Emit<'_>, &Call<'_>, usize) -> Result<Cotangent, GradientError>;

impl Call<'_> {
    /// The cotangent of the one output that is differentiated.
    fn cotangent(&self, emit: &Emit<'_>) -> Result<&str, GradientError> {
        let others = self.cotangents.iter().skip(1).any(Option::is_some);
        let first = self.cotangents.first().and_then(Option::as_deref).filter(|_| !others);
        first.ok_or_else(|| emit.refused("an output beside its first is used"))
    }

    fn input(&self, emit: &Emit<'_>, place: usize) -> Result<&str, GradientError> {
        self.node.input(place).ok_or_else(|| emit.refused(&format!("input {place} is missing")))
    }

    fn output(&self, emit: &Emit<'_>) -> Result<&str, GradientError> {
        self.node.output(0).ok_or_else(|| emit.refused("its output has no name"))
    }

    /// An axis of a value of this rank, from the front.
    fn axis(&self, emit: &Emit<'_>, axis: i64, rank: usize) -> Result<usize, GradientError> {
        let place = if axis < 0 { axis + rank as i64 } else { axis };
        let place = usize::try_from(place).ok().filter(|place| *place < rank);
        place.ok_or_else(|| emit.refused(&format!("it has no axis {axis}")))
    }

    /// The attribute `axis` for a value; refused where records would meet along it.
    fn own_axis(&self, emit: &Emit<'_>, value: &str, otherwise: i64) -> Result<usize, GradientError> {
        let shape = emit.shape(value)?;
        let axis = self.axis(emit, self.node.int("axis", otherwise), shape.rank())?;
        if shape.batch_axis() == Some(axis) { Err(emit.mixes()) } else { Ok(axis) }
    }

    /// A gradient of exactly an input's shape, lifted or not.
    fn whole(&self, emit: &mut Emit<'_>, gradient: &str, place: usize) -> Result<Cotangent, GradientError> {
        let input = self.input(emit, place)?;
        emit.onto(gradient, input, self.lifted)
    }

    /// An input's dimensions, behind a batch dimension if the call is lifted.
    fn dims(&self, emit: &Emit<'_>, value: &str) -> Result<Vec<Dim>, GradientError> {
        let mut dims = emit.shape(value)?.0;
        if self.lifted == Lifted::Yes {
            dims.insert(0, Dim::Batch(1));
        }
        Ok(dims)
    }
}

/// Operators through which nothing changes when a parameter changes a little.
pub(super) fn is_constant(node: &Node) -> bool {
    let own = node.domain.is_empty();
    own && matches!(
        node.op.as_str(),
        "Shape"
            | "Size"
            | "ArgMax"
            | "ArgMin"
            | "OneHot"
            | "Sign"
            | "Floor"
            | "Ceil"
            | "Round"
            | "ConstantOfShape"
            | "Range"
            | "Constant"
            | "Equal"
            | "Greater"
            | "Less"
            | "GreaterOrEqual"
            | "LessOrEqual"
            | "Not"
            | "And"
            | "Or"
    )
}

/// Operators that leave all numbers in their row-major order.
pub(super) fn keeps_order(node: &Node) -> bool {
    let own = node.domain.is_empty();
    own && matches!(node.op.as_str(), "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity" | "Cast" | "Dropout")
}

/// The rule of an operator, if there is one.
pub(super) fn rule(node: &Node) -> Option<Rule> {
    if !node.domain.is_empty() {
        return None;
    }
    Some(match node.op.as_str() {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => arithmetic::binary,
        "Min" | "Max" => arithmetic::extreme,
        "Neg" | "Abs" | "Sqrt" | "Exp" | "Log" | "Reciprocal" | "Sin" | "Cos" => arithmetic::unary,
        "Relu" | "LeakyRelu" | "Sigmoid" | "Tanh" | "Erf" | "Gelu" => activation::activation,
        "Clip" => activation::clip,
        "Softmax" | "LogSoftmax" => softmax::softmax,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceLogSumExp" => reduction::reduce,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Identity" | "Cast" | "Dropout" => layout::reshape,
        "Transpose" => layout::transpose,
        "Expand" => layout::expand,
        "Tile" => layout::tile,
        "Concat" => slicing::concat,
        "Split" => slicing::split,
        "Slice" => slicing::slice,
        "Pad" => slicing::pad,
        "Trilu" => slicing::trilu,
        "Gather" => choosing::gather,
        "GatherElements" => choosing::gather_elements,
        "Where" => choosing::choice,
        "MatMul" => linear::matmul,
        "Gemm" => linear::gemm,
        "Einsum" => einsum::einsum,
        "LayerNormalization" => normalisation::layer,
        "BatchNormalization" => normalisation::batch,
        "Conv" => convolution::conv,
        "ConvTranspose" => convolution::conv_transpose,
        "MaxPool" => pooling::max,
        "AveragePool" => pooling::average,
        "GlobalAveragePool" => pooling::global_average,
        _ => return None,
    })
}

/// The terms of a shared value as one value `[batch, dims…]`.
pub(super) fn lift(emit: &mut Emit<'_>, value: &str, terms: &[Term]) -> Result<Option<String>, GradientError> {
    let dims = emit.fixed(value)?;
    let Some(flat) = records_of(emit, terms, dims.iter().product())? else { return Ok(None) };
    let mut lifted = vec![Dim::Batch(1)];
    lifted.extend(dims.into_iter().map(Dim::Fixed));
    emit.reshape(&flat, &lifted).map(Some)
}
