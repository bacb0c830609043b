//! Training, publishing, selling.

use std::path::PathBuf;

use alloy::primitives::U256;
use clap::{Args, Subcommand, ValueEnum};
use tributary_factory::{
    base::{Adaptation, Lora},
    train::{Convergence, Descent, Method},
};
use tributary_sdk::release::SketchReaders;

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
pub(in crate::commands) struct Release {
    /// The plan: TOML, as docs/factory.md shows. It names the model, its shares, attestors and what it must have shown.
    #[arg(long)]
    pub(in crate::commands) plan: PathBuf,
    /// What is sold: a terms file, as docs/factory.md shows. Its offers are made once the release is published; those that
    /// are made already stand.
    #[arg(long)]
    pub(in crate::commands) terms: Option<PathBuf>,
    /// Look it through and say what would be published; publish nothing.
    #[arg(long)]
    pub(in crate::commands) check: bool,
    /// Keep the release in this store as well, a folder or s3://bucket/prefix, where hosts look for it.
    #[arg(long)]
    pub(in crate::commands) store: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum License {
    /// Offer licenses to the published model, as a terms file says; what is on offer already is not offered again.
    Offer {
        /// The terms: TOML, as docs/factory.md shows.
        #[arg(long)]
        terms: PathBuf,
        /// Keep the texts in this store as well, where the model's host looks for them.
        #[arg(long)]
        store: Option<String>,
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
