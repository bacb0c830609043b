//! Does attribution say what retraining shows?
//!
//! For each of ten fixed partition seeds the digits are divided among twelve simulated contributors. The model is trained
//! and attributed on all of them; then it is really retrained without each contributor in turn. Compared are, over the
//! test images: the attributed totals along the integer path that settlement takes, what settlement pays for them, and
//! the mean change of the served class's margin that retraining shows.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use eyre::{Context, ContextCompat, Result, ensure};
use tributary_attribution::{
    AttributionSettings, DenseClassifier, LabelledRecords, OwnedRecords, attribute,
    statistics::spearman,
    target::{margins, served_classes},
};
use tributary_factory::{
    Dataset, Schema, SplitSizes, Trained, TrainingRecipe, dataset::partition, evaluate, train::fit,
};
use tributary_sdk::{Address, U256, sketch::Sketch, table::ContributorTable};
use tributary_settlement::{Policy, SubPool, SubPoolId, Usage};

const CONTRIBUTORS: usize = 12;
const LEAST_MEAN: f64 = 0.85;
/// Base units divided where payouts are compared.
const POOL: u128 = 1_000_000_000_000;

/// How to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    data: PathBuf,
    /// Partition seeds 0, 1, … up to this many.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    partitions: u64,
    /// Widths of the hidden layers, separated by commas; `none` for softmax regression.
    #[arg(long, default_value = "none")]
    hidden: String,
    /// Weight decay of the objective.
    #[arg(long, default_value_t = TrainingRecipe::default().weight_decay)]
    weight_decay: f64,
    /// Damping λ as a multiple of the weight decay.
    #[arg(long, default_value_t = 2.0)]
    damping: f64,
    /// Seed of the split into training, held-out and test records.
    #[arg(long, default_value_t = 0)]
    split_seed: u64,
    /// Where retraining starts: again at the recipe's seed (a network with hidden layers may then find another minimum,
    /// whose distance is no contributor's doing), or at the whole model's parameters.
    #[arg(long, value_enum, default_value_t = Start::Cold)]
    start: Start,
    /// Retrainings at a time; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
}

/// Where retraining starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Start {
    Warm,
    Cold,
}

struct Setting {
    recipe: TrainingRecipe,
    widths: Vec<usize>,
    training: LabelledRecords,
    held_out: LabelledRecords,
    test: LabelledRecords,
    whole: Trained,
    served: Vec<usize>,
}

/// What one partition showed.
struct Line {
    least: usize,
    most: usize,
    attributed: f64,
    paid: f64,
    counted: f64,
    steps: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    let setting = Setting::new(arguments)?;
    let accuracy = evaluate(&setting.whole.network, &setting.test)?.accuracy();
    println!(
        "network {:?}, {} steps, gradient {:.1e}, test accuracy {accuracy:.4}, trained in {:.1} s",
        setting.widths,
        setting.whole.iterations,
        setting.whole.gradient_norm,
        began.elapsed().as_secs_f64(),
    );
    println!(
        "{:>9}  {:>11}  {:>10}  {:>6}  {:>13}  {:>15}",
        "partition", "records", "attributed", "paid", "record counts", "steps a retrain"
    );
    let mut lines = Vec::new();
    for seed in 0..arguments.partitions {
        let line = setting.measure(seed, arguments)?;
        println!(
            "{seed:>9}  {:>4} to {:>3}  {:>10.3}  {:>6.3}  {:>13.3}  {:>15.0}",
            line.least, line.most, line.attributed, line.paid, line.counted, line.steps
        );
        lines.push(line);
    }
    let mean = |value: fn(&Line) -> f64| lines.iter().map(value).sum::<f64>() / lines.len().max(1) as f64;
    let (attributed, counted) = (mean(|line| line.attributed), mean(|line| line.counted));
    println!("{:>9}  {:>11}  {attributed:>10.3}  {:>6.3}  {counted:>13.3}", "mean", "", mean(|line| line.paid));
    println!(
        "Spearman correlation with the mean change in margin on {} test images, {:?} start, {:.0} s",
        setting.test.len(),
        arguments.start,
        began.elapsed().as_secs_f64()
    );
    ensure!(attributed >= LEAST_MEAN, "the mean correlation is {attributed:.3}, below {LEAST_MEAN}");
    ensure!(attributed > counted, "attribution ({attributed:.3}) does not beat record counts ({counted:.3})");
    Ok(())
}

impl Setting {
    fn new(arguments: &Arguments) -> Result<Self> {
        let schema = Schema::DIGITS;
        let split = Dataset::read_csv(&arguments.data, schema)?.split(SplitSizes::DIGITS, arguments.split_seed)?;
        let hidden = match arguments.hidden.as_str() {
            "none" => Vec::new(),
            list => list.split(',').map(str::parse).collect::<Result<_, _>>().wrap_err("--hidden takes widths")?,
        };
        let recipe = TrainingRecipe { hidden, weight_decay: arguments.weight_decay, ..TrainingRecipe::default() };
        let widths = recipe.widths(schema.width, usize::from(schema.classes));
        let training = schema.labelled(&split.training)?;
        let test = schema.labelled(&split.test)?;
        let whole = fit(&training, training.len(), &widths, schema.scaling(), &recipe, None, |_| ())?;
        let served = served_classes(&whole.network.logits(test.features().view())?);
        Ok(Self { recipe, widths, training, held_out: schema.labelled(&split.held_out)?, test, whole, served })
    }

    fn measure(&self, seed: u64, arguments: &Arguments) -> Result<Line> {
        let labels: Vec<u8> = self.training.labels().iter().map(|label| *label as u8).collect();
        let owners = partition::owners(&labels, CONTRIBUTORS, seed)?;
        let accounts: Vec<Address> = owners.iter().map(|owner| Address::with_last_byte(*owner as u8 + 1)).collect();
        let settings = AttributionSettings {
            damping: arguments.damping * self.recipe.weight_decay,
            denominator: self.training.len(),
            gate_seed: self.recipe.seed,
        };
        let owned = OwnedRecords::new(self.training.clone(), &accounts)?;
        let attribution = attribute(&self.whole.network, &owned, &self.held_out, settings)?;
        let attributed = attribution.integer_totals(self.test.features().view())?.to_vec();

        let sketches = attribution.integer_sketches(self.test.features().view())?;
        let paid = payouts(attribution.table(), &sketches)?;

        let (truth, steps) = self.retrain_without_each(&owners, arguments)?;
        let mut counts = vec![0.0; CONTRIBUTORS];
        owners.iter().for_each(|owner| counts[*owner] += 1.0);
        let correlation = |estimate: &[f64]| spearman(estimate, &truth).wrap_err("nothing varies: no correlation");
        Ok(Line {
            least: counts.iter().copied().fold(f64::INFINITY, f64::min) as usize,
            most: counts.iter().copied().fold(0.0, f64::max) as usize,
            attributed: correlation(&attributed)?,
            paid: correlation(&paid)?,
            counted: correlation(&counts)?,
            steps,
        })
    }

    /// Mean change of the served margins that each contributor made, and the mean number of steps to find it.
    fn retrain_without_each(&self, owners: &[usize], arguments: &Arguments) -> Result<(Vec<f64>, f64)> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, f64, usize)>> {
            let mut done = Vec::new();
            loop {
                let left_out = next.fetch_add(1, Ordering::Relaxed);
                if left_out >= CONTRIBUTORS {
                    return Ok(done);
                }
                let (change, steps) = self.retrain_without(owners, left_out, arguments.start)?;
                done.push((left_out, change, steps));
            }
        };
        let threads = arguments.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
        let results = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join()).collect::<Vec<_>>()
        });
        let (mut truth, mut steps) = (vec![0.0; CONTRIBUTORS], 0);
        for result in results {
            for (left_out, change, taken) in result.map_err(|_| eyre::eyre!("a retraining thread panicked"))?? {
                truth[left_out] = change;
                steps += taken;
            }
        }
        Ok((truth, steps as f64 / CONTRIBUTORS as f64))
    }

    fn retrain_without(&self, owners: &[usize], left_out: usize, start: Start) -> Result<(f64, usize)> {
        let kept: Vec<usize> = (0..owners.len()).filter(|record| owners[*record] != left_out).collect();
        let start = (start == Start::Warm).then_some(&self.whole.network);
        let records = self.training.select(&kept);
        let scaling = Schema::DIGITS.scaling();
        let retrained = fit(&records, self.training.len(), &self.widths, scaling, &self.recipe, start, |_| ())?;
        let change = self.margins(&self.whole.network)? - self.margins(&retrained.network)?;
        Ok((change, retrained.iterations))
    }

    /// Mean margin of the classes that the whole model serves.
    fn margins(&self, network: &DenseClassifier) -> Result<f64> {
        let logits = network.logits(self.test.features().view())?;
        margins(&logits, &self.served).mean().wrap_err("there are no test images")
    }
}

/// What each contributor is paid, in the table's order, if every test image is one call under one license.
fn payouts(table: &ContributorTable, sketches: &[(Sketch, f64)]) -> Result<Vec<f64>> {
    let receipts = sketches.iter().map(|(sketch, _)| Usage { units: 1, sketch }).collect();
    let pool = SubPool { id: SubPoolId::License(U256::from(1)), amount: POOL, receipts };
    let paid: BTreeMap<Address, u128> = Policy::EpochSigned1.settle(table, &[pool])?.payouts.into_iter().collect();
    Ok(table.rows().iter().map(|row| paid.get(&row.account).map_or(0.0, |amount| *amount as f64)).collect())
}
