//! A dataset: its steward's commands, and its contributors'.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, Bytes};
use clap::{Args, Subcommand, ValueEnum};
use tributary_dataset::access::Purposes;

use super::MOST_DAYS;

#[derive(Debug, Subcommand)]
pub(in crate::commands) enum Dataset {
    /// Register a dataset of the acting account under its charter, and commit to its held-out records.
    Create(Box<Create>),
    /// Take contributions to the registered dataset over HTTP; the acting account signs receipts.
    Serve,
    /// Contribute records of the acting account under a signed consent: to the dataset's host, or into the data folder.
    Contribute(Contribute),
    /// Say what the dataset's host has of a prepared contribution, and prove what the newest snapshot has of it.
    Status {
        /// The dataset's host.
        #[arg(long)]
        host: String,
        /// The folder the contribution was prepared in.
        #[arg(long)]
        bundle: PathBuf,
    },
    /// Screen what was contributed; nothing is published. The report is left in screening.md and screening.json.
    Screen {
        /// The held-out records of `create`.
        #[arg(long)]
        held_out: PathBuf,
    },
    /// Decide about a record by hand; it holds from the next screening on.
    Rule {
        /// The contribution: its consent's id.
        #[arg(long)]
        contribution: B256,
        /// Which of its records, from 0.
        #[arg(long)]
        place: u32,
        /// What becomes of it.
        #[arg(long, value_enum)]
        decision: Ruled,
        /// Why; contributors read it.
        #[arg(long)]
        reason: String,
    },
    /// List the appeals that no ruling has answered.
    Appeals,
    /// Ask the curator to look at a record of the acting account again.
    Appeal {
        /// The dataset's host.
        #[arg(long)]
        host: String,
        /// The contribution: its consent's id.
        #[arg(long)]
        contribution: B256,
        /// Which of its records, from 0.
        #[arg(long)]
        place: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Contribute records that were asked about and answered wrongly, and say which answers they correct. Given again, it goes
    /// on where it was broken off.
    Correct(Correct),
    /// Say that an answer is wrong, without a record.
    Flag {
        /// The host of a dataset that the model is made of.
        #[arg(long)]
        host: String,
        /// The answer's receipt.
        #[arg(long)]
        receipt: B256,
        /// The file that `ask --keep` wrote.
        #[arg(long)]
        answers: PathBuf,
        /// What is wrong.
        #[arg(long)]
        reason: String,
    },
    /// List the records that wait to be looked at, for the curator, the owner and validators.
    Held {
        /// The dataset's host.
        #[arg(long)]
        host: String,
    },
    /// Say as a validator what should become of a held record; it cannot be changed.
    Review {
        /// The dataset's host.
        #[arg(long)]
        host: String,
        /// The contribution: its consent's id.
        #[arg(long)]
        contribution: B256,
        /// Which of its records, from 0.
        #[arg(long)]
        place: u64,
        /// It is right.
        #[arg(long, required_unless_present = "reject", conflicts_with = "reject")]
        accept: bool,
        /// It is not.
        #[arg(long)]
        reject: bool,
        /// Why; contributors read it.
        #[arg(long)]
        reason: String,
    },
    /// Pay validators their part of what the acting account has withdrawn as curators of models, by accepted reviews. Given
    /// again, it goes on where it was broken off, and pays nothing twice.
    PayValidators {
        /// The token.
        #[arg(long)]
        token: Address,
        /// Vaults of models whose curators the acting account is; those of earlier payments are known.
        #[arg(long = "vault", required = true)]
        vaults: Vec<Address>,
    },
    /// List the answers that their buyers flagged, and those that records correct.
    Flags,
    /// Screen what was contributed and publish what is accepted as the next version.
    Snapshot {
        /// The held-out records of `create`.
        #[arg(long)]
        held_out: PathBuf,
    },
    /// Let somebody use the dataset.
    Grant {
        /// Who.
        #[arg(long)]
        to: Address,
        /// What for: train, evaluate, curate, audit, contribute; several with commas.
        #[arg(long, default_value = "train")]
        purposes: Purposes,
        /// For how many days.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MOST_DAYS))]
        days: u64,
    },
    /// End somebody's grant at once.
    Revoke {
        /// Whose.
        #[arg(long)]
        from: Address,
    },
    /// Withdraw a contribution of the acting account, or one record of it.
    Withdraw {
        /// The consent's id.
        #[arg(required_unless_present = "bundle")]
        id: Option<B256>,
        /// The folder the contribution was prepared in, to withdraw one record of it.
        #[arg(long, requires_all = ["host", "place"], conflicts_with = "id")]
        bundle: Option<PathBuf>,
        /// The dataset's host.
        #[arg(long)]
        host: Option<String>,
        /// Which record, from 0.
        #[arg(long)]
        place: Option<u64>,
    },
    /// Have the dataset's host delete those records of a contribution that were rejected or withdrawn.
    Erase {
        /// The dataset's host.
        #[arg(long)]
        host: String,
        /// The contribution: its consent's id.
        #[arg(long)]
        contribution: B256,
    },
    /// Read who has used the records for what, and check that nothing was changed in it.
    AccessLog {
        /// The dataset's host.
        #[arg(long)]
        host: String,
    },
    /// Look at every sealed record; what is lost or was changed is forgotten, so that it can be sent again.
    Mend,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Create {
    /// Its name.
    #[arg(long)]
    pub(in crate::commands) name: String,
    /// What its records look like: a TOML file, as docs/factory.md shows.
    #[arg(long)]
    pub(in crate::commands) schema: PathBuf,
    /// The terms that contributors agree to: a text file.
    #[arg(long)]
    pub(in crate::commands) terms: PathBuf,
    /// What the records may be used for: train, evaluate, audit; several with commas.
    #[arg(long, default_value = "train,evaluate,audit")]
    pub(in crate::commands) purposes: Purposes,
    /// Who may contribute: `open`, `admitted` (whom the owner grants `contribute`), `holders:<token>:<least>`, or a file with
    /// one account a line.
    #[arg(long, default_value = "open")]
    pub(in crate::commands) members: String,
    /// Who screens and answers appeals; the acting account if not given.
    #[arg(long)]
    pub(in crate::commands) curator: Option<Address>,
    /// How many validators must say the same of a held record to decide about it beside the curator; the curator alone if
    /// not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::commands) validators: Option<u32>,
    /// What part of the curators' income is the validators', in basis points.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=10_000), requires = "validators")]
    pub(in crate::commands) validators_bps: u16,
    /// How contributions are screened: a TOML file, as docs/factory.md shows.
    #[arg(long)]
    pub(in crate::commands) screening: Option<PathBuf>,
    /// How the pool is divided, which contributors agree to as well: epoch-signed/1 or per-inference/1.
    #[arg(long, default_value = "epoch-signed/1")]
    pub(in crate::commands) pay_policy: String,
    /// Records nobody trains on, for gate and baseline shares.
    #[arg(long)]
    pub(in crate::commands) held_out: PathBuf,
    /// Who is paid what the dataset's vault receives; the acting account if not given.
    #[arg(long)]
    pub(in crate::commands) payee: Option<Address>,
    /// Where sealed records are kept: a folder, or s3://bucket/prefix; in the data folder if not given.
    #[arg(long)]
    pub(in crate::commands) store: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Contribute {
    /// The records: a .csv, .jsonl, .npy, .npz or .parquet file.
    #[arg(long)]
    pub(in crate::commands) records: PathBuf,
    /// The dataset's host; into the data folder of this machine if not given.
    #[arg(long, requires = "bundle")]
    pub(in crate::commands) host: Option<String>,
    /// A folder of the contributor's own for the prepared contribution. Given again, it goes on where it was broken off.
    #[arg(long, requires = "host")]
    pub(in crate::commands) bundle: Option<PathBuf>,
    /// Who gives the records and is paid for them, where that is not the acting account: a hardware wallet or a multisig. Its
    /// typed data is printed to be signed, and the acting account pays for the transactions.
    #[arg(long, requires = "bundle")]
    pub(in crate::commands) contributor: Option<Address>,
    /// The contributor's signature of the typed data that was printed.
    #[arg(long, requires = "contributor")]
    pub(in crate::commands) signature: Option<Bytes>,
}

#[derive(Debug, Args)]
pub(in crate::commands) struct Correct {
    /// The host of a dataset that the model is made of.
    #[arg(long)]
    pub(in crate::commands) host: String,
    /// The records as they were asked about, with the classes that are right.
    #[arg(long)]
    pub(in crate::commands) records: PathBuf,
    /// A folder of the contributor's own for the prepared contribution.
    #[arg(long)]
    pub(in crate::commands) bundle: PathBuf,
    /// The file that `ask --keep` wrote.
    #[arg(long)]
    pub(in crate::commands) answers: PathBuf,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::commands) enum Ruled {
    /// It is in.
    Accept,
    /// It waits.
    Hold,
    /// It is out.
    Reject,
}
