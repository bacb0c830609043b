//! Attributed ÷ plain: one session each, both on one thread, passes in turn.

use std::time::Instant;

use eyre::{Result, WrapErr, bail};
use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use tributary_attribution::{
    AttributionSettings, Column, CurvatureKind, Directions, HeldOut, OwnedRecords, Records, attribute,
    curvature::classes::Expectation, gradient::Layers, graph::Graph, onnx, targets::Target,
};
use tributary_dataset::{Schema, Split, SplitSizes, partition, read};
use tributary_factory::{
    model::{Activation, Architecture, Convolutional, FEATURES, LOGITS, MultilayerPerceptron},
    records::{labelled, scaling},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};
use tributary_sdk::Address;

use super::Arguments;

const CONTRIBUTORS: usize = 40;
const ROUNDS: usize = 30;
/// Numbers in a sketch where the basis is not the owners'.
const RANK: usize = 256;

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let schema = Schema::digits();
    let split = Split::new(read::all(&arguments.data, &schema)?, SplitSizes::DIGITS, 0)?;
    let labels: Vec<usize> = split.training.iter().filter_map(|record| schema.class(record)).collect();
    let owners = partition::owners(&labels, CONTRIBUTORS, 0)?;
    let accounts: Vec<Address> = owners.iter().map(|owner| Address::with_last_byte(*owner as u8 + 1)).collect();
    let parts = [&split.training, &split.held_out, &split.test];
    let small = parts.into_iter().map(|records| Ok(labelled(&schema, records)?)).collect::<Result<Vec<_>>>()?;
    let large = small.iter().map(enlarged).collect::<Result<Vec<_>>>()?;
    let runtime = OnnxRuntime::load(None)?;

    let perceptron = Architecture::Perceptron(MultilayerPerceptron { hidden: vec![32], activation: Activation::Gelu });
    let convolutional = |channels| Architecture::Convolutional(Convolutional { channels, ..Convolutional::default() });
    let models = [
        ("MLP 64-32-10", perceptron, &small),
        ("CNN 8-16, 8×8", convolutional([8, 16]), &small),
        ("CNN 16-32, 32×32", convolutional([16, 32]), &large),
    ];
    println!(
        "{:<28} {:>4} {:>10} {:>12} {:>12} {:>12}",
        "attributed ÷ plain", "k", "build", "batch 1", "batch 32", "batch 256"
    );
    let mut rows = Vec::new();
    for (name, architecture, records) in models {
        let [training, held_out, queries] = records.as_slice() else { bail!("{name}: records are in three parts") };
        // Untrained: what a pass costs does not depend on the weights.
        let width = training.inputs().first().map_or(0, |(_, column)| pixels(column));
        let model = architecture.model(width, 10, scaling(&schema), 1)?;
        let training = OwnedRecords::new(training.clone(), &accounts)?;
        let held_out = HeldOut::apart(held_out.clone());
        for (which, layers, directions) in [
            ("all layers", Layers::All, Directions::Eigen { rank: RANK }),
            ("all layers, owner basis", Layers::All, Directions::Owner),
            ("last layer", Layers::Last, Directions::Owner),
        ] {
            let settings = AttributionSettings {
                target: Target::Margin,
                layers,
                damping: Some(0.006),
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
            let ratios = [1, 32, 256].map(|batch| ratio(&runtime, &model.graph, attribution.graph(), queries, batch));
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

/// How many times as high and wide the digits are made for the larger images.
const TIMES: usize = 4;

/// Every pixel [`TIMES`] as high and wide.
fn enlarged(records: &Records) -> Result<Records> {
    let enlarge = |(name, column): &(String, Column)| {
        let Column::F32(images) = column else { bail!("images are real numbers") };
        let (count, side) = (images.shape()[0], pixels(column).isqrt());
        let wide = side * TIMES;
        let pixel = |place: IxDyn| images[[place[0], place[1] / wide / TIMES * side + place[1] % wide / TIMES]];
        Ok((name.clone(), Column::F32(ArrayD::from_shape_fn(IxDyn(&[count, wide * wide]), pixel))))
    };
    let inputs = records.inputs().iter().map(enlarge).collect::<Result<Vec<_>>>()?;
    Ok(Records::new(inputs, records.labels().clone())?)
}

fn pixels(column: &Column) -> usize {
    match column {
        Column::F32(images) => images.shape().iter().skip(1).product(),
        Column::I64(tokens) => tokens.shape().iter().skip(1).product(),
    }
}

/// Best seconds of a plain and of an attributed pass.
fn ratio(
    runtime: &OnnxRuntime,
    plain: &Graph,
    attributed: &Graph,
    queries: &Records,
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
