//! `attribute` and `explain`: models that were trained elsewhere. Neither needs a chain.

use std::{num::NonZeroUsize, path::PathBuf, thread, time::Instant};

use clap::{Args, ValueEnum};
use eyre::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tributary_attribution::{attribute::LEAST_RECORDS, gradient::Layers, targets::Target};
use tributary_factory::foreign::{
    self, Answer, Attributed, AuditChoices, Choices, Damping, Explainer, Owed, Sources, Step, folder, manifest::Audited,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::print;

/// From here on, gradients are worth a second look.
const DOUBTFUL: f64 = 1e-4;
/// A gradient this large is not a minimum's.
const FAR: f64 = 1e-3;
/// Contributors that the summary names.
const NAMED: usize = 5;

#[derive(Debug, Args)]
pub(super) struct Attribute {
    /// The model: an ONNX file with a dynamic batch.
    #[arg(long)]
    model: PathBuf,
    /// Another checkpoint of its training, or the same training from another start; may be given several times. Scores
    /// are means over all of them, which says more of models that were not trained to a minimum.
    #[arg(long)]
    checkpoint: Vec<PathBuf>,
    /// The records it was trained on: CSV without headings, one record a line, the model's inputs flattened and then
    /// the label.
    #[arg(long)]
    data: PathBuf,
    /// Whose they are: one account a line.
    #[arg(long)]
    owners: PathBuf,
    /// Records nobody trained on, for gate and baseline shares: CSV as the others.
    #[arg(long)]
    held_out: PathBuf,
    /// Who supplied the held-out records, so that nobody gains by their own: one account or - a line.
    #[arg(long)]
    suppliers: Option<PathBuf>,
    /// What is attributed of the model's first output.
    #[arg(long, value_enum, default_value_t = TargetName::Margin)]
    target: TargetName,
    /// Whose gradients count: all, last, or names of weights or layers, separated by commas.
    #[arg(long, default_value = "all", value_parser = layers)]
    layers: Layers,
    /// Numbers in a sketch; as many as there are contributors up to 256, 256 above, if not given. Pay-outs lose
    /// nothing by that; explaining by single records is sharper with 100 or more.
    #[arg(long)]
    rank: Option<usize>,
    /// Damping λ of the curvature. Without it twice the weight decay, and without that a tenth of the curvature's mean
    /// eigenvalue.
    #[arg(long)]
    damping: Option<f64>,
    /// The weight decay wd of training, with wd/2 · ‖θ‖² in the objective.
    #[arg(long)]
    weight_decay: Option<f64>,
    /// What the training objective's mean divides by; the number of records if not given.
    #[arg(long)]
    denominator: Option<usize>,
    /// Seed of whatever is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads ONNX Runtime may use.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Records on which gradients and outputs are checked against the model's.
    #[arg(long, default_value_t = 3)]
    checked: usize,
    /// Random half-coalitions of the contributors that the model is retrained on, from its own weights, to measure how
    /// well its attribution says what leaving people out does. 50 or more give a narrow interval.
    #[arg(long, requires = "weight_decay")]
    audit: Option<usize>,
    /// Layers that training moved, which an audit retrains: all, last, or names.
    #[arg(long, default_value = "all", value_parser = layers, requires = "audit")]
    trained: Layers,
    /// Weight decays at which the model is also retrained on everything and audited, separated by commas.
    #[arg(long, value_delimiter = ',', requires = "audit")]
    frontier: Vec<f64>,
    /// Folder for the result.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Folder that `attribute` made.
    #[arg(long)]
    release: PathBuf,
    /// The record: the model's inputs flattened, separated by commas.
    #[arg(long, allow_hyphen_values = true)]
    record: String,
    /// How many records and contributors to name at each end.
    #[arg(long, default_value_t = 10)]
    count: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TargetName {
    /// The margin of the served class: classifiers with logits.
    Margin,
    /// The number itself.
    Regression,
    /// The margins of independent labels.
    MultiLabel,
    /// The log-likelihood of the tokens.
    Sequence,
}

impl From<TargetName> for Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::Margin => Self::Margin,
            TargetName::Regression => Self::Regression,
            TargetName::MultiLabel => Self::MultiLabel,
            TargetName::Sequence => Self::Sequence,
        }
    }
}

fn layers(text: &str) -> Result<Layers, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.as_slice() {
        [all] if all == "all" => Ok(Layers::All),
        [last] if last == "last" => Ok(Layers::Last),
        names if names.iter().any(String::is_empty) => Err("a name is empty".to_owned()),
        _ => Ok(Layers::Named(names)),
    }
}

pub(super) fn attribute(runtime: &OnnxRuntime, args: Attribute) -> Result<()> {
    let sources = Sources {
        model: args.model,
        checkpoints: args.checkpoint,
        records: args.data,
        owners: args.owners,
        held_out: args.held_out,
        suppliers: args.suppliers,
    };
    let damping = match (args.damping, args.weight_decay) {
        (Some(damping), _) => Damping::Given(damping),
        (None, Some(decay)) => Damping::WeightDecay(decay),
        (None, None) => Damping::OfCurvature,
    };
    let choices = Choices {
        target: args.target.into(),
        layers: args.layers,
        rank: args.rank,
        damping,
        denominator: args.denominator,
        seed: args.seed,
        threads: args.threads,
        checked: args.checked,
        audit: args.audit.map(|coalitions| AuditChoices {
            coalitions,
            weight_decay: args.weight_decay.unwrap_or_default(),
            trained: args.trained,
            frontier: args.frontier,
            threads: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        }),
    };
    let style = ProgressStyle::with_template("  [{bar:40}] {pos}/{len} {msg}");
    let bar = ProgressBar::new(Step::ALL.len() as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let start = Instant::now();
    let attributed = foreign::attribute(runtime, &sources, &choices, |step| {
        if let Step::Auditing { done, of } = step {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        } else {
            bar.set_position(Step::ALL.iter().position(|other| *other == step).unwrap_or_default() as u64);
        }
        bar.set_message(step.words());
    });
    bar.finish_and_clear();
    let attributed = attributed?;
    folder::write(&args.out, &attributed)?;
    summary(&attributed);
    println!("{:.1} s; written to {}", start.elapsed().as_secs_f64(), args.out.display());
    Ok(())
}

fn summary(attributed: &Attributed) {
    let foreign::AttributionManifest { settings, result, .. } = &attributed.files.manifest;
    let (basis, attribution) = (attributed.attribution.basis(), &attributed.attribution);
    println!(
        "{} records of {} contributors, {} held out; target {} of `{}`",
        result.records, result.contributors, result.held_out_records, settings.target, settings.output
    );
    println!(
        "{} features of {} weight tensors, {} curvature, λ = {}",
        result.features,
        settings.parameters.len(),
        result.curvature,
        settings.damping
    );
    println!(
        "rank {} ({} basis): {:.1}% of the spectrum, {:.1}% of the contributors' rows",
        result.rank,
        result.basis,
        100.0 * basis.spectral_mass,
        100.0 * basis.owner_mass
    );
    println!("{} bytes a record in the index", result.bytes_per_record);
    let small = attribution.table().rows().iter().filter(|row| (row.records as usize) < LEAST_RECORDS).count();
    if small > 0 {
        println!("{small} contributors of fewer than {LEAST_RECORDS} records share one row, each by records");
    }
    println!("{} of {} contributors pass the gate; the most influential:", result.passing, result.contributors);
    let mut rows: Vec<_> = attribution.table().rows().iter().zip(attribution.gate()).collect();
    rows.sort_by(|(_, a), (_, b)| b.mean.total_cmp(&a.mean));
    for (row, gate) in rows.iter().take(NAMED) {
        println!("  {} {:+.3e} a held-out record (z {:.1})", print::short(row.account), gate.mean, gate.z);
    }
    match &result.check {
        None => println!("gradients were not checked"),
        Some(found) => {
            println!(
                "checked on {} random records: gradients within {} of central differences along {} directions, outputs within {} of the model's",
                found.records, found.gradient, found.directions, found.output
            );
            if found.gradient.parse::<f64>().is_ok_and(|gradient| gradient > DOUBTFUL) {
                println!(
                    "  these gradients are DOUBTFUL: attribute smooth layers only, or raise --checked to see whether a kink was met"
                );
            }
        }
    }
    if let Some(found) = &result.audit {
        let short = |number: &String| number.parse().map_or(f64::NAN, |number: f64| number);
        let lds = |found: &Audited| {
            let [low, high] = &found.interval;
            format!("{:.3} [{:.3}, {:.3}]", short(&found.contributor_lds), short(low), short(high))
        };
        println!(
            "audited on {} retrained half-coalitions and {} held-out records: contributor LDS {}",
            found.coalitions,
            found.queries,
            lds(found)
        );
        if short(&found.gradient_norm) > FAR {
            println!(
                "  the model is not at the minimum of the objective with weight decay {} (gradient {:.1e}): attribution takes it for one",
                found.weight_decay,
                short(&found.gradient_norm)
            );
        }
        for point in &result.frontier {
            let quality = match &point.accuracy {
                Some(accuracy) => format!("accuracy {:.3}", short(accuracy)),
                None => format!("held-out loss {:.4}", short(&point.held_out_loss)),
            };
            println!("  weight decay {}: {quality}, contributor LDS {}", point.audit.weight_decay, lds(&point.audit));
        }
    }
}

pub(super) fn explain(runtime: &OnnxRuntime, args: &Explain) -> Result<()> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut explainer = Explainer::open(runtime, &args.release, &SessionOptions::default())?;
    let Answer { output, helpful, harmful, helpful_contributors, harmful_contributors } =
        explainer.explain(&args.record, args.count, threads)?;
    let numbers: Vec<String> = output.iter().map(|number| format!("{number:.4}")).collect();
    println!("the model answers {}", numbers.join(" "));
    let list = |title: &str, what: &str, owed: &[Owed]| {
        println!("{title}{}", if owed.is_empty() { ": none" } else { "" });
        for Owed { place, account, influence } in owed {
            println!("  {what} {place} of {} {influence:+.3e}", print::short(*account));
        }
    };
    list("most helpful contributors", "row", &helpful_contributors);
    list("most harmful contributors", "row", &harmful_contributors);
    if explainer.files().manifest.result.basis == "owner" {
        println!("(the basis tells contributors apart, records only roughly: `attribute --rank` for more)");
    }
    list("most helpful records", "line", &helpful);
    list("most harmful records", "line", &harmful);
    Ok(())
}
