//! Asking a host, and what its operator does.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, U256};
use clap::{Args, Subcommand};
use tributary_sdk::{AssetId, sign_in::Credential};

use super::MOST_DAYS;

#[derive(Debug, Args)]
pub(in crate::commands) struct Ask {
    /// URL of the host.
    #[arg(long)]
    pub(in crate::commands) host: String,
    /// The license of the acting account.
    #[arg(long)]
    pub(in crate::commands) license: U256,
    /// The model.
    #[arg(long)]
    pub(in crate::commands) model: AssetId,
    /// The records to ask about: CSV, with labels to compare with.
    #[arg(long)]
    pub(in crate::commands) records: PathBuf,
    /// How many of them.
    #[arg(long, default_value_t = 10)]
    pub(in crate::commands) count: usize,
    /// A file that answers are added to, one a line with its signed receipt: what `dataset flag` and `dataset correct` need.
    #[arg(long)]
    pub(in crate::commands) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Connect {
    /// URL of the host.
    #[arg(long)]
    pub(in crate::commands) host: String,
    /// The license of the acting account.
    #[arg(long)]
    pub(in crate::commands) license: U256,
    /// How long a session key is good for, in hours; a new one is signed in before it ends.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=8_784))]
    pub(in crate::commands) hours: u64,
}

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Key {
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
pub(in crate::commands) enum Ledger {
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

#[derive(Debug, Args)]
pub(in crate::commands) struct Submission {
    /// URL of the host.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    pub(in crate::commands) host: String,
    #[command(subcommand)]
    pub(in crate::commands) what: Decision,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(in crate::commands) enum Decision {
    /// Everything that was submitted, and the alarms that are on.
    List,
    /// Try once more what was halted or has failed. The chain is looked at first.
    Retry {
        /// Its name, as `list` has it.
        key: B256,
    },
    /// Go on with something no more; a nonce that was taken is used up.
    GiveUp {
        /// Its name, as `list` has it.
        key: B256,
    },
    /// Say that it is known why somebody else used the key that posts.
    Acknowledge,
}
