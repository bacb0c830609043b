use ndarray::{Array1, Array2};
use proptest::prelude::*;
use prost::Message;

use super::{proto::ModelProto, *};
use crate::{AttributionError, DenseClassifier, InputScaling};

fn file(widths: &[usize], k: usize) -> Vec<u8> {
    let count = DenseClassifier::count(widths).unwrap();
    let parameters: Array1<f64> = (0..count).map(|i| (i % 13) as f64 / 13.0 - 0.5).collect();
    let network =
        DenseClassifier::from_parameters(widths, InputScaling::centred(0.0, 16.0), parameters.view()).unwrap();
    compile(&network, &Array2::from_shape_fn((count, k), |(i, j)| (i + j) as f64 / count as f64))
}

fn altered(change: impl FnOnce(&mut ModelProto)) -> Result<ModelSummary, AttributionError> {
    let mut model = ModelProto::decode(file(&[4, 3, 2], 2).as_slice()).unwrap();
    change(&mut model);
    read(&model.encode_to_vec())
}

#[test]
fn what_is_compiled_reads_back() {
    let summary = read(&file(&[5, 4, 3], 2)).unwrap();
    assert_eq!(summary, ModelSummary { input_width: 5, classes: 3, sketch_width: 2, opset: 18 });
    assert_eq!(file(&[5, 4, 3], 2), file(&[5, 4, 3], 2));
    assert!(read(&file(&[5, 3], 2)).is_ok());
}

#[test]
fn every_truncation_is_corrupt() {
    let bytes = file(&[4, 3, 2], 2);
    for cut in 0..bytes.len() {
        assert!(matches!(read(&bytes[..cut]), Err(AttributionError::Corrupt(_))), "cut at {cut}");
    }
}

#[test]
fn files_of_another_kind_say_so() {
    let is_other = |result| matches!(result, Err(AttributionError::NotAttributed(_)));
    let is_corrupt = |result| matches!(result, Err(AttributionError::Corrupt(_)));
    assert!(is_other(altered(|m| m.graph.as_mut().unwrap().output.truncate(1))));
    assert!(is_other(altered(|m| m.graph.as_mut().unwrap().input[0].name = Some("image".into()))));
    assert!(is_other(altered(|m| m.graph.as_mut().unwrap().node[0].domain = Some("com.example".into()))));
    assert!(is_other(altered(|m| m.graph.as_mut().unwrap().output[1].r#type = None)));
    assert!(is_corrupt(altered(|m| m.graph.as_mut().unwrap().initializer.last_mut().unwrap().dims[0] += 1)));
    assert!(is_corrupt(altered(|m| drop(m.graph.as_mut().unwrap().node.remove(0)))));
    assert!(is_corrupt(altered(|m| m.graph = None)));
    assert!(is_corrupt(altered(|m| m.opset_import.clear())));
    assert!(is_corrupt(read(b"")));
    assert!(is_corrupt(read(b"<html>not found</html>")));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(mut at in prop::collection::vec((0usize..4_000, any::<u8>()), 1..8)) {
        let mut bytes = file(&[4, 3, 2], 2);
        for (place, byte) in at.drain(..) {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        let _ = read(&bytes);
    }
}
