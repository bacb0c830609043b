use std::collections::BTreeMap;

use ndarray::{array, aview0};

use super::{ReferenceError, Value, evaluate};
use crate::graph::{Builder, Element, Graph, Shape, Signature, Tensor};

/// A graph of one operator on the input `x [batch, 2]`.
fn of(op: &str, extra: &[&[i64]]) -> Graph {
    let mut builder = Builder::new("one");
    let shape = Shape::batched(&[2]);
    builder.input(Signature { name: "x".to_owned(), element: Element::F32, shape }).unwrap();
    let extra: Vec<String> = extra.iter().map(|list| builder.integers(list)).collect();
    let inputs: Vec<&str> = std::iter::once("x").chain(extra.iter().map(String::as_str)).collect();
    builder.node(op, "y", &inputs, vec![]).unwrap();
    let mut graph = builder.finish();
    let shape = Shape::batched(&[2]);
    graph.outputs.push(Signature { name: "y".to_owned(), element: Element::F32, shape });
    graph
}

fn x() -> BTreeMap<String, Value> {
    BTreeMap::from([("x".to_owned(), Value::F64(array![[0.5, -2.0], [0.0, 7.0]].into_dyn()))])
}

#[test]
fn the_error_function_has_its_tabled_values() {
    // Abramowitz & Stegun, table 7.1.
    let made = evaluate(&of("Erf", &[]), &x()).unwrap();
    let expected = array![[0.520_499_877_8, -0.995_322_265_0], [0.0, 1.0]];
    let off = made["y"].floats().unwrap() - &expected.into_dyn();
    assert!(off.iter().all(|off| off.abs() < 1e-10), "{off}");
}

#[test]
fn a_value_nobody_gives_is_missing() {
    let refused = evaluate(&of("Neg", &[]), &BTreeMap::new());
    assert_eq!(refused, Err(ReferenceError::Missing { value: "x".to_owned() }));
}

#[test]
fn an_input_with_a_default_may_be_left_out() {
    let mut graph = of("Neg", &[]);
    graph.constants.insert("x".to_owned(), Tensor::scalar(3.0));
    let made = evaluate(&graph, &BTreeMap::new()).unwrap();
    assert_eq!(made["y"], Value::F64(aview0(&-3.0).to_owned().into_dyn()));
}

#[test]
fn operators_without_a_definition_and_misfits_are_named() {
    let refused = evaluate(&of("HardSwish", &[]), &x());
    assert_eq!(refused, Err(ReferenceError::Unsupported { node: "y".to_owned(), op: "HardSwish".to_owned() }));
    let mut graph = of("Reshape", &[&[-1, 2]]);
    graph.constants.values_mut().for_each(|shape| *shape = Tensor::integers(&[3, 3]));
    let refused = evaluate(&graph, &x());
    assert!(matches!(refused, Err(ReferenceError::Refused { .. })), "{refused:?}");
}

#[test]
fn only_what_an_output_needs_is_evaluated() {
    let mut graph = of("HardSwish", &[]);
    graph.outputs.clear();
    assert_eq!(evaluate(&graph, &x()), Ok(BTreeMap::new()));
}
