//! Epochs, watching, payouts, audits.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{Args, Subcommand};
use tributary_chain::revenue;
use tributary_sdk::AssetId;

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Epoch {
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
pub(in crate::commands) struct Audit {
    /// URL of the batch.
    #[arg(long)]
    pub(in crate::commands) batch: String,
    /// Ask so many of its receipts again, from inputs that the host keeps; the acting account is an attestor, or the payer.
    #[arg(long, requires_all = ["host", "release"])]
    pub(in crate::commands) sample: Option<usize>,
    /// URL of the host, for the inputs, and for the sketches that a copy of the batch elsewhere does not have.
    #[arg(long)]
    pub(in crate::commands) host: Option<String>,
    /// Run folder of the release.
    #[arg(long)]
    pub(in crate::commands) release: Option<PathBuf>,
}

/// What an asset earns in one token.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::commands) struct Revenue {
    /// The asset's vault.
    #[arg(long)]
    vault: Address,
    /// The token.
    #[arg(long)]
    token: Address,
}

impl From<Revenue> for revenue::Account {
    fn from(Revenue { vault, token }: Revenue) -> Self {
        Self { vault, token }
    }
}

/// Who is paid, and where to.
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::commands) struct Paid {
    /// Who is paid; the acting account if not given.
    #[arg(long)]
    pub(in crate::commands) account: Option<Address>,
    /// Where the acting account wants it to go instead.
    #[arg(long, conflicts_with = "account")]
    pub(in crate::commands) to: Option<Address>,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Watch {
    /// URL of the host that publishes the batches.
    #[arg(long)]
    pub(in crate::commands) host: String,
    #[command(flatten)]
    pub(in crate::commands) on: Revenue,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Claim {
    /// URL of the host that has the proofs.
    #[arg(long)]
    pub(in crate::commands) host: String,
    /// The epoch.
    #[arg(long)]
    pub(in crate::commands) epoch: u64,
    #[command(flatten)]
    pub(in crate::commands) on: Revenue,
    #[command(flatten)]
    pub(in crate::commands) paid: Paid,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Withdraw {
    #[command(flatten)]
    pub(in crate::commands) on: Revenue,
    #[command(flatten)]
    pub(in crate::commands) paid: Paid,
}
