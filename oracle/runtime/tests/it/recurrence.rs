//! Sessions that go on from their own results.

use ndarray::{Array1, ArrayD, array};
use tributary_runtime::{Recurrence, RuntimeError, SessionOptions, StatePart};

use crate::{onnx::adding_up, runtime};

fn open(sum: &Array1<f32>, seen: &Array1<f32>) -> Result<Recurrence, RuntimeError> {
    let part = |input, output, start: &Array1<f32>| (input, output, start.clone().into_dyn());
    let parts: [(&str, &str, ArrayD<f32>); 2] = [part("sum", "new sum", sum), part("seen", "new seen", seen)];
    let parts = parts.each_ref().map(|(input, output, start)| StatePart { input, output, start: start.view() });
    Recurrence::open(&runtime(), &adding_up(), &SessionOptions::default(), &parts)
}

fn add(recurrence: &mut Recurrence, x: [f32; 2]) -> Vec<ArrayD<f32>> {
    recurrence.step(&[("x", Array1::from(x.to_vec()).into())], &["double", "both"]).unwrap()
}

#[test]
fn each_step_reads_what_the_one_before_made() {
    let mut recurrence = open(&array![1.0, 10.0], &array![-1.0, -1.0]).unwrap();
    let pair = |a: f32, b: f32| array![a, b].into_dyn();
    assert_eq!(recurrence.state().unwrap(), [pair(1.0, 10.0), pair(-1.0, -1.0)], "before any step");
    // Both sets of memory are written and read again.
    assert_eq!(add(&mut recurrence, [1.0, 1.0]), [pair(4.0, 22.0), pair(0.0, 0.0)]);
    assert_eq!(recurrence.state().unwrap(), [pair(2.0, 11.0), pair(1.0, 10.0)]);
    assert_eq!(add(&mut recurrence, [2.0, 2.0]), [pair(8.0, 26.0), pair(3.0, 12.0)]);
    assert_eq!(recurrence.state().unwrap(), [pair(4.0, 13.0), pair(2.0, 11.0)]);
    for _ in 0..100 {
        add(&mut recurrence, [1.0, 0.5]);
    }
    assert_eq!(recurrence.state().unwrap(), [pair(104.0, 63.0), pair(103.0, 62.5)]);
}

#[test]
fn a_step_that_is_refused_leaves_the_state_as_it_was() {
    let mut recurrence = open(&array![1.0, 2.0], &array![0.0, 0.0]).unwrap();
    add(&mut recurrence, [1.0, 1.0]);
    let before = recurrence.state().unwrap();
    let x = || array![1f32, 1.0];
    let unknown = recurrence.step(&[("y", x().into())], &["double"]).unwrap_err();
    assert!(matches!(unknown, RuntimeError::UnknownInput { .. }), "{unknown}");
    let wide = recurrence.step(&[("x", array![1f32, 2.0, 3.0].into())], &["double"]).unwrap_err();
    assert!(matches!(wide, RuntimeError::WrongShape { .. }), "{wide}");
    let none = recurrence.step(&[("x", x().into())], &["triple"]).unwrap_err();
    assert!(matches!(none, RuntimeError::UnknownOutput { .. }), "{none}");
    let missing = recurrence.step(&[], &["double"]).unwrap_err();
    assert!(matches!(missing, RuntimeError::Inference { .. }), "{missing}");
    assert_eq!(recurrence.state().unwrap(), before);
    add(&mut recurrence, [1.0, 1.0]);
    assert_eq!(recurrence.state().unwrap()[0], array![3f32, 4.0].into_dyn());
}

#[test]
fn a_state_that_the_model_has_not_is_refused() {
    let long = open(&array![1.0, 2.0, 3.0], &array![0.0, 0.0]).unwrap_err();
    assert!(matches!(long, RuntimeError::WrongShape { .. }), "{long}");
    let start = array![0f32, 0.0].into_dyn();
    let part = StatePart { input: "sum", output: "nothing", start: start.view() };
    let none = Recurrence::open(&runtime(), &adding_up(), &SessionOptions::default(), &[part]).unwrap_err();
    assert!(matches!(none, RuntimeError::UnknownOutput { .. }), "{none}");
}
