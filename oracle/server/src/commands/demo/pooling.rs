//! The demo's second act: a community pools its data, over HTTP.

use alloy::signers::local::PrivateKeySigner;
use eyre::{OptionExt, Result};
use tributary_chain::{Account, Chain};
use tributary_dataset::{
    Charter, Record, Schema, Split,
    access::Purposes,
    charter::Membership,
    contribution::Bundle,
    field::Field,
    partition, records_hash,
    screening::{Decision, RecordPlace, Ruling, ScreeningRules},
};
use tributary_sdk::{release::Manifest, typed_data};
use tributary_server::{
    dataset::Collection,
    steps::{
        self, DataFolder,
        contributing::{self, Known},
    },
};

use super::{CONTRIBUTORS, DAY, cast::Cast, print, serving::DatasetHost};

const PARTITION_SEED: u64 = 0;
/// Digits at most this far apart are copies; the nearest two of the 1,797 are 5.3 apart.
const COPY_RADIUS: f64 = 5.0;
/// How many copies one of the contributors offers.
const COPIES: usize = 3;
/// How many labels another one gets wrong.
const MISLABELLED: usize = 5;

const TERMS: &str = "You may train, evaluate and publish models on these records, and you pay their contributors by \
                     measured influence under epoch-signed/1. Contributors may withdraw; later releases leave them out.";

/// What was sent to the dataset's host.
struct Sent {
    /// Who gave what, as the cast's contributors are numbered.
    parts: Vec<Vec<Record>>,
    /// What the last one prepared.
    last: Bundle,
}

pub(super) async fn pool_data(chain: &Chain, data: &DataFolder, cast: &Cast, split: &Split) -> Result<()> {
    let steward = chain.account(&cast.steward)?;
    println!(
        "  1,797 handwritten digits (UCI, CC BY 4.0): {} to contribute, {} held out, {} to test with",
        split.training.len(),
        split.held_out.len(),
        split.test.len()
    );
    let charter = Charter {
        format: Charter::FORMAT.to_owned(),
        name: "handwritten digits".into(),
        schema: Schema::digits(),
        purposes: Purposes::TRAIN | Purposes::EVALUATE | Purposes::AUDIT,
        terms: TERMS.into(),
        membership: Membership::Listed { members: cast.contributors.iter().map(PrivateKeySigner::address).collect() },
        curator: cast.steward.address(),
        pay_policy: "epoch-signed/1".into(),
        held_out_hash: records_hash(&split.held_out),
        screening: ScreeningRules { radius: Some(COPY_RADIUS), ..ScreeningRules::default() },
        validation: None,
    };
    let held_out = split.held_out.clone();
    let new = steps::dataset::NewDataset { charter, held_out, payee: cast.treasury.address(), store: None };
    let dataset = steps::dataset::create(&steward, data, new).await?;
    println!(
        "  dataset {} registered; its charter's hash is on chain, and that of the held-out records",
        dataset.asset
    );
    let collection = Collection::open(chain, data)?;
    println!("  {}; records are kept sealed, under a key of the dataset's own", collection.charter().membership);
    let host = DatasetHost::start(collection, &cast.steward).await?;
    let Sent { parts, last } = collect(chain, data, cast, split, &host.url).await?;

    let published = screen(&steward, data, cast, split, &parts).await?;
    println!("  snapshot {} has root {}", published.version.version, published.manifest.root);
    let known = contributing::ask(chain, &host.url).await?;
    let standing = contributing::standing(chain, &known, &last, published.version.version).await?;
    println!(
        "  {} looks: {} of its records are proven to be in the snapshot, {} not to be",
        print::short(cast.contributors[CONTRIBUTORS - 1].address()),
        standing.inside.len(),
        standing.outside.len()
    );
    host.stop().await?;
    let until =
        steps::dataset::grant(&steward, dataset.asset, cast.builder.address(), Purposes::TRAIN, 30 * DAY).await?;
    println!("  the community grants {} the purpose `train` until {until}", print::short(cast.builder.address()));
    Ok(())
}

/// Everybody prepares, signs and sends what they give to the dataset's host, over HTTP.
async fn collect(chain: &Chain, data: &DataFolder, cast: &Cast, split: &Split, url: &str) -> Result<Sent> {
    let schema = Schema::digits();
    let mut parts = partition::simulate(&schema, &split.training, CONTRIBUTORS, PARTITION_SEED)?;
    let known = contributing::ask(chain, url).await?;
    println!(
        "  {CONTRIBUTORS} contributors (a simulated division, uneven and with skewed labels) sign and send to {url}:"
    );

    // The last one also offers what others have given, and what nobody may train on.
    let copied = parts[0][..COPIES].iter().chain(&split.held_out[..COPIES]).cloned().collect::<Vec<Record>>();
    parts[CONTRIBUTORS - 1].extend(copied);
    // And somebody else writes the wrong labels to a few.
    for record in parts[CONTRIBUTORS - 2].iter_mut().take(MISLABELLED) {
        *record = mislabelled(&schema, record)?;
    }
    let mut last = None;
    for (place, (key, records)) in cast.contributors.iter().zip(&parts).enumerate() {
        let folder = data.join(format!("contributor-{}", place + 1));
        let lines: String = records.iter().map(|record| schema.spell(record).join(",") + "\n").collect();
        let file = data.keep_bytes(&format!("contributor-{}.csv", place + 1), lines.as_bytes())?;
        if place == 0 {
            show_a_fault(data, &known, &lines)?;
        }
        let account = chain.account(key)?;
        let bundle = contributing::prepare(&known, &file, &folder)?;
        let agreed = contributing::agreement(chain, &known, &bundle, key.address()).await?;
        let signature = typed_data::sign(&agreed.contribution, &chain.consent_domain(), key)?.into();
        let agreed = contributing::sign(&bundle, &agreed, signature)?;
        let receipt = contributing::send(&account, &known, &bundle, &agreed, |_| ()).await?.receipt;
        let (who, mostly) = (print::short(key.address()), favourites(records));
        println!("    {who}  {:4} records, mostly {mostly}; signed for by the host", receipt.records);
        last = Some(bundle);
    }
    Ok(Sent { parts, last: last.ok_or_eyre("nobody contributed")? })
}

/// The record with the label of the next class.
fn mislabelled(schema: &Schema, record: &Record) -> Result<Record> {
    let mut fields = schema.spell(record);
    let label = schema.class(record).ok_or_eyre("a digit without a class")?;
    fields.truncate(schema.features.fields());
    fields.push(((label + 1) % 10).to_string());
    let fields: Vec<Field<'_>> = fields.iter().map(|field| Field::Text(field)).collect();
    Ok(schema.record(&fields)?)
}

/// What somebody sees whose file is not as the schema says.
fn show_a_fault(data: &DataFolder, known: &Known, lines: &str) -> Result<()> {
    let wrong = lines.replacen(',', ",17", 1);
    let file = data.keep_bytes("mistyped.csv", wrong.as_bytes())?;
    let refused = contributing::prepare(known, &file, &data.join("mistyped")).err();
    let refused = refused.ok_or_eyre("a file against the schema was prepared")?;
    println!("    (a mistyped file is refused before anything is signed: {})", one_line(&refused.to_string()));
    Ok(())
}

/// Screens, shows what is found, lets the curator decide about what is held, and publishes.
async fn screen(
    steward: &Account,
    data: &DataFolder,
    cast: &Cast,
    split: &Split,
    parts: &[Vec<Record>],
) -> Result<steps::dataset::Published> {
    let chain = steward.chain();
    let (outcome, report) = steps::dataset::screen(steward.address(), chain, data, &split.held_out).await?;
    print!("  screening: ");
    print::screened(&outcome, &report.totals);
    for decision in [Decision::Reject, Decision::Hold] {
        let example = report.records.iter().find(|record| record.decision == decision);
        if let Some(reason) = example.and_then(|record| record.reasons.first()) {
            println!("    {decision}, for example: {}", one_line(&reason.words));
        }
    }
    let collection = Collection::open(chain, data)?;
    let mut rulings = Vec::new();
    let held: Vec<_> = report.records.iter().filter(|record| record.decision == Decision::Hold).collect();
    for record in &held {
        // The curator looks at the digit; here, at what it was before a label was changed.
        let is_right = looks_right(cast, parts, record.place, split);
        let (decision, reason) = match is_right {
            true => (Decision::Accept, "looked at: the label is right"),
            false => (Decision::Reject, "looked at: the label is wrong"),
        };
        let RecordPlace { contribution, place, .. } = record.place;
        let (reason, by) = (reason.to_owned(), cast.steward.address());
        rulings.push(Ruling { contribution, place, decision, reason, by });
    }
    let taken_in = rulings.iter().filter(|ruling| ruling.decision == Decision::Accept).count();
    collection.rule(rulings).await?;
    println!(
        "  the curator looks at the {} that are held: {taken_in} are taken in, {} rejected; each ruling is in the report",
        held.len(),
        held.len() - taken_in
    );
    Ok(steps::dataset::snapshot(steward, data, &split.held_out).await?)
}

/// Whether a record that a contributor gave is one of the true ones.
fn looks_right(cast: &Cast, parts: &[Vec<Record>], at: RecordPlace, split: &Split) -> bool {
    let who = cast.contributors.iter().position(|key| key.address() == at.contributor);
    let record = who.and_then(|who| parts.get(who)?.get(at.place as usize));
    record.is_some_and(|record| split.training.contains(record))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn favourites(records: &[Record]) -> String {
    let schema = Schema::digits();
    let mut counts = [0usize; 10];
    for label in records.iter().filter_map(|record| schema.class(record)) {
        if let Some(count) = counts.get_mut(label) {
            *count += 1;
        }
    }
    let mut labels: Vec<usize> = (0..counts.len()).collect();
    labels.sort_by_key(|label| std::cmp::Reverse(counts[*label]));
    format!("{}s and {}s", labels[0], labels[1])
}
