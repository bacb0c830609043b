//! What can be said on the command line.

use std::{net::SocketAddr, path::PathBuf};

use alloy::primitives::{Address, B256, U256};
use clap::{Args, Parser, Subcommand};
use tributary_factory::Schema;
use tributary_sdk::{AssetId, sign_in::Credential};

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
    /// Datasets: register, contribute, snapshot, grant, withdraw.
    #[command(subcommand)]
    Dataset(Dataset),
    /// Train on the published snapshot and write the release.
    Train(Train),
    /// Attribute an ONNX model that was trained elsewhere to the owners of its records.
    Attribute(Box<Attribute>),
    /// Say which records and contributors an attributed model owes an answer to.
    Explain(Explain),
    /// Register a model and publish the trained release.
    Publish(Publish),
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
    },
    /// Print the OpenAPI document of every host.
    Openapi,
    /// Sign in to a host with a license and ask it.
    Ask(Ask),
    /// A host's records: copy them while it runs, restore a copy, export receipts.
    #[command(subcommand)]
    Ledger(Ledger),
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
    /// Claim an account's payout; the money goes to the account.
    Claim(Claim),
    /// Withdraw what a vault has credited to an account: a share of revenue, or a refund.
    Withdraw(Withdraw),
    /// Recompute a posted epoch from the chain and its batch, and say whether the root matches.
    Audit(Audit),
}

#[derive(Debug, Subcommand)]
pub(super) enum Dataset {
    /// Register a dataset of the acting account and commit to its held-out records.
    Register {
        /// Its name.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        schema: SchemaArgs,
        /// The terms that contributors agree to: a text file.
        #[arg(long)]
        terms: PathBuf,
        /// How the pool is divided, which contributors agree to as well: epoch-signed/1 or per-inference/1.
        #[arg(long, default_value = "epoch-signed/1")]
        pay_policy: String,
        /// Records nobody trains on, for gate and baseline shares: CSV.
        #[arg(long)]
        held_out: PathBuf,
        /// Who is paid what the dataset's vault receives; the acting account if not given.
        #[arg(long)]
        payee: Option<Address>,
    },
    /// Contribute records of the acting account under a signed consent.
    Contribute {
        /// The records: CSV.
        #[arg(long)]
        records: PathBuf,
    },
    /// Screen what was contributed and publish it as the next version.
    Snapshot {
        /// The held-out records of `register`: CSV.
        #[arg(long)]
        held_out: PathBuf,
    },
    /// Let somebody train on the dataset.
    Grant {
        /// Who.
        #[arg(long)]
        to: Address,
        /// For how many days.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MOST_DAYS))]
        days: u64,
    },
    /// Withdraw a contribution of the acting account.
    Withdraw {
        /// The consent's id.
        id: B256,
    },
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Features a record.
    #[arg(long, default_value_t = Schema::DIGITS.width)]
    pub(super) width: usize,
    /// The largest feature.
    #[arg(long, default_value_t = Schema::DIGITS.largest)]
    pub(super) largest: u8,
    /// Number of classes.
    #[arg(long, default_value_t = Schema::DIGITS.classes)]
    pub(super) classes: u8,
    /// Records whose features are at most this far apart count as one; 0 is for equal records only.
    #[arg(long, default_value_t = Schema::DIGITS.radius)]
    pub(super) radius: u16,
}

#[derive(Debug, Args)]
pub(super) struct Train {
    /// The held-out records of the dataset: CSV.
    #[arg(long)]
    pub(super) held_out: PathBuf,
    /// Records for the accuracy: CSV.
    #[arg(long)]
    pub(super) test: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The model's name.
    #[arg(long)]
    pub(super) name: String,
    /// Basis points to the dataset's vault.
    #[arg(long, default_value_t = 500)]
    pub(super) dataset_bps: u16,
    /// Basis points to the acting account, who built it.
    #[arg(long, default_value_t = 2_000)]
    pub(super) builder_bps: u16,
    /// Who serves it.
    #[arg(long)]
    pub(super) host: Address,
    /// Basis points to the host.
    #[arg(long, default_value_t = 1_000)]
    pub(super) host_bps: u16,
    /// Who curates the data; the acting account if not given.
    #[arg(long)]
    pub(super) curators: Option<Address>,
    /// Basis points to the curators.
    #[arg(long, default_value_t = 500)]
    pub(super) curators_bps: u16,
    /// Basis points to the pool that attribution divides.
    #[arg(long, default_value_t = 6_000)]
    pub(super) pool_bps: u16,
    /// Who may attest roots.
    #[arg(long, required = true, num_args = 1..)]
    pub(super) attestors: Vec<Address>,
    /// How many attestors a root needs.
    #[arg(long, default_value_t = 2)]
    pub(super) threshold: u8,
    /// How long a posted root waits, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub(super) window: u32,
    /// Who rules on challenged roots; nobody if not given: then only faults that can be proven count.
    #[arg(long)]
    pub(super) arbiter: Option<Address>,
    /// How long the arbiter has, in seconds.
    #[arg(long, default_value_t = 259_200)]
    pub(super) arbiter_period: u32,
    /// What a challenger stakes, in wei of the chain's coin.
    #[arg(long, default_value_t = 10_000_000_000_000_000)]
    pub(super) challenge_bond: u64,
    /// What is staked on a root, in wei of the chain's coin.
    #[arg(long, default_value_t = 0)]
    pub(super) poster_bond: u64,
    /// How long attestors may be silent before the pool can go to the dataset's vault, in seconds; 0 is for ever.
    #[arg(long, default_value_t = 7_776_000)]
    pub(super) fallback_after: u32,
}

#[derive(Debug, Subcommand)]
pub(super) enum License {
    /// Offer licenses to the published model.
    Offer {
        /// The payment token.
        #[arg(long)]
        token: Address,
        /// Price in base units.
        #[arg(long)]
        price: u128,
        /// The legal text: a file.
        #[arg(long)]
        legal_text: PathBuf,
        /// How long a license lasts, in days; 0 is for ever.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(0..=MOST_DAYS))]
        days: u64,
        /// Part of the price that is earned at once, in basis points.
        #[arg(long, default_value_t = 0)]
        upfront_bps: u16,
        /// Most calls; 0 is no limit.
        #[arg(long, default_value_t = 0)]
        max_calls: u64,
        /// Most calls in any minute; 0 is no limit.
        #[arg(long, default_value_t = 0)]
        calls_per_minute: u32,
        /// Also allow commercial use.
        #[arg(long)]
        commercial: bool,
        /// Let the acting account end licenses early, against the part of the price that is not earned.
        #[arg(long)]
        revocable: bool,
    },
    /// Say in words what an offer allows.
    Show {
        /// The offer.
        offer: U256,
    },
    /// Buy one license for the acting account.
    Buy {
        /// The offer.
        offer: U256,
    },
    /// Renew a license for its offer's price and duration; the acting account pays, the license stays its holder's.
    Renew {
        /// The license.
        license: U256,
    },
    /// End a license to an asset of the acting account, if its terms allow; what is not earned is credited to its holder.
    Revoke {
        /// The license.
        license: U256,
        /// Why; it is public.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Ask {
    /// URL of the host.
    #[arg(long)]
    pub(super) host: String,
    /// The license of the acting account.
    #[arg(long)]
    pub(super) license: U256,
    /// The model.
    #[arg(long)]
    pub(super) model: AssetId,
    /// The records to ask about: CSV, with labels to compare with.
    #[arg(long)]
    pub(super) records: PathBuf,
    /// How many of them.
    #[arg(long, default_value_t = 10)]
    pub(super) count: usize,
}

#[derive(Debug, Args)]
pub(super) struct Audit {
    /// URL of the batch.
    #[arg(long)]
    pub(super) batch: String,
    /// Ask so many of its receipts again, from inputs that the host keeps; the acting account is an attestor, or the payer.
    #[arg(long, requires_all = ["host", "release"])]
    pub(super) sample: Option<usize>,
    /// URL of the host, for the inputs.
    #[arg(long)]
    pub(super) host: Option<String>,
    /// Run folder of the release.
    #[arg(long)]
    pub(super) release: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Connect {
    /// URL of the host.
    #[arg(long)]
    pub(super) host: String,
    /// The license of the acting account.
    #[arg(long)]
    pub(super) license: U256,
    /// How long a session key is good for, in hours; a new one is signed in before it ends.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=8_784))]
    pub(super) hours: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    /// Copy a model's ledger and batches into a folder on the host's machine, while it runs (needs TRIBUTARY_ADMIN_TOKEN).
    Backup {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The model; may be left out where the host serves one.
        #[arg(long)]
        model: Option<AssetId>,
    },
    /// Check a backup and make it the ledger and the batches of the data folder, which must have neither.
    Restore {
        /// The backup's folder.
        from: PathBuf,
    },
    /// Write a model's receipts as a table (needs TRIBUTARY_ADMIN_TOKEN).
    Export {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The model; may be left out where the host serves one.
        #[arg(long)]
        model: Option<AssetId>,
        /// A closed epoch; the open one if left out.
        #[arg(long)]
        epoch: Option<u64>,
        /// `csv`, or `parquet` where the host was built with it.
        #[arg(long, default_value = "csv", value_parser = ["csv", "parquet"])]
        format: String,
        /// Where to write it; standard output if left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Let a key ask under a license of the acting account.
    Allow {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The license.
        #[arg(long)]
        license: U256,
        /// Address of a session key that signs every request; without it a bearer key is made and shown once: whoever has
        /// it may ask, and the host alone attests to its usage.
        #[arg(long)]
        session_key: Option<Address>,
        /// What you call it: letters, digits, `-`, `.`, `_`.
        #[arg(long)]
        label: Option<String>,
        /// How long it is good for, in days.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=MOST_DAYS))]
        days: u64,
    },
    /// List the keys of a license of the acting account, and what was asked with them.
    List {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The license.
        #[arg(long)]
        license: U256,
    },
    /// Revoke a key, for good.
    Revoke {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The license.
        #[arg(long)]
        license: U256,
        /// As `key list` shows it.
        key: Credential,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Epoch {
    /// Ask a host to close a model's open epoch (needs its admin token, TRIBUTARY_ADMIN_TOKEN).
    Close {
        /// URL of the host.
        #[arg(long)]
        host: String,
        /// The model; may be left out where the host serves one.
        #[arg(long)]
        model: Option<AssetId>,
    },
    /// Recompute a batch and sign its root as the acting account; prints the attestation as JSON.
    Attest {
        /// URL of the batch.
        #[arg(long)]
        batch: String,
        /// By when the root must be posted, in the chain's time; all attestors must use the same.
        #[arg(long)]
        deadline: u64,
    },
    /// Post a root with the attestations that a host collected, or with those in these files.
    Post {
        /// URL of the host: its newest closed epoch is posted.
        #[arg(long, conflicts_with = "attestations", required_unless_present = "attestations")]
        host: Option<String>,
        /// The model; may be left out where the host serves one.
        #[arg(long, requires = "host")]
        model: Option<AssetId>,
        /// Files that `epoch attest` printed.
        attestations: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// URL of the host that publishes the batches.
    #[arg(long)]
    pub(super) host: String,
    /// The model's vault.
    #[arg(long)]
    pub(super) vault: Address,
    /// The token.
    #[arg(long)]
    pub(super) token: Address,
    /// Challenge a root that is not what recomputing gives; the acting account stakes the policy's bond.
    #[arg(long)]
    pub(super) challenge: bool,
}

#[derive(Debug, Args)]
pub(super) struct Claim {
    /// URL of the host that has the proofs.
    #[arg(long)]
    pub(super) host: String,
    /// The epoch.
    #[arg(long)]
    pub(super) epoch: u64,
    /// The model's vault.
    #[arg(long)]
    pub(super) vault: Address,
    /// The token.
    #[arg(long)]
    pub(super) token: Address,
    /// Who is paid; the acting account if not given.
    #[arg(long)]
    pub(super) account: Option<Address>,
    /// Where the acting account wants its payout to go instead.
    #[arg(long, conflicts_with = "account")]
    pub(super) to: Option<Address>,
}

#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// The asset's vault.
    #[arg(long)]
    pub(super) vault: Address,
    /// The token.
    #[arg(long)]
    pub(super) token: Address,
    /// Who is paid; the acting account if not given.
    #[arg(long)]
    pub(super) account: Option<Address>,
    /// Where the acting account wants its credit to go instead.
    #[arg(long, conflicts_with = "account")]
    pub(super) to: Option<Address>,
}
