//! The table, and the same as JSON.

use eyre::{ContextCompat, Result, ensure};
use serde_json::{Value, json};

use super::{Apart, Measured, Said, Trainings};

/// Gradients further apart than this are of different models.
const GRADIENT: f64 = 1e-4;

/// One way of training over all rounds.
struct Row<'m> {
    how: &'m str,
    /// Steps a second, a round.
    rates: Vec<f64>,
    /// Steps a second of work of a core, a round.
    core_rates: Vec<f64>,
    opening: f64,
    accuracies: &'m [f64],
    loaded: u64,
    peak: u64,
}

/// Prints the table. PyTorch is the faster of its ways.
///
/// # Errors
/// Where gradients differ: then the models do.
pub(super) fn tell(measured: &[Measured]) -> Result<Value> {
    let rounds = measured.first().map_or(0, |it| it.ours.len());
    println!("one thread each, {rounds} rounds in turn; medians, accuracy over the seeds: mean ± standard deviation;");
    println!(
        "ratio by the clock and by what cores have worked; most memory with nothing but libraries, and in the end"
    );
    println!(
        "{:<20} {:<22} {:>8} {:>6} {:>8} {:>8} {:>15} {:>12}",
        "model", "trained by", "steps/s", "ratio", "by core", "opening", "accuracy", "memory"
    );
    let mut models = Vec::new();
    for it in measured {
        let ours = rows(&it.ours).into_iter().next().wrap_err("nothing was trained")?;
        let theirs = rows(&it.theirs);
        let fastest = theirs.iter().max_by(|a, b| median(&a.rates).total_cmp(&median(&b.rates)));
        let fastest = fastest.wrap_err("PyTorch trained nothing")?;
        let ratio = median(&ours.rates) / median(&fastest.rates);
        let core_ratio = median(&ours.core_rates) / median(&fastest.core_rates);
        let of = |value: f64| format!("{value:.2}");
        show(&it.subject.name, "Tributary", &ours, &of(ratio), &of(core_ratio));
        for row in &theirs {
            show("", &format!("PyTorch, {}", row.how), row, "", "");
        }
        let apart = worst(&it.theirs).wrap_err("PyTorch has compared no gradient")?;
        println!(
            "{:<20} gradients apart by {:.1e} of their length, {:.1e} of the largest number",
            "", apart.length, apart.largest
        );
        ensure!(apart.length < GRADIENT, "the gradients of {} differ", it.subject.name);
        models.push(json!({
            "model": it.subject.name,
            "architecture": it.subject.architecture,
            "parameters": it.parameters,
            "recipe": it.subject.recipe,
            "seeds": it.subject.seeds,
            "ratio": ratio,
            "ratioByCore": core_ratio,
            "gradient": apart,
            "tributary": described(&ours),
            "pytorch": theirs.iter().map(described).collect::<Vec<_>>(),
        }));
    }
    let version = measured.iter().flat_map(|it| &it.theirs).find_map(|said| said.version.as_deref());
    Ok(json!({ "command": "make torch", "pytorch": version, "threads": 1, "rounds": rounds, "models": models }))
}

/// The ways of training, in the order the first round names them.
fn rows<'m>(rounds: &'m [Said]) -> Vec<Row<'m>> {
    let most = |of: fn(&Said) -> Option<u64>| rounds.iter().filter_map(of).max().unwrap_or_default();
    let (loaded, peak) = (most(|said| said.loaded_bytes), most(|said| said.peak_bytes));
    let ways = rounds.first().map(|said| said.trainings.as_slice()).unwrap_or_default();
    let row = |(place, way): (usize, &'m Trainings)| {
        let each = |of: fn(&Trainings) -> Option<f64>| -> Vec<f64> {
            rounds.iter().filter_map(|said| said.trainings.get(place)).filter_map(of).collect()
        };
        Row {
            how: &way.how,
            rates: each(|it| Some(it.steps as f64 / it.seconds)),
            core_rates: each(|it| Some(it.steps as f64 / it.core_seconds?)),
            opening: median(&each(|it| Some(it.opening_seconds))),
            accuracies: &way.accuracies,
            loaded,
            peak,
        }
    };
    ways.iter().enumerate().map(row).collect()
}

fn show(model: &str, who: &str, row: &Row<'_>, ratio: &str, by_core: &str) {
    let (mean, deviation) = spread(row.accuracies);
    println!(
        "{model:<20} {who:<22} {:>8.0} {ratio:>6} {by_core:>8} {:>5.0} ms {:>15} {:>12}",
        median(&row.rates),
        row.opening * 1e3,
        format!("{mean:.4} ± {deviation:.4}"),
        format!("{} → {} MB", row.loaded / 1_000_000, row.peak / 1_000_000),
    );
}

fn described(row: &Row<'_>) -> Value {
    let (mean, deviation) = spread(row.accuracies);
    json!({
        "how": row.how,
        "stepsPerSecond": median(&row.rates),
        "stepsPerSecondByRound": row.rates,
        "stepsPerCoreSecond": median(&row.core_rates),
        "openingSeconds": row.opening,
        "accuracies": row.accuracies,
        "accuracyMean": mean,
        "accuracyDeviation": deviation,
        "loadedBytes": row.loaded,
        "peakBytes": row.peak,
    })
}

fn worst(rounds: &[Said]) -> Option<Apart> {
    rounds.iter().filter_map(|said| said.gradient).max_by(|a, b| a.length.total_cmp(&b.length))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
        (0, Some(below), Some(above)) => f64::midpoint(*below, *above),
        (_, _, Some(value)) => *value,
        _ => f64::NAN,
    }
}

/// Mean and standard deviation.
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}
