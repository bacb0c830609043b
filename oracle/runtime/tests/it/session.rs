//! Sessions run in the caller's thread: named inputs, defaults, refusals.

use ndarray::{Array1, Array2, ArrayD, array};
use tributary_runtime::{RuntimeError, Session, SessionOptions, Tensor};

use crate::{
    onnx::{linear, lookup, shifted_each, weighted},
    runtime,
};

fn open(onnx: &[u8]) -> Session {
    Session::open(&runtime(), onnx, &SessionOptions::default()).unwrap()
}

fn refused(inputs: &[(&str, Tensor<'_>)], outputs: &[&str]) -> RuntimeError {
    open(&weighted()).run(inputs, outputs).unwrap_err()
}

#[test]
fn outputs_come_in_the_order_asked_for() {
    let mut session = open(&weighted());
    assert_eq!(session.inputs().collect::<Vec<_>>(), ["b", "w", "x"]);
    assert_eq!(session.outputs().collect::<Vec<_>>(), ["y", "z", "whole"]);
    let (x, w) = (array![[1f32, 2.0], [3.0, 4.0], [5.0, 6.0]], array![[10f32], [1.0]]);
    let given = [("w", Tensor::from(&w)), ("x", x.view().into())];
    let expected = |values: [f32; 3]| array![[values[0]], [values[1]], [values[2]]].into_dyn();
    let outputs = session.run(&given, &["z", "y", "z"]).unwrap();
    let (y, z) = (expected([12.0, 34.0, 56.0]), expected([22.0, 44.0, 66.0]));
    assert_eq!(outputs, [z.clone(), y.clone(), z]);
    assert_eq!(session.run(&given, &["y"]).unwrap(), [y]);
}

#[test]
fn an_input_with_a_default_may_be_given_and_left_out() {
    let mut session = open(&weighted());
    let given = [("x", Tensor::from(array![[1f32, 1.0]])), ("w", array![[1f32], [1.0]].into())];
    assert_eq!(session.run(&given, &["z"]).unwrap()[0][[0, 0]], 12.0);
    let [x, w] = given;
    let outputs = session.run(&[x, w, ("b", array![0.5f32].into())], &["z"]).unwrap();
    assert_eq!(outputs[0][[0, 0]], 2.5);
}

#[test]
fn a_default_for_all_records_gives_way_to_one_for_each() {
    let mut session = open(&shifted_each());
    let x = Array2::<f32>::zeros((3, 2));
    assert_eq!(session.run(&[("x", (&x).into())], &["y"]).unwrap(), [ArrayD::ones(vec![3, 2])]);
    let shift = array![[1f32], [2.0], [3.0]];
    let outputs = session.run(&[("x", (&x).into()), ("shift", shift.into())], &["y"]).unwrap();
    assert_eq!(outputs, [array![[1f32, 1.0], [2.0, 2.0], [3.0, 3.0]].into_dyn()]);
}

#[test]
fn arrays_that_lie_otherwise_are_read_as_they_are_meant() {
    let mut session = open(&weighted());
    let x = array![[1f32, 3.0], [2.0, 4.0]];
    let outputs = session.run(&[("x", x.t().into()), ("w", array![[10f32], [1.0]].into())], &["y"]).unwrap();
    assert_eq!(outputs[0], array![[12f32], [34.0]].into_dyn());
}

#[test]
fn integers_are_taken_where_the_model_takes_them() {
    let mut session = open(&lookup());
    let outputs = session.run(&[("label", array![2i64, 0].into())], &["y"]).unwrap();
    assert_eq!(outputs, [array![7f32, 5.0].into_dyn()]);
    let wrong = session.run(&[("label", array![2f32].into())], &["y"]).unwrap_err();
    assert!(matches!(wrong, RuntimeError::WrongType { got: "f32", .. }), "{wrong}");
    let outside = session.run(&[("label", array![7i64].into())], &["y"]).unwrap_err();
    assert!(matches!(outside, RuntimeError::Inference { .. }), "{outside}");
}

#[test]
fn names_types_and_shapes_that_do_not_fit_are_refused() {
    let (x, w) = (|| Tensor::from(Array2::<f32>::ones((3, 2))), || Tensor::from(Array2::<f32>::ones((2, 1))));

    let unknown = refused(&[("x", x()), ("w", w()), ("v", w())], &["y"]);
    assert_eq!(unknown.to_string(), "the model has no input `v`; it has: b, w, x");
    let unknown = refused(&[("x", x()), ("w", w())], &["logits"]);
    assert_eq!(unknown.to_string(), "the model has no output `logits`; it has: y, z, whole");

    assert_eq!(refused(&[("x", x())], &["y"]), RuntimeError::MissingInput { input: "w".into() });
    let twice = refused(&[("x", x()), ("w", w()), ("x", x())], &["y"]);
    assert_eq!(twice, RuntimeError::GivenTwice { input: "x".into() });

    let shapes = [vec![], vec![2], vec![3, 3], vec![0, 2], vec![1, 3, 2]];
    for dims in shapes {
        let wrong = Tensor::from(ArrayD::<f32>::zeros(dims.clone()));
        let expected = RuntimeError::WrongShape { input: "x".into(), expected: "[any, 2]".into(), got: dims };
        assert_eq!(refused(&[("x", wrong), ("w", w())], &["y"]), expected);
    }
    let integers = Tensor::from(Array1::<i64>::zeros(1));
    let wrong = refused(&[("x", x()), ("w", w()), ("b", integers)], &["y"]);
    assert!(matches!(&wrong, RuntimeError::WrongType { input, got: "i64", .. } if input == "b"), "{wrong}");

    let integers = refused(&[("x", x()), ("w", w())], &["whole"]);
    assert!(matches!(&integers, RuntimeError::OutputType { output, .. } if output == "whole"), "{integers}");
}

#[test]
fn a_session_is_opened_as_carefully_as_a_model() {
    let open = |onnx: &[u8], threads| {
        Session::open(&runtime(), onnx, &SessionOptions { threads, ..SessionOptions::default() }).unwrap_err()
    };
    assert_eq!(open(&linear(), 0), RuntimeError::ZeroOption { option: "threads" });
    assert!(matches!(open(&[], 1), RuntimeError::CorruptModel { .. }));
    let whole = linear();
    assert!(matches!(open(&whole[..whole.len() / 2], 1), RuntimeError::CorruptModel { .. }));
}

#[test]
fn a_session_answers_as_a_model_does() {
    let records = Array2::from_shape_fn((5, 3), |(i, j)| (i * 3 + j) as f32);
    let served = crate::load(linear(), 8, 8).unwrap().run_batch(records.view()).unwrap();
    let outputs = open(&linear()).run(&[("x", (&records).into())], &["logits", "sketch"]).unwrap();
    assert_eq!(outputs[0], served["logits"].clone().into_dyn());
    assert_eq!(outputs[1], served["sketch"].clone().into_dyn());
}
