//! What can be said on the command line.

mod accounts;
mod dataset;
mod making;
mod serving;

use std::{net::SocketAddr, path::PathBuf};

use alloy::primitives::{Address, B256};
use clap::{Args, Parser, Subcommand};
use tributary_sdk::AssetId;

pub(super) use accounts::{Audit, Claim, Epoch, Watch, Withdraw};
pub(super) use dataset::{Contribute, Correct, Create, Dataset, Ruled};
pub(super) use making::{License, Release, Train};
pub(super) use serving::{Ask, Connect, Decision, Key, Ledger, Submission};

use super::attribute::{Attribute, Explain};

/// The public ledger and pay-roll of community-owned AI.
///
/// The acting account's private key is read from TRIBUTARY_KEY or the configuration file, never from a flag.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, max_term_width = 120)]
pub(crate) struct Program {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A century: what is meant for longer is meant for ever.
const MOST_DAYS: u64 = 36_500;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Configuration file (TOML).
    #[arg(long, global = true, env = "TRIBUTARY_CONFIG_FILE")]
    pub(super) config: Option<PathBuf>,
    /// URL of the chain's node [environment: TRIBUTARY_RPC].
    #[arg(long, global = true)]
    pub(super) rpc: Option<String>,
    /// Data folder [environment: TRIBUTARY_DATA].
    #[arg(long, global = true)]
    pub(super) data: Option<PathBuf>,
    /// Where the host listens [environment: TRIBUTARY_LISTEN].
    #[arg(long, global = true)]
    pub(super) listen: Option<SocketAddr>,
    /// The ONNX Runtime library [environment: TRIBUTARY_ONNXRUNTIME].
    #[arg(long, global = true)]
    pub(super) onnxruntime: Option<PathBuf>,
    /// Where models compute: auto, cpu, cuda, cuda:1, webgpu [environment: TRIBUTARY_PROVIDER].
    #[arg(long, global = true)]
    pub(super) provider: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walk the whole main job on an embedded chain: data, model, license, answers, payouts, audit.
    Demo {
        /// Leave chain and host running afterwards and say how to go on.
        #[arg(long)]
        keep: bool,
    },
    /// Put the contract suite on the chain, at the same addresses as everywhere.
    Deploy {
        /// Change nothing: check the chain's code against this build, and the manifest against both.
        #[arg(long)]
        check: bool,
        /// The chain's manifest; deployments/<chain id>.json if not given.
        #[arg(long)]
        manifest: Option<PathBuf>,
        /// Also deploy the dollar of development chains.
        #[arg(long)]
        demo_dollar: bool,
    },
    /// Datasets: create, contribute, screen, snapshot, grant, withdraw.
    #[command(subcommand)]
    Dataset(Dataset),
    /// Train on the published snapshot and write the release.
    Train(Train),
    /// Attribute an ONNX model that was trained elsewhere to the owners of its records.
    Attribute(Box<Attribute>),
    /// Say which records and contributors an attributed model owes an answer to.
    Explain(Explain),
    /// Look the trained release through, say what will be published, and publish it: the next version of a model, or a new one.
    Release(Release),
    /// Draw who built the base, who added which data, who fine-tuned what, from the chain alone.
    Lineage {
        /// The model or dataset.
        asset: AssetId,
        /// Write a picture to this file as well.
        #[arg(long)]
        svg: Option<PathBuf>,
    },
    /// Write the page of a model that buyers read: what it is, how good, who is paid, who checks, what licenses cost.
    Page {
        /// The model. Its release is the data folder's.
        model: AssetId,
        /// Write it to this file instead of printing it.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Licenses: offer, show, buy, renew, revoke.
    #[command(subcommand)]
    License(License),
    /// Serve published releases over HTTP.
    Serve {
        /// The token whose revenue is divided.
        #[arg(long)]
        token: Address,
        /// Data folder of a model, as often as there are models; the one of --data if not given.
        #[arg(long = "model")]
        models: Vec<PathBuf>,
        /// Serve every model that the chain says this key is to serve and whose releases are in this store, a folder or
        /// s3://bucket/prefix: those that are there now, and those that are published while the host runs.
        #[arg(long)]
        releases: Option<String>,
        /// Wait until nobody else serves from the folder, then take over: the second of two machines on one file system.
        #[arg(long)]
        standby: bool,
    },
    /// Print the OpenAPI document of every host.
    Openapi {
        /// Of a dataset's host.
        #[arg(long)]
        dataset: bool,
    },
    /// Print the reference of settings, commands and metrics, in Markdown.
    Reference,
    /// Sign in to a host with a license and ask it.
    Ask(Ask),
    /// A host's records: copy them while it runs, restore a copy, export receipts.
    #[command(subcommand)]
    Ledger(Ledger),
    /// What a host submits to the chain: list it, retry, give up (needs TRIBUTARY_ADMIN_TOKEN).
    Submission(Submission),
    /// Look whether everything that a host needs is there and whole: node, contracts, key, release, ledger, batches.
    Doctor,
    /// Let clients that cannot sign ask a host: a local proxy that speaks the Open Inference Protocol and signs for them.
    Connect(Connect),
    /// Keys of a license at a host: allow, list, revoke.
    #[command(subcommand)]
    Key(Key),
    /// Show a receipt, check it and its place in a posted root against the chain.
    Receipt {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The request's id.
        id: B256,
    },
    /// Epochs: close, attest, post.
    #[command(subcommand)]
    Epoch(Epoch),
    /// What an account is paid by a host's models: allotted, posted, active, claimed; by model and epoch.
    Account {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The account.
        account: Address,
        /// Why this epoch paid what it did: recomputes it and names the receipts and scores.
        #[arg(long)]
        why: Option<u64>,
        /// The model; may be left out where the host serves one.
        #[arg(long, requires = "why")]
        model: Option<AssetId>,
    },
    /// Attest: recompute what a host closes against a node of your own, sign or refuse, and tell the host; again and again.
    Attest {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// Seconds between two looks.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        every: u64,
        /// Look once.
        #[arg(long)]
        once: bool,
    },
    /// Recompute the root that waits for its window to pass; prove a fault of its leaves, which rejects it.
    Watch(Watch),
    /// As `watch`, and challenge a root that is not what recomputing gives: the acting account stakes the policy's bond.
    Challenge(Watch),
    /// Claim an account's payout; the money goes to the account.
    Claim(Claim),
    /// Withdraw what a vault has credited to an account: a share of revenue, or a refund.
    Withdraw(Withdraw),
    /// Recompute a posted epoch from the chain and its batch, and say whether the root matches.
    Audit(Audit),
}
