//! What a dataset of many small records costs: reading, preparing, sealing, opening, screening, a snapshot, proofs.
//!
//! The alternative in the same run is the same work on a tenth of the records: what grows faster than its input shows in the
//! ratio of the two times, which is 10 where nothing does. Records are made by chance from a seed: tables of seven columns, and
//! images of 64 values.

use std::{fs, io::Write as _, path::PathBuf, time::Instant};

use eyre::{Result, ensure};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use tributary_dataset::{
    BlobContext, Contribution, DatasetKey, Schema, Snapshot, Store,
    contribution::{Bundle, Part, bundle::BundleWriter},
    read,
    screening::{Said, ScreeningRules},
    snapshot::{Ordered, Taking, Withdrawals},
};
use tributary_sdk::{Address, AssetId, B256, keccak256};

use crate::process::peak_bytes;

const CONTRIBUTIONS: usize = 20;
const PROOFS: usize = 1_000;
const SEED: u64 = 1;

/// How much to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Records; a tenth of them is measured first.
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// What they are.
    #[arg(long, value_enum, default_value_t = Kind::Table)]
    kind: Kind,
    /// Where the figures go.
    #[arg(long, default_value = "bench/results/dataset.json")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Seven columns.
    Table,
    /// 64 values.
    Image,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let small = runtime.block_on(measure(arguments.kind, arguments.records / 10))?;
    let large = runtime.block_on(measure(arguments.kind, arguments.records))?;
    println!(
        "{} records, one thread; seconds, records a second, and growth from a tenth of them (10 is linear)",
        arguments.records
    );
    let mut rows = Vec::new();
    for ((name, less), (_, seconds)) in small.iter().zip(&large) {
        let (rate, growth) = (arguments.records as f64 / seconds, seconds / less);
        println!("  {name:<34} {seconds:>8.2} s {rate:>12.0}/s {growth:>7.1}");
        rows.push(json!({ "step": name, "seconds": seconds, "recordsPerSecond": rate, "growthFromATenth": growth }));
    }
    let peak = peak_bytes();
    println!("peak memory {} MB", peak.unwrap_or_default() >> 20);
    let kind = format!("{:?}", arguments.kind).to_lowercase();
    let mut results: Value = fs::read(&arguments.output)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| json!({}));
    results[kind] = json!({ "records": arguments.records, "steps": rows, "peakBytes": peak });
    fs::write(&arguments.output, serde_json::to_string_pretty(&results)? + "\n")?;
    Ok(())
}

/// Every step and its seconds.
async fn measure(kind: Kind, records: usize) -> Result<Vec<(&'static str, f64)>> {
    let folder = tempfile::tempdir()?;
    let schema = schema(kind)?;
    let mut steps = Vec::new();
    let files = files(kind, records, folder.path())?;

    let mut bundles = Vec::new();
    let began = Instant::now();
    for (place, file) in files.iter().enumerate() {
        let seed = keccak256([place as u8]);
        let mut writer =
            BundleWriter::new(&folder.path().join(format!("bundle-{place}")), AssetId(1), B256::ZERO, seed)?;
        read::read(file, &schema, &mut |_, record| writer.push(record))?;
        bundles.push(writer.finish()?);
    }
    steps.push(("read CSV, check, commit, prepare", began.elapsed().as_secs_f64()));

    let store = Store::folder(&folder.path().join("records"), DatasetKey::create(&folder.path().join("key"))?)?;
    let began = Instant::now();
    let kept = take(&schema, &store, &bundles).await?;
    steps.push(("take parts: check, commit, seal", began.elapsed().as_secs_f64()));

    let began = Instant::now();
    let contributions = open(&schema, &store, &kept).await?;
    steps.push(("unseal, check against the consent", began.elapsed().as_secs_f64()));

    let rules = ScreeningRules { radius: Some(4.0), ..ScreeningRules::default() };
    let taking = Taking {
        schema: &schema,
        rules: &rules,
        held_out: &[],
        withdrawals: &Withdrawals::default(),
        said: &Said::default(),
        rulings: &[],
        least: 10,
    };
    let began = Instant::now();
    let screened = Snapshot::take(&contributions, &taking)?;
    steps.push(("screen, every step", began.elapsed().as_secs_f64()));
    ensure!(screened.offered == records, "{} of {records} records were offered", screened.offered);

    let began = Instant::now();
    let tree = screened.snapshot.tree()?;
    steps.push(("snapshot: tree over the records", began.elapsed().as_secs_f64()));

    let commitments = tree.commitments();
    let began = Instant::now();
    for place in 0..PROOFS {
        let commitment = commitments[place * (commitments.len() / PROOFS)];
        let proof = tree.prove(commitment)?;
        ensure!(proof.verify(tree.root(), tree.records(), commitment)?, "a record in the snapshot is proven to be out");
    }
    // As if every record were proven, so that the growth is that of the others.
    let each = began.elapsed().as_secs_f64() / PROOFS as f64;
    steps.push(("prove and verify every record", each * records as f64));
    Ok(steps)
}

fn schema(kind: Kind) -> Result<Schema> {
    let columns = "columns = [{ name = \"a\", kind = \"number\" }, { name = \"b\", kind = \"number\" }, \
         { name = \"c\", kind = \"number\" }, { name = \"d\", kind = \"number\" }, { name = \"e\", kind = \"number\" }, \
         { name = \"f\", kind = \"whole\" }, { name = \"g\", kind = \"category\", names = [\"x\", \"y\", \"z\"] }]";
    let features = match kind {
        Kind::Table => format!("kind = \"table\"\n{columns}"),
        Kind::Image => "kind = \"image\"\nchannels = 1\nheight = 8\nwidth = 8\nlargest = 16".to_owned(),
    };
    let text =
        format!("task = \"classification\"\n[features]\n{features}\n[label]\nkind = \"class\"\nnames = [\"0\", \"1\"]");
    Ok(Schema::from_toml(&text)?)
}

/// One file a contribution.
fn files(kind: Kind, records: usize, folder: &std::path::Path) -> Result<Vec<PathBuf>> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut files = Vec::new();
    for place in 0..CONTRIBUTIONS {
        let path = folder.join(format!("records-{place}.csv"));
        let mut file = std::io::BufWriter::new(fs::File::create(&path)?);
        let count = records / CONTRIBUTIONS + usize::from(place < records % CONTRIBUTIONS);
        for _ in 0..count {
            let label = rng.random_range(0..2);
            match kind {
                Kind::Table => {
                    for _ in 0..5 {
                        write!(file, "{:.4},", rng.random::<f64>() * 10.0 + f64::from(label))?;
                    }
                    writeln!(
                        file,
                        "{},{},{label}",
                        rng.random_range(0..1_000),
                        ["x", "y", "z"][rng.random_range(0..3)]
                    )?;
                }
                Kind::Image => {
                    for _ in 0..64 {
                        write!(file, "{},", rng.random_range(0..17))?;
                    }
                    writeln!(file, "{label}")?;
                }
            }
        }
        file.flush()?;
        files.push(path);
    }
    Ok(files)
}

/// The sealed parts of every bundle, as a dataset's host keeps them.
async fn take(schema: &Schema, store: &Store, bundles: &[Bundle]) -> Result<Vec<Vec<B256>>> {
    let mut kept = Vec::new();
    for (subject, bundle) in bundles.iter().enumerate() {
        let mut blobs = Vec::new();
        for place in 0..bundle.summary().parts.len() {
            let bytes = bundle.part(place)?;
            let part = Part::decode(&bytes, schema)?;
            let entries = (part.first..).zip(&part.entries);
            let commitments: Vec<B256> = entries.map(|(place, entry)| entry.commitment(part.seed, place)).collect();
            ensure!(!commitments.is_empty(), "a part without records");
            blobs.push(store.put(&context(subject, place), &bytes).await?);
        }
        kept.push(blobs);
    }
    Ok(kept)
}

async fn open(schema: &Schema, store: &Store, kept: &[Vec<B256>]) -> Result<Vec<Ordered>> {
    let mut contributions = Vec::new();
    for (subject, blobs) in kept.iter().enumerate() {
        let (mut entries, mut seed) = (Vec::new(), B256::ZERO);
        for (place, blob) in blobs.iter().enumerate() {
            let part = Part::decode(&store.get(*blob, &context(subject, place)).await?, schema)?;
            seed = part.seed;
            entries.extend(part.entries);
        }
        let (id, contributor) = (keccak256([subject as u8]), Address::with_last_byte(subject as u8 + 1));
        let contribution = Contribution { id, contributor, seed, entries };
        contribution.root()?;
        contributions.push(Ordered { contribution, batch: subject as u64 });
    }
    Ok(contributions)
}

fn context(subject: usize, part: usize) -> BlobContext {
    BlobContext { dataset: AssetId(1), subject: keccak256([subject as u8]), part: part as u32 }
}
