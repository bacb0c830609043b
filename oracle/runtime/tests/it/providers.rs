//! Providers that are asked for compute, or are missed by name.

use ndarray::Array2;
use tributary_runtime::{
    ExecutionProvider, Model, ModelOptions, ProviderChoice, Providers, RuntimeError, Session, SessionOptions,
};

use crate::{onnx::linear, runtime};

/// What differs between two providers' sums, relative to the numbers summed.
const TOLERANCE: f32 = 1e-5;

fn opened(provider: ExecutionProvider) -> Result<Session, RuntimeError> {
    Session::open(&runtime(), &linear(), &SessionOptions { provider, ..SessionOptions::default() })
}

#[test]
fn the_processor_is_the_default() {
    assert_eq!(opened(ExecutionProvider::default()).unwrap().provider(), ExecutionProvider::Cpu);
}

#[test]
fn a_provider_computes_what_the_processor_does_or_says_what_to_install() {
    let records = Array2::from_shape_fn((5, 3), |(i, j)| (i * 3 + j) as f32);
    let answer = |session: &mut Session| session.run(&[("x", (&records).into())], &["logits", "sketch"]).unwrap();
    let expected = answer(&mut opened(ExecutionProvider::Cpu).unwrap());
    let providers = [(ExecutionProvider::Cuda { device: 0 }, "onnxruntime-gpu"), (ExecutionProvider::WebGpu, "Vulkan")];
    for (provider, remedy) in providers {
        match opened(provider) {
            Ok(mut session) => {
                assert_eq!(session.provider(), provider);
                for (found, expected) in answer(&mut session).iter().zip(&expected) {
                    assert_eq!(found.shape(), expected.shape());
                    let close = |(f, e): (&f32, &f32)| (f - e).abs() <= TOLERANCE * e.abs().max(1.0);
                    assert!(found.iter().zip(expected).all(close), "{provider}: {found} instead of {expected}");
                }
            }
            Err(error) => {
                assert!(matches!(&error, RuntimeError::ProviderMissing { provider: p, .. } if *p == provider));
                assert!(error.to_string().contains(remedy), "{error}");
            }
        }
    }
}

#[test]
fn a_device_that_nobody_has_is_missed_by_name() {
    let provider = ExecutionProvider::Cuda { device: 4_000 };
    let error = opened(provider).unwrap_err();
    assert!(error.to_string().contains("`cuda:4000`"), "{error}");
    let options = ModelOptions { provider: provider.into(), ..ModelOptions::default() };
    let error = Model::load(&runtime(), linear(), options).unwrap_err();
    assert!(matches!(&error, RuntimeError::ProviderMissing { provider: p, .. } if *p == provider), "{error}");
}

#[test]
fn auto_runs_on_the_first_provider_that_opens_the_model_and_says_what_was_asked() {
    let model = |provider| Model::load(&runtime(), linear(), ModelOptions { provider, ..ModelOptions::default() });
    let works = |provider: &ExecutionProvider| model(ProviderChoice::Named(*provider)).is_ok();
    let order = [ExecutionProvider::Cuda { device: 0 }, ExecutionProvider::WebGpu, ExecutionProvider::Cpu];
    let running = order.into_iter().find(works).unwrap();

    let auto = model(ProviderChoice::Auto).unwrap();
    assert_eq!(auto.provider(), Providers { asked: ProviderChoice::Auto, running });
    let named = model(ExecutionProvider::Cpu.into()).unwrap();
    assert_eq!(named.provider().asked.to_string(), "cpu");
    assert_eq!(named.provider().running, ExecutionProvider::Cpu);
}

#[test]
fn auto_blames_a_damaged_file_for_itself() {
    let options = ModelOptions { provider: ProviderChoice::Auto, ..ModelOptions::default() };
    let error = Model::load(&runtime(), linear()[..linear().len() / 2].to_vec(), options).unwrap_err();
    assert!(matches!(error, RuntimeError::CorruptModel { .. }), "{error}");
}

#[test]
fn a_damaged_file_is_not_blamed_on_the_provider() {
    for provider in [ExecutionProvider::Cpu, ExecutionProvider::WebGpu] {
        let file = &linear()[..linear().len() / 2];
        let options = SessionOptions { provider, ..SessionOptions::default() };
        let error = Session::open(&runtime(), file, &options).unwrap_err();
        // A library without the provider says so before it reads the file.
        let missing = matches!(&error, RuntimeError::ProviderMissing { provider: ExecutionProvider::WebGpu, .. });
        assert!(missing || matches!(error, RuntimeError::CorruptModel { .. }), "{provider}: {error}");
    }
}
