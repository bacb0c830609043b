//! What it costs to score, to settle an epoch, and to commit to its payouts.
//!
//! Every figure stands beside its alternative in the same run: the plain loops that the policies are defined by, and for
//! scores the fastest this machine reads as many bytes. The plain settlement is also the check: on the receipts that both
//! settle, every base unit must agree.

mod plain;
mod reading;
mod world;

use std::{fs, num::NonZero, path::PathBuf, thread, time::Instant};

use eyre::{Result, ensure};
use serde_json::{Value, json};
use tributary_sdk::{
    Address,
    sketch::Sketch,
    sum_tree::{Leaf, SumTree},
    table::ContributorTable,
};
use tributary_settlement::{Policy, SubPool};

use crate::process::{core_seconds, peak_bytes};

/// Base units in the pool.
const POOL: u128 = 1_000_000_000_000;
/// Sketches in one pass where several are scored together.
const TOGETHER: usize = 16;
/// Rows of the tables whose scores are measured; the last only with `--full`.
const TABLES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const LEAVES: usize = 1_000_000;

/// How much to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Measure 10⁵ receipts of 10⁴ contributors, and scores of 10⁶ contributors, whose table has a gigabyte.
    #[arg(long)]
    full: bool,
    /// Receipts of the epoch; 10,000 if not given, 100,000 with `--full`.
    #[arg(long)]
    receipts: Option<usize>,
    /// Contributors of the epoch's table.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    contributors: u32,
    /// Values of a row and of a sketch.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    width: u16,
    /// Receipts that the plain loops settle as well.
    #[arg(long, default_value_t = 64)]
    plain: usize,
    /// All cores if not given.
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// Where the figures go.
    #[arg(long, default_value = "bench/results/settlement.json")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let cores = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let threads = arguments.threads.unwrap_or(cores);
    let mut results = json!({
        "cores": cores,
        "threads": threads,
        "width": arguments.width,
        "scores": scores(arguments, threads)?,
        "settlement": settlement(arguments, threads)?,
        "sumTree": sum_tree()?,
    });
    if let Some(peak) = peak_bytes() {
        println!("at most {:.0} MB of memory", peak as f64 / 1e6);
        results["peakBytes"] = json!(peak);
    }
    if let Some(folder) = arguments.output.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&arguments.output, format!("{results:#}\n"))?;
    println!("\nfigures in {}", arguments.output.display());
    Ok(())
}

/// Seconds of the fastest of several runs, and what the last one made.
fn fastest<T>(runs: usize, mut run: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let mut timed = || {
        let began = Instant::now();
        let made = run()?;
        Ok::<_, eyre::Report>((began.elapsed().as_secs_f64(), made))
    };
    let mut best = timed()?;
    for _ in 1..runs {
        let (seconds, made) = timed()?;
        best = (best.0.min(seconds), made);
    }
    Ok(best)
}

fn scores(arguments: &Arguments, threads: NonZero<usize>) -> Result<Vec<Value>> {
    let width = usize::from(arguments.width);
    println!("scores of one sketch, {width} values; share: of the speed at which as many bytes are read, one core");
    println!(
        "{:>12}  {:>8}  {:>9}  {:>9}  {:>6}  {:>6}  {:>12}  {:>12}  {:>9}",
        "contributors", "MB", "plain ms", "one ms", "GB/s", "share", "together ms", "GMAC/s, core", "all cores"
    );
    let tables = if arguments.full { TABLES.len() } else { TABLES.len() - 1 };
    TABLES[..tables].iter().map(|contributors| score_table(*contributors, width, threads)).collect()
}

fn score_table(contributors: usize, width: usize, threads: NonZero<usize>) -> Result<Value> {
    let table = world::table(contributors, width)?;
    let sketches = world::sketches(TOGETHER, width);
    let sketches: Vec<&Sketch> = sketches.iter().collect();
    let runs = (20_000_000 / (contributors * width)).clamp(3, 50);
    let bytes = (contributors * width * 4) as f64;

    let (plain, expected) = fastest(runs, || Ok(plain::scores(&table, sketches[0])))?;
    let (one, found) = fastest(runs, || Ok(table.scores(sketches[0])?))?;
    ensure!(found == expected, "the scores of {contributors} contributors differ from the plain loop's");
    let mut scores = Vec::new();
    let (together, ()) = fastest(3, || Ok(table.scores_into(&sketches, &mut scores)?))?;
    let (all, on_all) = fastest(runs, || Ok(table.scores_with(&sketches[..1], threads)?))?;
    ensure!(on_all == expected, "threads changed the scores of {contributors} contributors");
    let read = reading::bytes_per_second(contributors * width * 4);

    let macs = bytes / 4.0 * TOGETHER as f64 / together;
    println!(
        "{contributors:>12}  {:>8.1}  {:>9.3}  {:>9.3}  {:>6.1}  {:>6.2}  {:>12.3}  {:>12.1}  {:>9.3}",
        bytes / 1e6,
        plain * 1e3,
        one * 1e3,
        bytes / one / 1e9,
        bytes / one / read,
        together / TOGETHER as f64 * 1e3,
        macs / 1e9,
        all * 1e3,
    );
    Ok(json!({
        "contributors": contributors,
        "tableBytes": bytes,
        "plainSeconds": plain,
        "seconds": one,
        "secondsOnAllThreads": all,
        "bytesPerSecond": bytes / one,
        "readBytesPerSecond": read,
        "shareOfReading": bytes / one / read,
        "sketchesTogether": TOGETHER,
        "secondsPerSketchTogether": together / TOGETHER as f64,
        "macsPerSecondTogether": macs,
    }))
}

fn settlement(arguments: &Arguments, threads: NonZero<usize>) -> Result<Vec<Value>> {
    let receipts = arguments.receipts.unwrap_or(if arguments.full { 100_000 } else { 10_000 });
    let table = world::table(arguments.contributors as usize, usize::from(arguments.width))?;
    let sketches = world::sketches(receipts, usize::from(arguments.width));
    println!(
        "\nsettlement of {receipts} receipts, {} contributors, {} values, {threads} threads; plain: the loop's time for \
         {} receipts, times as many",
        table.rows().len(),
        table.k(),
        arguments.plain
    );
    println!(
        "{:>16}  {:>9}  {:>9}  {:>9}  {:>9}  {:>7}",
        "policy", "sub-pools", "seconds", "core s", "plain s", "faster"
    );
    let mut results = Vec::new();
    for policy in Policy::ALL {
        let plain = compare(*policy, &table, &sketches[..receipts.min(arguments.plain)], threads)?;
        let plain = plain * receipts as f64 / receipts.min(arguments.plain).max(1) as f64;
        for subpools in [1, receipts.div_ceil(100), receipts] {
            let pools = world::licenses(&sketches, subpools, POOL);
            let before = core_seconds();
            let (seconds, settlement) = fastest(1, || Ok(policy.settle_with(&table, &pools, threads)?))?;
            let cores = core_seconds().zip(before).map(|(after, before)| after - before);
            let paid: u128 = settlement.payouts.iter().map(|(_, amount)| amount).sum();
            ensure!(paid == pools.iter().map(|pool| pool.amount).sum::<u128>(), "{policy} did not pay everything");
            println!(
                "{:>16}  {subpools:>9}  {seconds:>9.2}  {:>9.2}  {plain:>9.1}  {:>6.1}×",
                policy.name(),
                cores.unwrap_or(f64::NAN),
                plain / seconds
            );
            results.push(json!({
                "policy": policy.name(),
                "receipts": receipts,
                "contributors": table.rows().len(),
                "subpools": subpools,
                "seconds": seconds,
                "coreSeconds": cores,
                "plainSeconds": plain,
                "plainReceipts": receipts.min(arguments.plain),
            }));
        }
    }
    Ok(results)
}

/// Seconds of the plain loops, whose payouts must be the policy's.
fn compare(policy: Policy, table: &ContributorTable, sketches: &[Sketch], threads: NonZero<usize>) -> Result<f64> {
    let pools: Vec<SubPool<'_>> = world::licenses(sketches, 1, POOL);
    let (seconds, expected) = fastest(1, || plain::settle(policy, table, &pools[0]))?;
    let found = policy.settle_with(table, &pools, threads)?.payouts;
    ensure!(found == expected, "{policy} pays otherwise than the plain loops");
    Ok(seconds)
}

fn sum_tree() -> Result<Value> {
    let account = |index: usize| Address::left_padding_from(&(index as u64 + 1).to_be_bytes());
    let leaves: Vec<Leaf> =
        (0..LEAVES).map(|index| Leaf { account: account(index), cumulative: index as u128 + 1 }).collect();
    let (seconds, tree) = fastest(3, || Ok(SumTree::new(leaves.clone())?))?;
    let step = 997;
    let (proofs, bytes) =
        fastest(3, || (0..LEAVES as u64).step_by(step).try_fold(0, |sum, index| Ok(sum + tree.proof(index)?.len())))?;
    let each = proofs / LEAVES.div_ceil(step) as f64;
    println!("\nsum tree of {LEAVES} leaves: {seconds:.2} s on one core, {:.2} µs a proof", each * 1e6);
    Ok(
        json!({ "leaves": LEAVES, "seconds": seconds, "secondsPerProof": each, "proofBytes": bytes / LEAVES.div_ceil(step) }),
    )
}
