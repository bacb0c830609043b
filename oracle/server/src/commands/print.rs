//! What the program says, in plain words.

use std::path::Path;

use alloy::primitives::Address;
use indicatif::{ProgressBar, ProgressStyle};
use tributary_chain::{
    deploy::{Outcome, Since},
    verify::{RootState, Verified},
};
use tributary_factory::Progress;
use tributary_sdk::api::Inferred;
use tributary_server::steps::{deployment::Deployed, model::TrainedRelease, watch::Watched};
use tributary_settlement::{Basis, SubPoolId};

/// A bar that follows a training run: it is full when the gradient is as small as the recipe asks.
pub(crate) struct TrainingBar {
    bar: ProgressBar,
    first: Option<f64>,
}

const FULL: u64 = 1_000;

impl TrainingBar {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("  training [{bar:40}] {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(FULL).with_style(style), first: None }
    }

    pub(crate) fn step(&mut self, progress: &Progress) {
        let first = *self.first.get_or_insert(progress.gradient_norm);
        let way = (first / progress.gradient_norm).ln() / (first / progress.tolerance).ln();
        let reached = (way.clamp(0.0, 1.0) * FULL as f64) as u64;
        self.bar.set_position(self.bar.position().max(reached));
        self.bar.set_message(format!("step {}, loss {:.4}", progress.iteration, progress.loss));
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

pub(crate) fn trained(built: &TrainedRelease) {
    println!(
        "  trained in {} steps; {} of {} test images right: accuracy {:.4}",
        built.iterations,
        built.evaluation.correct(),
        built.evaluation.records(),
        built.evaluation.accuracy()
    );
    let failing = built.table.rows().iter().filter(|row| !row.passes_gate).count();
    println!(
        "  contributor table: {} rows of {} integers, {failing} below the gate; written to {}",
        built.table.rows().len(),
        built.table.k(),
        built.files.table.display()
    );
}

pub(crate) fn answer(answer: &Inferred, label: Option<u8>) {
    let label = label.map(|label| format!(" (label {label})")).unwrap_or_default();
    let helped: Vec<String> = answer
        .contributors
        .iter()
        .map(|influence| format!("{} {}", short(influence.account), percent(influence.bps)))
        .collect();
    println!("class {}{label}, receipt {}, helped most by {}", answer.class, answer.receipt.id, helped.join(", "));
}

pub(crate) fn audited(verified: &Verified, state: RootState) {
    let Verified { batch, settlement, statement, tree } = verified;
    println!("epoch {} of model {} version {}", batch.index, batch.release.asset, batch.release.version);
    println!("  {} receipts: every host, request and session signature holds", batch.receipts.len());
    println!("  table, manifest and weights are the ones that the chain commits to");
    for subpool in &settlement.subpools {
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
    println!(
        "  recomputed root {} over {} accounts, {} base units",
        statement.root,
        tree.leaves().len(),
        statement.sum
    );
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
        Watched::Holds { index, active_at } => {
            println!("root {index} is what recomputing gives; claims are good from {active_at} on");
        }
        Watched::Proven { index, reason } => println!("root {index} is REJECTED: {reason}"),
        Watched::Challenged { index, reason, until } => {
            println!("root {index} is CHALLENGED; its arbiter must rule by {until}. Show the arbiter this text:");
            println!("{reason}");
        }
    }
}

/// Basis points as a percentage.
pub(crate) fn percent(bps: i64) -> String {
    format!("{}%", bps as f64 / 100.0)
}

/// An address people can tell apart.
pub(crate) fn short(address: Address) -> String {
    let text = address.to_string();
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}
