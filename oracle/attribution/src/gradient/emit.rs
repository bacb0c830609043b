use super::{GradientError, term::Term};
use crate::graph::{Attribute, Builder, Dim, Node, Shape};

/// What is known of a value's gradient.
#[derive(Clone, Debug)]
pub(super) enum Cotangent {
    /// For a value that carries the batch: a value of its shape.
    Batched(String),
    /// For a value that all records share: one gradient a record, in terms.
    Shared(Vec<Term>),
}

/// Appends operators and names what fails after the operator whose gradient is being made.
pub(super) struct Emit<'a> {
    pub(super) builder: &'a mut Builder,
    stem: String,
    node: String,
    op: String,
}

impl<'a> Emit<'a> {
    /// For values called after `stem`.
    pub(super) fn new(builder: &'a mut Builder, stem: &str) -> Self {
        Self { builder, stem: stem.to_owned(), node: stem.to_owned(), op: "gradient".to_owned() }
    }

    /// For the gradient of an operator.
    pub(super) fn of(builder: &'a mut Builder, node: &Node) -> Self {
        let stem = format!("{}/gradient", node.output(0).unwrap_or("value"));
        Self { builder, stem, node: node.name.clone(), op: node.op.clone() }
    }

    pub(super) fn refused(&self, reason: &str) -> GradientError {
        GradientError::Refused { node: self.node.clone(), op: self.op.clone(), reason: reason.to_owned() }
    }

    pub(super) fn mixes(&self) -> GradientError {
        GradientError::Mixes { node: self.node.clone(), op: self.op.clone() }
    }

    pub(super) fn shape(&self, value: &str) -> Result<Shape, GradientError> {
        Ok(self.builder.shape(value)?.clone())
    }

    /// The sizes of a value that carries no batch.
    pub(super) fn fixed(&self, value: &str) -> Result<Vec<usize>, GradientError> {
        self.shape(value)?.to_fixed().ok_or_else(|| self.refused(&format!("`{value}` must not depend on the batch")))
    }

    /// Whether a value carries the batch.
    pub(super) fn batched(&self, value: &str) -> Result<bool, GradientError> {
        Ok(self.shape(value)?.batch_axis().is_some())
    }

    /// The integers of a constant value.
    pub(super) fn integers_of(&self, value: &str) -> Result<Vec<i64>, GradientError> {
        let known = self.builder.known(value)?.value.as_ref().and_then(|tensor| tensor.to_integers());
        known.ok_or_else(|| self.refused(&format!("`{value}` must be constant")))
    }

    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> Result<String, GradientError> {
        self.with(op, inputs, Vec::new())
    }

    pub(super) fn with(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<(&str, Attribute)>,
    ) -> Result<String, GradientError> {
        Ok(self.builder.node(op, &self.stem, inputs, attributes)?)
    }

    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        self.builder.integers(values)
    }

    pub(super) fn number(&mut self, value: f64) -> String {
        self.builder.scalar(value as f32)
    }

    pub(super) fn constant(&mut self, dims: &[usize], values: Vec<f32>) -> Result<String, GradientError> {
        let made = self.builder.floats(&self.stem, dims, values);
        made.ok_or_else(|| self.refused("a constant does not fit its dimensions"))
    }

    pub(super) fn mul(&mut self, a: &str, b: &str) -> Result<String, GradientError> {
        self.op("Mul", &[a, b])
    }

    /// `value · factor`.
    pub(super) fn scaled(&mut self, value: &str, factor: f64) -> Result<String, GradientError> {
        if factor == 1.0 {
            return Ok(value.to_owned());
        }
        let factor = self.number(factor);
        self.mul(value, &factor)
    }

    /// The sum of all values; nothing if there are none.
    pub(super) fn sum_of(&mut self, values: &[String]) -> Result<Option<String>, GradientError> {
        let Some((first, rest)) = values.split_first() else { return Ok(None) };
        let mut sum = first.clone();
        for value in rest {
            sum = self.op("Add", &[&sum, value])?;
        }
        Ok(Some(sum))
    }

    /// Other dimensions; the batch may stand anywhere among them, once.
    pub(super) fn reshape(&mut self, value: &str, dims: &[Dim]) -> Result<String, GradientError> {
        let shape = Shape(dims.to_vec());
        if self.shape(value)? == shape {
            return Ok(value.to_owned());
        }
        let target = self.integers(&shape.to_reshape());
        self.op("Reshape", &[value, &target])
    }

    pub(super) fn reshape_fixed(&mut self, value: &str, dims: &[usize]) -> Result<String, GradientError> {
        self.reshape(value, &Shape::fixed(dims).0)
    }

    /// Another order of axes. Where only axes of one element change places, no number moves.
    pub(super) fn transpose(&mut self, value: &str, order: &[usize]) -> Result<String, GradientError> {
        if order.iter().enumerate().all(|(place, axis)| place == *axis) {
            return Ok(value.to_owned());
        }
        let dims = self.shape(value)?.0;
        let moved: Vec<usize> = order.iter().copied().filter(|axis| dims.get(*axis) != Some(&Dim::Fixed(1))).collect();
        if moved.is_sorted() && order.len() == dims.len() {
            let dims: Vec<Dim> = order.iter().filter_map(|axis| dims.get(*axis).copied()).collect();
            return self.reshape(value, &dims);
        }
        let order = order.iter().map(|axis| *axis as i64).collect();
        self.with("Transpose", &[value], vec![("perm", Attribute::Ints(order))])
    }

    /// The last two axes exchanged.
    pub(super) fn swapped(&mut self, value: &str) -> Result<String, GradientError> {
        let rank = self.shape(value)?.rank();
        let Some(last) = rank.checked_sub(2) else { return Err(self.refused("a matrix is needed")) };
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(last, last + 1);
        self.transpose(value, &order)
    }

    /// Sums over axes, which stay with one element.
    pub(super) fn sum(&mut self, value: &str, axes: &[usize]) -> Result<String, GradientError> {
        self.reduce("ReduceSum", value, axes, 1)
    }

    /// Sums over axes, which go away.
    pub(super) fn total(&mut self, value: &str, axes: &[usize]) -> Result<String, GradientError> {
        self.reduce("ReduceSum", value, axes, 0)
    }

    /// Any reduction over axes of which only as many elements stay as `keepdims` says.
    pub(super) fn reduce(
        &mut self,
        op: &str,
        value: &str,
        axes: &[usize],
        keepdims: i64,
    ) -> Result<String, GradientError> {
        if axes.is_empty() {
            return Ok(value.to_owned());
        }
        let axes: Vec<i64> = axes.iter().map(|axis| *axis as i64).collect();
        let axes = self.integers(&axes);
        self.with(op, &[value, &axes], vec![("keepdims", Attribute::Int(keepdims))])
    }

    /// Repeats a value along its axes of one element until it has these dimensions.
    pub(super) fn expand(&mut self, value: &str, dims: &[Dim]) -> Result<String, GradientError> {
        if self.shape(value)?.0 == dims {
            return Ok(value.to_owned());
        }
        // The batch is never what is missing: a 1 leaves it as it is.
        let dims: Vec<i64> = dims.iter().map(|dim| if let Dim::Fixed(size) = dim { *size as i64 } else { 1 }).collect();
        let dims = self.integers(&dims);
        self.op("Expand", &[value, &dims])
    }

    /// A value that carries the batch as `[batch, rest…]`, where `rest` are its dimensions with the batch's place
    /// holding what one record has there, and ones before them up to `rank`.
    pub(super) fn records(&mut self, value: &str, rank: usize) -> Result<String, GradientError> {
        let known = self.builder.known(value)?;
        let (dims, rounds) = (known.shape.0.clone(), known.rounds);
        let Some((at, times)) = dims.iter().enumerate().find_map(|(at, dim)| match dim {
            Dim::Batch(times) => Some((at, *times)),
            Dim::Fixed(_) => None,
        }) else {
            return Err(self.refused(&format!("`{value}` must depend on the batch")));
        };
        // The batch's dimension is `rounds · batch · each`.
        let each = times.checked_div(rounds).unwrap_or(times);
        let mut apart = dims[..at].to_vec();
        apart.extend([Dim::Fixed(rounds), Dim::Batch(1), Dim::Fixed(each)]);
        apart.extend_from_slice(&dims[at + 1..]);
        let value = self.reshape(value, &apart)?;
        let from = at + 1;
        let order: Vec<usize> = std::iter::once(from).chain((0..apart.len()).filter(|axis| *axis != from)).collect();
        let value = self.transpose(&value, &order)?;
        let mut first = vec![Dim::Batch(1)];
        first.extend(vec![Dim::Fixed(1); rank.saturating_sub(dims.len())]);
        first.extend(dims.iter().map(|dim| if let Dim::Batch(times) = dim { Dim::Fixed(*times) } else { *dim }));
        self.reshape(&value, &first)
    }

    /// From the gradient of a broadcast value to that of `input`, which was broadcast: sums over what was repeated.
    ///
    /// `gradient` has the broadcast shape; for a shared `input` it may have the batch before it instead.
    pub(super) fn onto(&mut self, gradient: &str, input: &str, lifted: Lifted) -> Result<Cotangent, GradientError> {
        let wanted = self.shape(input)?.0;
        if wanted.iter().any(|dim| matches!(dim, Dim::Batch(_))) {
            let value = self.folded(gradient, &wanted)?;
            return Ok(Cotangent::Batched(self.reshape(&value, &wanted)?));
        }
        let gradient = match lifted {
            Lifted::Yes => gradient.to_owned(),
            Lifted::No => self.records(gradient, 0)?,
        };
        let value = self.folded(&gradient, &wanted)?;
        Ok(Cotangent::Shared(vec![self.direct(&value, &wanted)?]))
    }

    /// A value `[batch, …]` as a term of a shared value of these dimensions.
    pub(super) fn direct(&mut self, value: &str, dims: &[Dim]) -> Result<Term, GradientError> {
        let len = dims.iter().map(|dim| if let Dim::Fixed(size) = dim { *size } else { 1 }).product();
        Ok(Term::Direct { value: self.reshape(value, &[Dim::Batch(1), Dim::Fixed(len)])? })
    }

    /// Sums over each axis on which `wanted`, aligned at the end, has one element or none. A leading batch stays.
    fn folded(&mut self, value: &str, wanted: &[Dim]) -> Result<String, GradientError> {
        let dims = self.shape(value)?.0;
        let Some(missing) = dims.len().checked_sub(wanted.len()) else {
            return Err(self.refused("a gradient has fewer dimensions than its value"));
        };
        let repeated = |axis: &usize| {
            let wanted = axis.checked_sub(missing).and_then(|axis| wanted.get(axis)).copied();
            let one = matches!(wanted, None | Some(Dim::Fixed(1)));
            one && !matches!(dims[*axis], Dim::Fixed(1) | Dim::Batch(_))
        };
        let axes: Vec<usize> = (0..dims.len()).filter(repeated).collect();
        self.sum(value, &axes)
    }
}

/// Whether the gradient of a shared value stands behind a batch dimension of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifted {
    /// `[batch, dims…]`.
    Yes,
    /// As the value, which carries the batch itself.
    No,
}

impl Lifted {
    /// By how many places the axes are moved.
    pub(super) fn shift(self) -> usize {
        usize::from(self == Self::Yes)
    }
}
