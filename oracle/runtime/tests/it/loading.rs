//! Files that load and files that must not.

use std::path::Path;

use tributary_runtime::{BatchStats, LIBRARY_VARIABLE, Model, ModelOptions, OnnxRuntime, RuntimeError};

use crate::{
    load,
    onnx::{linear, model, node, tensor, value},
    runtime,
};

#[test]
fn a_model_states_its_input_and_outputs() {
    let model = load(linear(), 8, 8).unwrap();
    assert_eq!((model.input().name(), model.input().shape(), model.input().width()), ("x", &[3][..], 3));
    let outputs: Vec<_> = model.outputs().iter().map(|output| (output.name(), output.width())).collect();
    assert_eq!(outputs, [("logits", 2), ("sketch", 4)]);
    assert_eq!(model.output("sketch").unwrap().shape(), [4]);
    assert!(model.output("nothing").is_none());
}

#[test]
fn an_empty_file_is_refused() {
    assert!(matches!(load(Vec::new(), 1, 1), Err(RuntimeError::CorruptModel { .. })));
}

#[test]
fn every_truncation_is_a_typed_error() {
    let whole = linear();
    for length in 1..whole.len() {
        match load(whole[..length].to_vec(), 1, 1) {
            Err(RuntimeError::CorruptModel { reason } | RuntimeError::RejectedModel { reason }) => {
                assert!(!reason.is_empty());
            }
            // A cut between two top-level fields leaves a valid file that lacks its graph or its opset.
            Err(RuntimeError::UnservableModel { .. }) => {}
            other => panic!("{length} of {} bytes: {other:?}", whole.len()),
        }
    }
}

#[test]
fn a_file_cut_inside_its_weights_is_called_corrupt() {
    let mut file = linear();
    file.truncate(file.len() / 2);
    let error = load(file, 1, 1).unwrap_err();
    assert!(matches!(error, RuntimeError::CorruptModel { .. }), "{error}");
}

#[test]
fn noise_is_refused() {
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(matches!(load(noise, 1, 1), Err(RuntimeError::CorruptModel { .. })));
}

#[test]
fn an_unknown_operator_is_refused_by_name() {
    let file = model(
        &[node("Attribute", &["x"], "y")],
        &[],
        &[value("x", 1, &[None, Some(2)])],
        &[value("y", 1, &[None, Some(2)])],
    );
    let error = load(file, 1, 1).unwrap_err();
    assert!(matches!(&error, RuntimeError::RejectedModel { reason } if reason.contains("Attribute")), "{error}");
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let file = model(
        &[node("MatMul", &["x", "w"], "y")],
        &[tensor("w", &[5, 2], &[0.0; 10])],
        &[value("x", 1, &[None, Some(3)])],
        &[value("y", 1, &[None, Some(2)])],
    );
    assert!(matches!(load(file, 1, 1), Err(RuntimeError::RejectedModel { .. } | RuntimeError::Inference { .. })));
}

#[test]
fn a_fixed_batch_is_refused() {
    let file = model(
        &[node("Relu", &["x"], "y")],
        &[],
        &[value("x", 1, &[Some(1), Some(2)])],
        &[value("y", 1, &[Some(1), Some(2)])],
    );
    let error = load(file, 4, 4).unwrap_err();
    assert!(matches!(&error, RuntimeError::UnservableModel { reason } if reason.contains("dynamic batch")), "{error}");
}

#[test]
fn two_inputs_integers_and_dynamic_records_are_refused() {
    let files = [
        model(
            &[node("Add", &["a", "b"], "y")],
            &[],
            &[value("a", 1, &[None, Some(2)]), value("b", 1, &[None, Some(2)])],
            &[value("y", 1, &[None, Some(2)])],
        ),
        model(&[node("Abs", &["x"], "y")], &[], &[value("x", 7, &[None, Some(2)])], &[value("y", 7, &[None, Some(2)])]),
        model(&[node("Relu", &["x"], "y")], &[], &[value("x", 1, &[None, None])], &[value("y", 1, &[None, None])]),
    ];
    for file in files {
        let error = load(file, 4, 4).unwrap_err();
        assert!(matches!(error, RuntimeError::UnservableModel { .. }), "{error}");
    }
}

#[test]
fn an_output_without_one_row_a_record_is_refused() {
    let file = model(
        &[node("ReduceSum", &["x"], "y")],
        &[],
        &[value("x", 1, &[None, Some(2)])],
        &[value("y", 1, &[Some(1), Some(1)])],
    );
    assert!(matches!(load(file, 4, 4), Err(RuntimeError::UnservableModel { .. })));
}

#[test]
fn options_of_zero_are_refused() {
    for (max_batch, queue, option) in [(0, 1, "max_batch"), (1, 0, "queue")] {
        assert_eq!(load(linear(), max_batch, queue).unwrap_err(), RuntimeError::ZeroOption { option });
    }
    for (options, option) in [
        (ModelOptions { threads: 0, ..ModelOptions::default() }, "threads"),
        (ModelOptions { sessions: 0, ..ModelOptions::default() }, "sessions"),
    ] {
        let error = Model::load(&runtime(), linear(), options).unwrap_err();
        assert_eq!(error, RuntimeError::ZeroOption { option });
    }
}

#[test]
fn a_batch_that_no_machine_holds_is_refused() {
    let error = load(linear(), usize::MAX, 1).unwrap_err();
    assert!(matches!(&error, RuntimeError::UnservableModel { reason } if reason.contains("`max_batch`")), "{error}");
}

#[test]
fn a_model_that_has_only_been_warmed_up_has_counted_nothing() {
    let model = load(linear(), 8, 8).unwrap();
    assert_eq!(model.stats(), BatchStats::default());
    assert_eq!(model.passes_by_session(), [0]);
    assert_eq!((model.batch_sizes().snapshot().count, model.pass_seconds().snapshot().count), (0, 0));
}

#[test]
fn the_library_is_loaded_once_and_another_is_refused() {
    let first = runtime();
    assert_eq!(OnnxRuntime::load(Some(first.path())).unwrap().path(), first.path());
    assert!(!first.build_info().is_empty());

    let missing = Path::new("no/such/libonnxruntime.so.1");
    assert!(matches!(OnnxRuntime::load(Some(missing)), Err(RuntimeError::LibraryNotFound { .. })));
    let another = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(OnnxRuntime::load(Some(another.path())), Err(RuntimeError::OtherLibraryLoaded { .. })));
}

/// Tells the child process of [`a_damaged_library_is_refused`] that it is one: a process loads one library only.
const CHILD: &str = "TRIBUTARY_RUNTIME_TEST_CHILD";

#[test]
fn child() {
    if std::env::var_os(CHILD).is_some() {
        let error = OnnxRuntime::load(None).unwrap_err();
        assert!(matches!(error, RuntimeError::LibraryUnusable { .. }), "{error}");
    }
}

#[test]
fn a_damaged_library_is_refused() {
    let damaged = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(damaged.path(), "no library").unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["loading::child", "--exact"])
        .env(CHILD, "1")
        .env(LIBRARY_VARIABLE, damaged.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
