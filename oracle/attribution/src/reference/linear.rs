use std::collections::BTreeMap;

use ndarray::{Array2, ArrayD, Axis, Ix2, IxDyn};

use super::{
    Value,
    call::{Call, Made},
    value::{broadcast_dims, expand, reshape, zip},
};

pub(super) fn matmul(call: &Call<'_>) -> Made {
    let (mut a, mut b) = (call.floats(0)?.clone(), call.floats(1)?.clone());
    let (row, column) = (a.ndim() == 1, b.ndim() == 1);
    if row {
        a = a.insert_axis(Axis(0));
    }
    if column {
        b = b.insert_axis(Axis(1));
    }
    if a.ndim() < 2 || b.ndim() < 2 {
        return Err("a number is no matrix".to_owned());
    }
    let mut made = product(&a, &b)?;
    if row {
        let last = made.ndim() - 2;
        made = made.index_axis_move(Axis(last), 0);
    }
    if column {
        let last = made.ndim() - 1;
        made = made.index_axis_move(Axis(last), 0);
    }
    Ok(vec![Value::F64(made)])
}

/// Stacks of matrices, broadcast against each other.
fn product(a: &ArrayD<f64>, b: &ArrayD<f64>) -> Result<ArrayD<f64>, String> {
    let (stack_a, matrix_a) = a.shape().split_at(a.ndim() - 2);
    let (stack_b, matrix_b) = b.shape().split_at(b.ndim() - 2);
    let (rows, inner, columns) = (matrix_a[0], matrix_a[1], matrix_b[1]);
    if inner != matrix_b[0] {
        return Err(format!("{:?} and {:?} cannot be multiplied", a.shape(), b.shape()));
    }
    let stack = broadcast_dims(stack_a, stack_b)?;
    let count: usize = stack.iter().product();
    let a = expand(a, &[&stack[..], matrix_a].concat())?;
    let b = expand(b, &[&stack[..], matrix_b].concat())?;
    let (a, b) = (reshape(&a, &[count, rows, inner])?, reshape(&b, &[count, inner, columns])?);
    let mut made = Vec::with_capacity(count * rows * columns);
    for (a, b) in a.outer_iter().zip(b.outer_iter()) {
        let a = a.into_dimensionality::<Ix2>().map_err(|error| error.to_string())?;
        let b = b.into_dimensionality::<Ix2>().map_err(|error| error.to_string())?;
        let c: Array2<f64> = a.dot(&b);
        made.extend(c.iter().copied());
    }
    ArrayD::from_shape_vec(IxDyn(&[&stack[..], &[rows, columns]].concat()), made).map_err(|error| error.to_string())
}

pub(super) fn gemm(call: &Call<'_>) -> Made {
    let operand = |place: usize, transposed: &str| {
        let array = call.floats(place)?;
        match array.ndim() {
            2 if call.node.int(transposed, 0) != 0 => Ok(array.t().to_owned()),
            2 => Ok(array.clone()),
            _ => Err(format!("input {place} is no matrix")),
        }
    };
    let mut made = product(&operand(0, "transA")?, &operand(1, "transB")?)?;
    made *= f64::from(call.node.float("alpha", 1.0));
    if call.optional(2).is_some() {
        let beta = f64::from(call.node.float("beta", 1.0));
        made = zip(&made, call.floats(2)?, |x, c| x + beta * c)?;
    }
    Ok(vec![Value::F64(made)])
}

/// Sums the products of all operands over the labels that are not in the result, one combination at a time.
pub(super) fn einsum(call: &Call<'_>) -> Made {
    let equation: String = call.node.word("equation").unwrap_or_default().split_whitespace().collect();
    let Some((operands, result)) = equation.split_once("->") else {
        return Err("the equation names no result".to_owned());
    };
    let operands: Vec<Vec<char>> = operands.split(',').map(|labels| labels.chars().collect()).collect();
    let result: Vec<char> = result.chars().collect();
    let mut sizes = BTreeMap::new();
    for (place, labels) in operands.iter().enumerate() {
        let dims = call.floats(place)?.shape();
        if dims.len() != labels.len() {
            return Err(format!("operand {place} has {} dimensions", dims.len()));
        }
        for (label, size) in labels.iter().zip(dims) {
            if *sizes.entry(*label).or_insert(*size) != *size {
                return Err(format!("`{label}` has two sizes"));
            }
        }
    }
    if let Some(label) = result.iter().find(|label| !sizes.contains_key(label)) {
        return Err(format!("`{label}` is in no operand"));
    }
    let labels: Vec<char> = sizes.keys().copied().collect();
    let dims: Vec<usize> = sizes.values().copied().collect();
    let at = |wanted: &[char], index: &IxDyn| -> Vec<usize> {
        let place = |label: &char| labels.iter().position(|other| other == label).unwrap_or_default();
        wanted.iter().map(|label| index[place(label)]).collect()
    };
    let result_dims: Vec<usize> = result.iter().map(|label| sizes[label]).collect();
    let mut made = ArrayD::zeros(IxDyn(&result_dims));
    for index in ndarray::indices(IxDyn(&dims)) {
        let mut term = 1.0;
        for (place, labels) in operands.iter().enumerate() {
            term *= call.floats(place)?[IxDyn(&at(labels, &index))];
        }
        made[IxDyn(&at(&result, &index))] += term;
    }
    Ok(vec![Value::F64(made)])
}
