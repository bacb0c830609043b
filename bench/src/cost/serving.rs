//! Attributed ÷ plain: one session each, both on one thread, passes in turn.

use std::time::Instant;

use eyre::{Result, WrapErr};
use serde_json::json;
use tributary_attribution::{
    AttributionSettings, CurvatureKind, Directions, HeldOut, OwnedRecords, attribute, curvature::classes::Expectation,
    gradient::Layers, graph::Graph, onnx, targets::Target,
};
use tributary_factory::{
    Dataset, Schema, SplitSizes,
    dataset::partition,
    model::{Activation, Architecture, Convolutional, FEATURES, LOGITS, MultilayerPerceptron},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};
use tributary_sdk::Address;

use super::Arguments;

const CONTRIBUTORS: usize = 40;
const ROUNDS: usize = 30;
/// Numbers in a sketch where the basis is not the owners'.
const RANK: usize = 256;

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let schema = Schema::DIGITS;
    let split = Dataset::read_csv(&arguments.data, schema)?.split(SplitSizes::DIGITS, 0)?;
    let labels: Vec<u8> = split.training.iter().map(|record| record.label).collect();
    let owners = partition::owners(&labels, CONTRIBUTORS, 0)?;
    let accounts: Vec<Address> = owners.iter().map(|owner| Address::with_last_byte(*owner as u8 + 1)).collect();
    let training = OwnedRecords::new(schema.labelled(&split.training)?, &accounts)?;
    let held_out = HeldOut::apart(schema.labelled(&split.held_out)?);
    let queries = schema.labelled(&split.test)?;
    let runtime = OnnxRuntime::load(None)?;

    let perceptron = Architecture::Perceptron(MultilayerPerceptron { hidden: vec![32], activation: Activation::Gelu });
    let convolutional = Architecture::Convolutional(Convolutional::default());
    println!(
        "{:<28} {:>4} {:>10} {:>12} {:>12} {:>12}",
        "attributed ÷ plain", "k", "build", "batch 1", "batch 32", "batch 256"
    );
    let mut rows = Vec::new();
    for (name, architecture) in [("MLP 64-32-10", perceptron), ("CNN 8-16", convolutional)] {
        // Untrained: what a pass costs does not depend on the weights.
        let model = architecture.model(schema.width, usize::from(schema.classes), schema.scaling(), 1)?;
        for (which, layers, directions) in [
            ("all layers", Layers::All, Directions::Eigen { rank: RANK }),
            ("all layers, owner basis", Layers::All, Directions::Owner),
            ("last layer", Layers::Last, Directions::Owner),
        ] {
            let settings = AttributionSettings {
                target: Target::Margin,
                layers,
                damping: 0.006,
                denominator: training.records().len(),
                expectation: Expectation::Exact,
                curvature: CurvatureKind::BySize,
                directions,
                gate_seed: 1,
                threads: 1,
            };
            let began = Instant::now();
            let attribution = attribute(&runtime, &model.graph, &training, &held_out, &settings, |_| ())?;
            let rate = training.records().len() as f64 / began.elapsed().as_secs_f64();
            let ratios = [1, 32, 256].map(|batch| ratio(&runtime, &model.graph, attribution.graph(), &queries, batch));
            let ratios = ratios.into_iter().collect::<Result<Vec<_>>>()?;
            let width = attribution.basis().width();
            let cells: Vec<String> =
                ratios.iter().map(|(plain, attributed)| format!("{:.1}×", attributed / plain)).collect();
            let label = format!("{name}, {which}");
            println!("{label:<36} {width:>4} {rate:>6.0} rec/s {:>8} {:>12} {:>12}", cells[0], cells[1], cells[2]);
            let seconds: Vec<_> = (ratios.iter().zip([1, 32, 256]))
                .map(|((plain, attributed), batch)| json!({"batch": batch, "plain": plain, "attributed": attributed, "ratio": attributed / plain}))
                .collect();
            rows.push(json!({"model": name, "layers": which, "k": width, "recordsPerSecond": rate, "passes": seconds}));
        }
    }
    let text = serde_json::to_string_pretty(&json!({"command": "cargo xtask bench cost", "rows": rows}))?;
    std::fs::write(&arguments.results, text + "\n")
        .wrap_err_with(|| format!("cannot write {}", arguments.results.display()))?;
    println!("seconds a pass are in {}\n", arguments.results.display());
    Ok(())
}

/// Best seconds of a plain and of an attributed pass.
fn ratio(
    runtime: &OnnxRuntime,
    plain: &Graph,
    attributed: &Graph,
    queries: &tributary_attribution::Records,
    batch: usize,
) -> Result<(f64, f64)> {
    let mut sessions = Vec::new();
    for (graph, outputs) in [(plain, &[LOGITS][..]), (attributed, &[LOGITS, "sketch"][..])] {
        sessions.push((Session::open(runtime, &onnx::encode(graph), &SessionOptions::default())?, outputs, f64::MAX));
    }
    let (inputs, _) = queries.part(0, batch, 1);
    debug_assert!(inputs.iter().all(|(name, _)| *name == FEATURES));
    // Enough passes in a round that the clock's steps do not show.
    let passes = (2_048 / batch).max(8);
    for _ in 0..ROUNDS {
        for (session, outputs, best) in &mut sessions {
            let began = Instant::now();
            for _ in 0..passes {
                session.run(&inputs, outputs)?;
            }
            *best = best.min(began.elapsed().as_secs_f64() / passes as f64);
        }
    }
    Ok((sessions[0].2, sessions[1].2))
}
