//! What the program says, in plain words.

use std::path::Path;

use alloy::primitives::Address;
use eyre::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tributary_chain::{
    deploy::{Outcome, Since},
    tokens::Token,
    verify::{RootState, Verified},
    why::Why,
};
use tributary_dataset::{screening::Totals, snapshot::Screened};
use tributary_factory::{Step, card::MARKDOWN_FILE};
use tributary_sdk::{
    AssetId,
    api::{
        AccountBooks, AccountEpoch, AccountPage, CorrectedAnswer, HeldRecords, Inferred, KeyInfo, LicenseUsage,
        RootStanding, Submissions, ValidatorShare,
    },
    sign_in::Credential,
    typed_data::{Correction, Receipt},
};
use tributary_server::{
    dataset::Collection,
    steps::{
        attest::{All, Looked},
        deployment::Deployed,
        license::{Offered, Standing},
        model::TrainedRelease,
        paying::Paid,
        payout::Audited,
        receipt::{Checked, Settled},
        release::Review,
        sample::{Sampled, Verdict},
        watch::Watched,
    },
    terms::words::money,
};
use tributary_settlement::{Basis, SubPoolId};

/// A bar that follows a training run: it is full when the gradient is as small as the recipe asks, or after the last epoch.
pub(crate) struct TrainingBar {
    bar: ProgressBar,
    first: Option<f64>,
    validated: String,
}

const FULL: u64 = 1_000;

impl TrainingBar {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("  training [{bar:40}] {msg}, {eta} to go");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(FULL).with_style(style), first: None, validated: String::new() }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let (way, message) = match step {
            Step::Converging(progress) => {
                let first = *self.first.get_or_insert(progress.gradient_norm);
                let way = (first / progress.gradient_norm).ln() / (first / progress.tolerance).ln();
                (way.clamp(0.0, 1.0), format!("step {}, loss {:.4}", progress.iteration, progress.loss))
            }
            Step::Descending(stepped) => {
                if let Some(validated) = stepped.epoch.and_then(|epoch| epoch.validation) {
                    let accuracy = validated.accuracy.map(|share| format!(", accuracy {share:.4}")).unwrap_or_default();
                    self.validated = format!("; on records set apart {:.4}{accuracy}", validated.loss);
                }
                let way = stepped.step as f64 / stepped.steps.max(1) as f64;
                let (step, loss) = (stepped.step, stepped.loss);
                (way, format!("step {step} of {}, loss {loss:.4}{}", stepped.steps, self.validated))
            }
        };
        let reached = (way * FULL as f64) as u64;
        self.bar.set_position(self.bar.position().max(reached));
        self.bar.set_message(message);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a deployment did, and where its manifest is.
pub(crate) fn deployed(deployed: &Deployed, manifest: &Path) {
    for (name, address, outcome) in &deployed.contracts {
        let outcome = match outcome {
            Outcome::Present => "Present".to_owned(),
            Outcome::Created { block } => format!("Created in block {block}"),
        };
        println!("{address}  {name} ({outcome})");
    }
    println!("manifest {}: since block {}", manifest.display(), deployed.manifest.deployed_at);
}

/// Whether the manifest's block could be checked.
pub(crate) fn since(since: Since) {
    match since {
        Since::Block(block) => println!("it stands since block {block}"),
        Since::Unknown => println!("since when is not checked: the node does not keep old states"),
    }
}

/// A bar of counted steps.
pub(crate) fn counting_bar(what: &'static str, count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("  {msg} [{bar:40}] {pos}/{len}");
    ProgressBar::new(count).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

/// What screening let through, and why not the rest.
pub(crate) fn screened(outcome: &Screened, totals: &Totals) {
    let Totals { offered, accepted, held, rejected, .. } = totals;
    println!("{accepted} of {offered} records accepted, {held} held for the curator, {rejected} rejected");
    let taken_back = outcome.withdrawn.len();
    if taken_back + outcome.withdrawn_records > 0 {
        println!("{taken_back} contributions and {} more records were withdrawn", outcome.withdrawn_records);
    }
    let small = [("share one row", &outcome.sharing), ("have too few records and are left out", &outcome.too_few)];
    for (what, accounts) in small.into_iter().filter(|(_, accounts)| !accounts.is_empty()) {
        let names: Vec<String> = accounts.iter().map(ToString::to_string).collect();
        println!("{} contributors {what}: {}", accounts.len(), names.join(" "));
    }
}

pub(crate) fn flags(collection: &Collection) -> Result<()> {
    let (flags, corrections) = (collection.flags()?, collection.corrections()?);
    for flagged in &flags {
        let Receipt { id, assetId, version, payer, .. } = &flagged.signed.receipt;
        let model = AssetId(*assetId);
        println!("answer {id} of model {model} version {version}, by {payer}: {}", plain(&flagged.signed.flag.reason));
    }
    for corrected in &corrections {
        let Correction { contributionId, place, receiptId } = &corrected.signed.correction;
        println!("answer {receiptId} is corrected by record {place} of {contributionId}");
    }
    println!("{} flags, {} corrections", flags.len(), corrections.len());
    Ok(())
}

/// What strangers wrote: it shall not move the cursor or change colours.
fn plain(words: &str) -> String {
    words.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

pub(crate) fn held(held: &HeldRecords) {
    println!("{}", held.columns.join(","));
    for record in &held.records {
        println!("record {} of {}", record.place, record.contribution);
        println!("    {}", plain(&record.fields.join(",")));
        record.reasons.iter().for_each(|reason| println!("    held: {}", plain(reason)));
        for CorrectedAnswer { receipt, model, version, answered } in &record.corrects {
            println!("    answer {receipt} of model {model} version {version} was `{answered}`");
        }
        if let Some(appeal) = &record.appeal {
            println!("    appeal: {}", plain(appeal));
        }
    }
    println!("{} records wait for `tributary dataset review`, {} more come after them", held.records.len(), held.more);
}

pub(crate) fn paid(paid: &Paid) {
    match paid {
        Paid::NothingDue => println!("nothing is due: what was withdrawn for the curators is paid for"),
        Paid::NoWork { due } => println!("{due} base units are due, and wait for accepted reviews"),
        Paid::Now(payment) => {
            for ValidatorShare { validator, reviews, amount, transaction } in &payment.shares {
                let transaction = transaction.map(|hash| format!(", transaction {hash}")).unwrap_or_default();
                println!("{validator}: {amount} base units for {reviews} accepted reviews{transaction}");
            }
            println!("{} base units are paid, up to snapshot {}", payment.amount, payment.snapshot);
        }
    }
}

pub(crate) fn trained(built: &TrainedRelease) {
    let findings = &built.card.findings;
    println!(
        "  trained in {} steps; {} of {} test records right: accuracy {:.4}",
        built.iterations,
        findings.evaluation.correct(),
        findings.evaluation.records(),
        findings.evaluation.accuracy()
    );
    if let Some(lds) = findings.attribution.as_ref().and_then(|found| found.contributor_lds) {
        println!(
            "  audited by retraining: attribution ranks halves of the contributors with a correlation of {:.3} ({:.3} to {:.3})",
            lds.value, lds.low, lds.high
        );
    }
    let failing = built.table.rows().iter().filter(|row| !row.passes_gate).count();
    println!(
        "  contributor table: {} rows of {} integers, {failing} below the gate; written to {}",
        built.table.rows().len(),
        built.table.k(),
        built.files.table.display()
    );
    println!("  model card: {}", built.files.model.with_file_name(MARKDOWN_FILE).display());
}

pub(crate) fn answer(answer: &Inferred, label: Option<usize>) {
    let label = label.map(|label| format!(" (label {label})")).unwrap_or_default();
    let helped: Vec<String> = answer
        .contributors
        .iter()
        .map(|influence| format!("{} {}", short(influence.account), percent(influence.bps)))
        .collect();
    let class = answer.predicted.first().copied().unwrap_or_default();
    println!("class {class}{label}, receipt {}, helped most by {}", answer.receipt.id, helped.join(", "));
}

pub(crate) fn keys(keys: &[KeyInfo], usage: &LicenseUsage) {
    for key in keys {
        let label = key.label.as_deref().unwrap_or("-");
        let until = match key.revoked_at {
            Some(at) => format!("revoked at {at}"),
            None => format!("until {}", key.expires_at),
        };
        println!("{} {label} {until}", key.credential);
    }
    let limit = usage.max_calls.map(|limit| format!(" of {limit}")).unwrap_or_default();
    println!("{} records asked about{limit}, {} of them in the open epoch", usage.total, usage.open_epoch);
}

pub(crate) fn account(page: &AccountPage) {
    for books in &page.models {
        let AccountBooks { asset, token, allocated, posted, active, claimed, epochs, .. } = books;
        println!("model {asset}, in base units of {token}:");
        println!("  allotted {allocated}, posted {posted}, active {active}, claimed {claimed}");
        for AccountEpoch { index, amount, state } in epochs {
            let state = match state {
                RootStanding::Closed => "closed, not on chain yet",
                RootStanding::Posted => "on chain, in its window",
                RootStanding::Challenged => "challenged",
                RootStanding::Active => "active",
            };
            println!("  epoch {index}: {amount}, {state}");
        }
    }
    if page.models.is_empty() {
        println!("no model here has allotted {} anything", page.account);
    }
}

/// Receipts that are named of a sub-pool.
const NAMED: usize = 10;

pub(crate) fn why(why: &Why) {
    println!("{} base units:", why.paid);
    for part in &why.parts {
        let by = match part.basis {
            Basis::Attribution => "by the attribution of its receipts",
            Basis::Baseline => "by the release's baseline",
            Basis::Records => "by record counts",
        };
        println!("  {} of the {} of {}, divided {by}", part.paid, part.amount, pool(&part.id));
        for because in part.because.iter().take(NAMED) {
            let share = percent(because.bps);
            println!("    receipt {}: {share}, score {}, {} units", because.receipt, because.score, because.units);
        }
        if part.because.len() > NAMED {
            println!("    and {} receipts more", part.because.len() - NAMED);
        }
    }
}

fn pool(id: &SubPoolId) -> String {
    match id {
        SubPoolId::License(license) => format!("license {license}"),
        SubPoolId::Payment(payment) => format!("payment {payment}"),
        SubPoolId::WithoutReceipts => "money without receipts".into(),
    }
}

pub(crate) fn sampled(sampled: &[Sampled]) {
    for Sampled { receipt, verdict } in sampled {
        let verdict = match verdict {
            Verdict::Same => "the same answer and sketch".into(),
            Verdict::Close(apart) => format!("the same sketch but for rounding ({apart} of 32767)"),
            Verdict::Differs(apart) => format!("ANOTHER SKETCH (off by {apart} of 32767)"),
            Verdict::OtherInput => "THE INPUT IS NOT THE ONE COMMITTED TO".into(),
            Verdict::NotKept => "its input is not kept".into(),
        };
        println!("receipt {receipt}: {verdict}");
    }
}

/// What an attestor did about each model.
///
/// # Errors
/// What failed of which models, if something did; the others are printed all the same.
pub(crate) fn looked_at(all: &All) -> Result<()> {
    let mut failed = Vec::new();
    for (model, found) in all {
        match found {
            Ok(found) => looked(*model, found),
            Err(error) => failed.push(format!("model {model}: {error}")),
        }
    }
    ensure!(failed.is_empty(), "{} of {} models were not looked at: {}", failed.len(), all.len(), failed.join("; "));
    Ok(())
}

fn looked(model: AssetId, looked: &Looked) {
    match looked {
        Looked::Nothing => println!("model {model}: nothing waits to be attested"),
        Looked::NoAttestor => println!("model {model}: this account is not among its attestors"),
        Looked::Before(quorum) => {
            println!("model {model}: epoch {} waits for the others", quorum.statement.index);
        }
        Looked::Signed { index, quorum } => {
            println!("model {model}: epoch {index} holds and is signed, as number {}", quorum.attested.len());
        }
        Looked::Refused { index, reason } => println!("model {model}: epoch {index} does not hold: {reason}"),
    }
}

pub(crate) fn receipt(checked: &Checked) {
    let receipt = &checked.row.receipt;
    println!(
        "receipt {} of license {} for {} records, served at {}",
        receipt.id, receipt.licenseId, receipt.units, receipt.servedAt
    );
    match checked.row.credential {
        Credential::Key(key) => println!("asked by session key {key}, which signed the request"),
        Credential::Bearer(_) => println!("asked with a bearer key: the host alone attests to this usage"),
    }
    match &checked.settled {
        Settled::Open => println!("its epoch is open"),
        Settled::Closed(proof) => println!("in epoch {}, which is closed and not posted yet", proof.epoch),
        Settled::Posted(proof) => {
            println!(
                "in epoch {}: the root on chain commits to it, number {} of {}",
                proof.epoch,
                proof.leaf_index + 1,
                proof.leaf_count
            );
        }
    }
}

pub(crate) fn audited(audited: &Audited) {
    let Audited { verified, state, unread } = audited;
    let Verified { batch, statement, tree, .. } = verified;
    println!("epoch {} of model {} version {}", batch.index, batch.release.asset, batch.release.version);
    println!("  {} receipts: every signature holds, of the host, of requests and of sign-ins", batch.receipts.len());
    println!("  table, manifest and weights are the ones that the chain commits to");
    let divided = verified.division().ok();
    for subpool in divided.iter().flat_map(|division| &division.subpools) {
        let from = match subpool.id {
            SubPoolId::License(license) => format!("license {license}"),
            SubPoolId::Payment(payment) => format!("payment {payment}"),
            SubPoolId::WithoutReceipts => "money without receipts".to_owned(),
        };
        let by = match subpool.basis {
            Basis::Attribution => "measured influence",
            Basis::Baseline => "baseline shares",
            Basis::Records => "record counts",
        };
        println!("  {} base units of {from}, divided by {by}", subpool.amount);
    }
    if let Some(why) = unread {
        println!("  this account is an attestor, and WAS NOT GIVEN THE SKETCHES: {why};");
        println!("  where the batch is a copy, name the model's host with --host, as it names itself in sign-ins");
    }
    if divided.is_none() {
        println!(
            "  the release lets only attestors read sketches: who of the contributors got how much is THEIR WORD;"
        );
        println!("  that nobody got less than before, and that all of the vault's credit is divided, is recomputed");
    }
    println!("  root {} over {} accounts, {} base units", statement.root, tree.leaves().len(), statement.sum);
    println!(
        "The root on chain MATCHES; it is {}.",
        match state {
            RootState::Active => "active: claims are good",
            RootState::Pending => "pending: its window is open",
            RootState::Challenged => "challenged: its arbiter has to rule",
            RootState::Other(_) => "in a state this program does not know",
        }
    );
}

/// What a watcher saw or did.
pub(crate) fn watched(watched: &Watched) {
    match watched {
        Watched::NothingWaits => println!("no root waits: the newest is active, or there is none"),
        Watched::Holds { index, active_at, divided } => {
            let all = if *divided { "" } else { ", but for the division, whose sketches only attestors may read" };
            println!("root {index} is what recomputing gives{all}; claims are good from {active_at} on");
        }
        Watched::Proven { index, reason } => println!("root {index} is REJECTED: {reason}"),
        Watched::Challenged { index, reason, until } => {
            println!("root {index} is CHALLENGED; its arbiter must rule by {until}. Show the arbiter this text:");
            println!("{reason}");
        }
    }
}

/// What a host submits.
pub(crate) fn submissions(submissions: &Submissions) {
    for one in &submissions.all {
        let reason = one.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        println!("{}  {}{reason}", one.key, one.state);
        for transaction in &one.transactions {
            println!("  transaction {transaction}");
        }
    }
    for alarm in &submissions.alarms {
        println!("ALARM  {alarm}");
    }
    if submissions.all.is_empty() {
        println!("nothing was submitted yet");
    }
}

/// Basis points as a percentage.
pub(crate) fn percent(bps: i64) -> String {
    format!("{}%", bps as f64 / 100.0)
}

/// An offer that is on chain.
pub(crate) fn offered(offered: &Offered, token: &Token) {
    let Offered { id, name, price, text_hash, standing } = offered;
    let since = match standing {
        Standing::New => "",
        Standing::Stood => ", which stood already",
    };
    println!("offer {id}{since}: {name}, {}, text {text_hash}", money(*price, token));
}

/// An address people can tell apart.
pub(crate) fn short(address: Address) -> String {
    let text = address.to_string();
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}

/// What was looked at before a release, and what will be published.
pub(crate) fn review(review: &Review) {
    println!("  looked at before anything is published:");
    for check in &review.checks {
        match &check.found {
            Ok(found) => println!("    ok       {}: {found}", check.what),
            Err(problem) => println!("    problem  {}: {problem}", check.what),
        }
    }
    println!("  what is published:");
    review.will.iter().for_each(|line| println!("    {line}"));
}
