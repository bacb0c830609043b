//! Einstein's summation.

use std::collections::BTreeMap;

use super::call::{Call, Made, Trouble, mismatch, refused};
use crate::graph::{Dim, Shape};

pub(super) fn einsum(call: &Call<'_>) -> Made {
    let Some(equation) = call.node.word("equation") else {
        return refused("it has no `equation`: export the model again");
    };
    let equation: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    if equation.contains('.') {
        return Err(Trouble::Unknown);
    }
    let inputs: Vec<_> = call.inputs().collect();
    let element = call.same_elements(&inputs)?;
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != inputs.len() {
        return refused("its equation is of another number of inputs: export the model again");
    }
    let mut sizes: BTreeMap<char, (Dim, usize)> = BTreeMap::new();
    for (term, input) in terms.iter().zip(&inputs) {
        if term.chars().count() != input.shape.rank() {
            return refused(format!("`{term}` does not fit {}: export the model again", input.shape));
        }
        for (letter, dim) in term.chars().zip(&input.shape.0) {
            let (known, count) = sizes.entry(letter).or_insert((*dim, 0));
            *count += 1;
            match (*known, *dim) {
                (one, other) if one == other => {}
                (Dim::Fixed(1), other) => *known = other,
                (_, Dim::Fixed(1)) => {}
                (one, other) => return refused(mismatch(one, other)),
            }
        }
    }
    // Without an arrow the result has the letters that occur once, in order.
    let result: Vec<char> = match right {
        Some(right) => right.chars().collect(),
        None => sizes.iter().filter(|(_, (_, count))| *count == 1).map(|(letter, _)| *letter).collect(),
    };
    let dims = result.iter().map(|letter| sizes.get(letter).map(|(dim, _)| *dim)).collect::<Option<Vec<_>>>();
    match dims {
        Some(dims) => Ok(vec![call.make(element, Shape(dims))?]),
        None => refused("its equation makes a dimension out of nothing: export the model again"),
    }
}
