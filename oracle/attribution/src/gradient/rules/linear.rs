use super::{Call, Cotangent, Emit, GradientError};
use crate::{
    gradient::{
        emit::Lifted,
        factor::Factor,
        term::{Layout, Term},
    },
    graph::{Attribute, Dim},
};

pub(super) fn matmul(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let (a, b) = (call.input(emit, 0)?.to_owned(), call.input(emit, 1)?.to_owned());
    let c = call.cotangent(emit)?.to_owned();
    // A list is a matrix of one row on the left, of one column on the right.
    let (mut a_dims, mut b_dims, mut c_dims) = (emit.shape(&a)?.0, emit.shape(&b)?.0, emit.shape(&c)?.0);
    let column = b_dims.len() == 1;
    if column {
        b_dims.push(Dim::Fixed(1));
        c_dims.push(Dim::Fixed(1));
    }
    if a_dims.len() == 1 {
        a_dims.insert(0, Dim::Fixed(1));
        c_dims.insert(c_dims.len() - 1, Dim::Fixed(1));
    }
    let (left, right) = (emit.reshape(&a, &a_dims)?, emit.reshape(&b, &b_dims)?);
    let c = emit.reshape(&c, &c_dims)?;
    let gradient = product(emit, &Operand::as_is(left), &Operand::as_is(right), &c, place, call.lifted)?;
    match gradient {
        Cotangent::Batched(value) => {
            let dims = emit.shape(if place == 0 { &a } else { &b })?.0;
            Ok(Cotangent::Batched(emit.reshape(&value, &dims)?))
        }
        shared => Ok(shared),
    }
}

pub(super) fn gemm(emit: &mut Emit<'_>, call: &Call<'_>, place: usize) -> Result<Cotangent, GradientError> {
    let c = call.cotangent(emit)?.to_owned();
    if place == 2 {
        let c = emit.scaled(&c, f64::from(call.node.float("beta", 1.0)))?;
        return call.whole(emit, &c, place);
    }
    let c = emit.scaled(&c, f64::from(call.node.float("alpha", 1.0)))?;
    let stored = |name: &str| if call.node.int(name, 0) != 0 { Stored::Transposed } else { Stored::AsIs };
    let a = Operand { value: call.input(emit, 0)?.to_owned(), stored: stored("transA") };
    let b = Operand { value: call.input(emit, 1)?.to_owned(), stored: stored("transB") };
    product(emit, &a, &b, &c, place, call.lifted)
}

/// A factor of a product, and whether the product takes it or its transpose.
struct Operand {
    value: String,
    stored: Stored,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    AsIs,
    Transposed,
}

impl Operand {
    fn as_is(value: String) -> Self {
        Self { value, stored: Stored::AsIs }
    }

    /// As the product takes it.
    fn matrix(&self, emit: &mut Emit<'_>) -> Result<String, GradientError> {
        if self.stored == Stored::AsIs { Ok(self.value.clone()) } else { emit.swapped(&self.value) }
    }

    /// The transpose of what the product takes.
    fn transposed(&self, emit: &mut Emit<'_>) -> Result<String, GradientError> {
        if self.stored == Stored::AsIs { emit.swapped(&self.value) } else { Ok(self.value.clone()) }
    }

    /// Whether records lie along this one of its last two axes, as the product takes it.
    fn batch_is(&self, emit: &Emit<'_>, axis: usize) -> Result<bool, GradientError> {
        let shape = emit.shape(&self.value)?;
        let Some(first) = shape.rank().checked_sub(2) else { return Err(emit.refused("a matrix is needed")) };
        let axis = if self.stored == Stored::AsIs { axis } else { 1 - axis };
        Ok(shape.batch_axis() == Some(first + axis))
    }
}

/// The gradient of one operand of `a · b`, stacks of matrices, from the product's cotangent `c`.
fn product(
    emit: &mut Emit<'_>,
    a: &Operand,
    b: &Operand,
    c: &str,
    place: usize,
    lifted: Lifted,
) -> Result<Cotangent, GradientError> {
    if a.batch_is(emit, 1)? || b.batch_is(emit, 0)? {
        return Err(emit.mixes());
    }
    let own = if place == 0 { a } else { b };
    if emit.batched(&own.value)? || lifted == Lifted::Yes {
        let flat = emit.shape(c)?.rank() == 2 && emit.shape(&b.value)?.rank() == 2;
        let gradient = if place == 0 && flat && b.stored == Stored::AsIs {
            emit.with("Gemm", &[c, &b.value], vec![("transB", Attribute::Int(1))])?
        } else if place == 0 {
            let b = b.transposed(emit)?;
            emit.op("MatMul", &[c, &b])?
        } else {
            let a = a.transposed(emit)?;
            emit.op("MatMul", &[&a, c])?
        };
        let gradient = if own.stored == Stored::AsIs { gradient } else { emit.swapped(&gradient)? };
        return emit.onto(&gradient, &own.value, lifted);
    }
    // The other operand carries the batch: this one is a weight.
    let rank = emit.shape(c)?.rank();
    let c = emit.records(c, rank)?;
    let (activation, error, layout) = if place == 0 {
        let b = b.matrix(emit)?;
        let b = emit.records(&b, rank)?;
        (emit.swapped(&b)?, emit.swapped(&c)?, Layout::OutIn)
    } else {
        let a = a.matrix(emit)?;
        (emit.records(&a, rank)?, c, Layout::InOut)
    };
    let layout = if own.stored == Stored::AsIs { layout } else { layout.flipped() };
    let dims = emit.fixed(&own.value)?;
    let stack = &dims[..dims.len().saturating_sub(2)];
    if let Some((activation, error)) = factors(emit, &activation, &error, stack)? {
        let (activation, error) = (Factor::rows(&activation), Factor::rows(&error));
        return Ok(Cotangent::Shared(vec![Term::Outer { activation, error, layout }]));
    }
    let (left, right) = match layout {
        Layout::InOut => (activation, error),
        Layout::OutIn => (error, activation),
    };
    let left = emit.swapped(&left)?;
    let gradient = emit.op("MatMul", &[&left, &right])?;
    emit.onto(&gradient, &own.value, Lifted::Yes)
}

/// `[batch, stack…, rows, n]` as factors of weights that are one matrix, or one matrix for each place of the stack.
fn factors(
    emit: &mut Emit<'_>,
    activation: &str,
    error: &str,
    weights: &[usize],
) -> Result<Option<(String, String)>, GradientError> {
    let mut made = Vec::with_capacity(2);
    let mut common = None;
    for factor in [activation, error] {
        let dims = emit.shape(factor)?.0;
        let sizes: Vec<usize> =
            dims.iter().skip(1).filter_map(|dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None }).collect();
        let [stack @ .., rows, width] = sizes.as_slice() else { return Ok(None) };
        if common.get_or_insert_with(|| stack.to_vec()) != stack {
            return Ok(None);
        }
        let count: usize = stack.iter().product();
        let shared = weights.iter().all(|size| *size == 1);
        let groups = if shared { 1 } else { count };
        // Each place of the stack has weights of its own, in the same order.
        let same = |from: &[usize]| from.iter().copied().filter(|size| *size != 1).collect::<Vec<_>>();
        if !shared && same(stack) != same(weights) {
            return Ok(None);
        }
        let positions = count / groups.max(1) * rows;
        let dims = [Dim::Batch(1), Dim::Fixed(groups), Dim::Fixed(positions), Dim::Fixed(*width)];
        made.push(emit.reshape(factor, &dims)?);
    }
    Ok(made.pop().zip(made.pop()).map(|(error, activation)| (activation, error)))
}
