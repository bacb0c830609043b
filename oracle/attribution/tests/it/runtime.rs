//! The compiled graph through the real ONNX Runtime.

use ndarray::Array2;
use tributary_attribution::onnx;
use tributary_runtime::{Model, ModelOptions, OnnxRuntime};

use crate::setting::Setting;

#[test]
fn logits_and_sketches_are_those_of_the_network_at_every_batch_size() {
    let runtime = OnnxRuntime::load(None).unwrap();
    for hidden in [vec![], vec![8], vec![12, 8]] {
        let setting = Setting::new(hidden, 5, 2.0);
        let file = setting.attribution.onnx();
        assert_eq!(onnx::read(&file).unwrap().sketch_width, 5);
        let features = setting.test.features();
        let logits = setting.trained.network.logits(features.view()).unwrap();
        let sketches = setting.attribution.sketches(features.view()).unwrap();
        for max_batch in [1, 7, 64] {
            let options = ModelOptions { max_batch, ..ModelOptions::default() };
            let model = Model::load(&runtime, file.clone(), options).unwrap();
            let outputs = model.run_batch(features.mapv(|value| value as f32).view()).unwrap();
            for (name, expected) in [(onnx::LOGITS, &logits), (onnx::SKETCH, &sketches)] {
                close(&outputs[name], expected, name);
            }
        }
    }
}

fn close(found: &Array2<f32>, expected: &Array2<f64>, name: &str) {
    assert_eq!(found.dim(), expected.dim());
    let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    let worst = found.iter().zip(expected).fold(0f64, |worst, (f, e)| worst.max((f64::from(*f) - e).abs()));
    assert!(worst <= 1e-5 * largest, "{name} is off by {worst}, largest {largest}");
}
