//! Training, publishing, selling.

use std::path::PathBuf;

use alloy::primitives::{Address, U256};
use clap::{Args, Subcommand, ValueEnum};
use tributary_factory::{
    base::{Adaptation, Lora},
    train::{Convergence, Descent, Method},
};
use tributary_sdk::{AssetId, release::SketchReaders};

#[derive(Debug, Args)]
pub(in crate::commands) struct Train {
    /// The held-out records of the dataset: CSV.
    #[arg(long)]
    pub(in crate::commands) held_out: PathBuf,
    /// Records that the model is measured on: CSV.
    #[arg(long)]
    pub(in crate::commands) test: PathBuf,
    /// The recipe: TOML, as docs/factory.md shows. Without one, softmax or linear regression to convergence.
    #[arg(long)]
    pub(in crate::commands) recipe: Option<PathBuf>,
    /// Start from this ONNX model instead of what the recipe says: a release of others, or a model trained elsewhere.
    #[arg(long)]
    pub(in crate::commands) base: Option<PathBuf>,
    /// What of the base is trained.
    #[arg(long, value_enum, requires = "base")]
    pub(in crate::commands) adapt: Option<Adapt>,
    /// Train so instead of how the recipe says, with usual numbers.
    #[arg(long, value_enum)]
    pub(in crate::commands) method: Option<TrainBy>,
    /// The seed, instead of the recipe's.
    #[arg(long)]
    pub(in crate::commands) seed: Option<u64>,
    /// Threads inside one operator.
    #[arg(long, default_value_t = 1)]
    pub(in crate::commands) threads: usize,
    /// How old, in seconds, the state may be that a training that is stopped goes on from.
    #[arg(long, default_value_t = 10)]
    pub(in crate::commands) state_every: u64,
    /// What the model is meant for, for its card.
    #[arg(long, default_value = "")]
    pub(in crate::commands) purpose: String,
    /// A sentence for the card on what its numbers do not bear; may be given several times.
    #[arg(long = "limit")]
    pub(in crate::commands) limits: Vec<String>,
    /// Retrain on so many random halves of the contributors, to measure how well attribution ranks them; 8 or more.
    #[arg(long, default_value_t = 0)]
    pub(in crate::commands) audit: usize,
    /// Retrain without each of so many contributors and measure on their records.
    #[arg(long, default_value_t = 0)]
    pub(in crate::commands) hold_outs: usize,
    /// Train and audit at these weight decays as well, separated by commas, to see what attributability costs.
    #[arg(long, value_delimiter = ',', requires = "audit")]
    pub(in crate::commands) frontier: Vec<f64>,
    /// Who may read the sketches of the release's answers: with them anybody can recompute who is paid what, and
    /// learn something of what was asked (docs/privacy.md).
    #[arg(long, value_enum, default_value_t)]
    pub(in crate::commands) sketch_readers: Readers,
}

/// What of a base is trained.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::commands) enum Adapt {
    /// A new last layer.
    Head,
    /// All weights.
    Full,
    /// Low-rank adapters beside its dense layers.
    Lora,
}

impl From<Adapt> for Adaptation {
    fn from(adapt: Adapt) -> Self {
        match adapt {
            Adapt::Head => Self::Head,
            Adapt::Full => Self::Full,
            Adapt::Lora => Self::Lora(Lora::default()),
        }
    }
}

/// How a model is trained.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::commands) enum TrainBy {
    /// To the minimum of its objective: ready for attribution.
    Converge,
    /// In mini-batches with AdamW.
    Adamw,
    /// In mini-batches with momentum.
    Sgd,
}

impl From<TrainBy> for Method {
    fn from(by: TrainBy) -> Self {
        match by {
            TrainBy::Converge => Self::Converge(Convergence::default()),
            TrainBy::Adamw => Self::Descend(Descent::adamw()),
            TrainBy::Sgd => Self::Descend(Descent::momentum()),
        }
    }
}

/// Who may read sketches.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(in crate::commands) enum Readers {
    /// Anybody.
    #[default]
    Public,
    /// The vault's attestors.
    Attestors,
}

impl From<Readers> for SketchReaders {
    fn from(readers: Readers) -> Self {
        match readers {
            Readers::Public => Self::Public,
            Readers::Attestors => Self::Attestors,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Publish {
    /// The model's name.
    #[arg(long)]
    pub(in crate::commands) name: String,
    /// Basis points to the dataset's vault.
    #[arg(long, default_value_t = 500)]
    pub(in crate::commands) dataset_bps: u16,
    /// The model that training started from, if it has a release on this chain.
    #[arg(long)]
    pub(in crate::commands) base: Option<AssetId>,
    /// Which version of it; the newest if not given.
    #[arg(long, requires = "base")]
    pub(in crate::commands) base_version: Option<u32>,
    /// Basis points to the base's vault: at least what its owner asks of derived models.
    #[arg(long, default_value_t = 0, requires = "base")]
    pub(in crate::commands) base_bps: u16,
    /// The license under which the model is derived, if the base's owner asks for one.
    #[arg(long, requires = "base")]
    pub(in crate::commands) base_license: Option<U256>,
    /// Basis points to the acting account, who built it.
    #[arg(long, default_value_t = 2_000)]
    pub(in crate::commands) builder_bps: u16,
    /// Who serves it.
    #[arg(long)]
    pub(in crate::commands) host: Address,
    /// Basis points to the host.
    #[arg(long, default_value_t = 1_000)]
    pub(in crate::commands) host_bps: u16,
    /// Who curates the data; the acting account if not given.
    #[arg(long)]
    pub(in crate::commands) curators: Option<Address>,
    /// Basis points to the curators.
    #[arg(long, default_value_t = 500)]
    pub(in crate::commands) curators_bps: u16,
    /// Basis points to the pool that attribution divides.
    #[arg(long, default_value_t = 6_000)]
    pub(in crate::commands) pool_bps: u16,
    /// Who may attest roots.
    #[arg(long, required = true, num_args = 1..)]
    pub(in crate::commands) attestors: Vec<Address>,
    /// How many attestors a root needs.
    #[arg(long, default_value_t = 2)]
    pub(in crate::commands) threshold: u8,
    /// How long a posted root waits, in seconds.
    #[arg(long, default_value_t = 86_400)]
    pub(in crate::commands) window: u32,
    /// Who rules on challenged roots; nobody if not given: then only faults that can be proven count.
    #[arg(long)]
    pub(in crate::commands) arbiter: Option<Address>,
    /// How long the arbiter has, in seconds.
    #[arg(long, default_value_t = 259_200)]
    pub(in crate::commands) arbiter_period: u32,
    /// What a challenger stakes, in wei of the chain's coin.
    #[arg(long, default_value_t = 10_000_000_000_000_000)]
    pub(in crate::commands) challenge_bond: u64,
    /// What is staked on a root, in wei of the chain's coin.
    #[arg(long, default_value_t = 0)]
    pub(in crate::commands) poster_bond: u64,
    /// How long attestors may be silent before the pool can go to the dataset's vault, in seconds; 0 is for ever.
    #[arg(long, default_value_t = 7_776_000)]
    pub(in crate::commands) fallback_after: u32,
}

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum License {
    /// Offer licenses to the published model, as a terms file says; what is on offer already is not offered again.
    Offer {
        /// The terms: TOML, as docs/factory.md shows.
        #[arg(long)]
        terms: PathBuf,
        /// Change nothing: check the file, and show what would be offered.
        #[arg(long)]
        check: bool,
    },
    /// Say in words what an offer costs and allows.
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
