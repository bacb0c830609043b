//! Every figure: its name, its meaning, and where it comes from.

use std::{fmt, iter};

use prometheus_client::{
    encoding::{MetricEncoder, NoLabelSet},
    metrics::MetricType,
};
use tributary_runtime::Histogram;
use tributary_sdk::{U256, api::RootStanding};
use tributary_submission::Status;

use super::snapshot::{EpochSeen, Figures, Snapshot};

/// How a figure moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only up, from the process's start.
    Counter,
    /// Up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}

/// A figure, for all models or of the process.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
    pub(super) samples: fn(&Snapshot) -> Vec<Sample>,
}

/// One value under its labels.
pub(super) struct Sample {
    pub(super) labels: Vec<String>,
    pub(super) value: Value,
}

/// A value.
pub(super) enum Value {
    Counter(f64),
    Gauge(f64),
    Histogram(Buckets),
}

/// A histogram at one moment.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    sum: f64,
    count: u64,
    /// Upper bounds, and how many values fell into each bucket alone.
    buckets: Vec<(f64, u64)>,
}

impl From<&Histogram> for Buckets {
    fn from(histogram: &Histogram) -> Self {
        let seen = histogram.snapshot();
        let bounds = histogram.bounds().iter().copied().chain(iter::once(f64::INFINITY));
        let below = iter::once(0).chain(seen.cumulative.iter().copied());
        let up_to = seen.cumulative.iter().copied().chain(iter::once(seen.count));
        let alone = up_to.zip(below).map(|(up_to, below): (u64, u64)| up_to.saturating_sub(below));
        Self { sum: seen.sum, count: seen.count, buckets: bounds.zip(alone).collect() }
    }
}

impl Value {
    pub(super) fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Counter(value) => encoder.encode_counter::<NoLabelSet, _, f64>(value, None),
            Self::Gauge(value) => encoder.encode_gauge(value),
            Self::Histogram(Buckets { sum, count, buckets }) => {
                encoder.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
            }
        }
    }
}

/// By their full names, the process first.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "ready",
        meaning: "1 while questions are taken, 0 before the models are warm and while the host drains",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| alone(Value::Gauge(bit(seen.ready))),
    },
    Family {
        name: "http_request_seconds",
        meaning: "Answered requests and their duration; code is `ok` or the refusal's code",
        kind: Kind::Histogram,
        labels: &["method", "route", "code"],
        samples: |seen| {
            let sample = |(labels, buckets): &(Vec<String>, Buckets)| Sample {
                labels: labels.clone(),
                value: Value::Histogram(buckets.clone()),
            };
            seen.traffic.iter().map(sample).collect()
        },
    },
    Family {
        name: "model",
        meaning: "1 for every served model: its release, and the execution provider that was asked for and that runs",
        kind: Kind::Gauge,
        labels: &["model", "release", "asked", "running"],
        samples: |seen| {
            let sample = |model: &Figures| {
                let info = &model.info;
                let names = [info.version.to_string(), info.asked_provider.clone(), info.execution_provider.clone()];
                let labels = iter::once(info.asset.to_string()).chain(names).collect();
                Sample { labels, value: Value::Gauge(1.0) }
            };
            seen.models.iter().map(sample).collect()
        },
    },
    Family {
        name: "queue_waiting",
        meaning: "Questions that wait for a pass",
        kind: Kind::Gauge,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Gauge(model.batches.waiting as f64)),
    },
    Family {
        name: "queue_left_out",
        meaning: "Questions that no pass took: `full` was refused, `deadline` passed in the queue, `gone` hung up",
        kind: Kind::Counter,
        labels: &["model", "reason"],
        samples: |seen| {
            each_of_models(seen, |model| {
                let batches = &model.batches;
                [("full", batches.rejected), ("deadline", batches.expired), ("gone", batches.abandoned)]
                    .map(|(reason, count)| (reason.to_owned(), Value::Counter(count as f64)))
                    .into()
            })
        },
    },
    Family {
        name: "batch_records",
        meaning: "Records in each pass of ONNX Runtime",
        kind: Kind::Histogram,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Histogram(model.batch_records.clone())),
    },
    Family {
        name: "pass_seconds",
        meaning: "Duration of each pass",
        kind: Kind::Histogram,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Histogram(model.pass_seconds.clone())),
    },
    Family {
        name: "sketch_seconds",
        meaning: "Duration of summing and quantising an answer's sketch and scoring all contributors by it",
        kind: Kind::Histogram,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Histogram(model.sketch_seconds.clone())),
    },
    Family {
        name: "ledger_commits",
        meaning: "Durable commits of the ledger; `failed` lost their writes, whose callers were told",
        kind: Kind::Counter,
        labels: &["model", "outcome"],
        samples: |seen| {
            each_of_models(seen, |model| {
                [("durable", model.commits.commits), ("failed", model.commits.failed)]
                    .map(|(outcome, count)| (outcome.to_owned(), Value::Counter(count as f64)))
                    .into()
            })
        },
    },
    Family {
        name: "ledger_writes",
        meaning: "Writes in durable commits; over the commits, the rows that one flush to disk carries",
        kind: Kind::Counter,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Counter(model.commits.writes as f64)),
    },
    Family {
        name: "ledger_commit_seconds",
        meaning: "Seconds spent in commits",
        kind: Kind::Counter,
        labels: &["model"],
        samples: |seen| of_models(seen, |model| Value::Counter(model.commits.seconds)),
    },
    Family {
        name: "chain_up",
        meaning: "1 if the node answered for this page; without an answer the figures of epochs and roots are missing",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| alone(Value::Gauge(bit(seen.head.is_some()))),
    },
    Family {
        name: "chain_block",
        meaning: "Number of the newest block",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| seen.head.map_or_else(Vec::new, |head| alone(Value::Gauge(head.number as f64))),
    },
    Family {
        name: "chain_block_timestamp",
        meaning: "Time of the newest block, in seconds since 1970",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| seen.head.map_or_else(Vec::new, |head| alone(Value::Gauge(head.timestamp as f64))),
    },
    Family {
        name: "epoch",
        meaning: "Index of the epoch that has no root yet",
        kind: Kind::Gauge,
        labels: &["model"],
        samples: |seen| of_epochs(seen, |epoch| Value::Gauge(epoch.index as f64)),
    },
    Family {
        name: "epoch_lag_seconds",
        meaning: "The chain's time since the last posted epoch ended, or since the model was published",
        kind: Kind::Gauge,
        labels: &["model"],
        samples: |seen| of_epochs(seen, |epoch| Value::Gauge(epoch.lag as f64)),
    },
    Family {
        name: "epoch_attestations",
        meaning: "Words of attestors about the closed epoch that waits for its root: `attested`, `refused`, and `needed`",
        kind: Kind::Gauge,
        labels: &["model", "word"],
        samples: |seen| {
            each_of_models(seen, |model| {
                let Some(words) = model.epoch.as_ref().and_then(|epoch| epoch.words) else { return Vec::new() };
                [("attested", words.attested), ("refused", words.refused), ("needed", words.needed)]
                    .map(|(word, count)| (word.to_owned(), Value::Gauge(count as f64)))
                    .into()
            })
        },
    },
    Family {
        name: "root_state",
        meaning: "1 for the state of the newest root on chain: `posted`, `challenged`, `active`, or `none`",
        kind: Kind::Gauge,
        labels: &["model", "state"],
        samples: |seen| {
            each_of_models(seen, |model| {
                let Some(epoch) = &model.epoch else { return Vec::new() };
                let now = match epoch.newest {
                    None | Some((_, RootStanding::Closed)) => "none",
                    Some((_, RootStanding::Posted)) => "posted",
                    Some((_, RootStanding::Challenged)) => "challenged",
                    Some((_, RootStanding::Active)) => "active",
                };
                ["none", "posted", "challenged", "active"]
                    .map(|state| (state.to_owned(), Value::Gauge(bit(state == now))))
                    .into()
            })
        },
    },
    Family {
        name: "submission_nonce",
        meaning: "The next nonce of the account that posts",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| of_submission(seen, |status| Value::Gauge(status.nonce as f64)),
    },
    Family {
        name: "submission_pending",
        meaning: "Transactions that wait for their block",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| of_submission(seen, |status| Value::Gauge(status.pending as f64)),
    },
    Family {
        name: "submission_pending_seconds",
        meaning: "How long the oldest of them has waited since it was first signed",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| of_submission(seen, |status| Value::Gauge(status.pending_age as f64)),
    },
    Family {
        name: "submission_attempts",
        meaning: "Signatures for what is not at an end: replacements with higher fees count",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| of_submission(seen, |status| Value::Gauge(status.attempts as f64)),
    },
    Family {
        name: "submission_fees_paid_wei",
        meaning: "Fees of all final transactions, rounded to what a float holds",
        kind: Kind::Counter,
        labels: &[],
        samples: |seen| of_submission(seen, |status| Value::Counter(wei(status.fees_paid))),
    },
    Family {
        name: "submission_balance_wei",
        meaning: "The account's balance when it last signed, rounded to what a float holds",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| {
            let balance = |status: &Status| status.balance.map(|balance| Value::Gauge(wei(balance)));
            seen.submission.as_ref().and_then(balance).map_or_else(Vec::new, alone)
        },
    },
    Family {
        name: "submission_runway",
        meaning: "How many more transactions that balance pays, at the fees of then",
        kind: Kind::Gauge,
        labels: &[],
        samples: |seen| {
            let runway = |status: &Status| status.runway.map(|runway| Value::Gauge(runway as f64));
            seen.submission.as_ref().and_then(runway).map_or_else(Vec::new, alone)
        },
    },
    Family {
        name: "submission_intents",
        meaning: "What was ever to be submitted, by its state (docs/submission.md)",
        kind: Kind::Gauge,
        labels: &["state"],
        samples: |seen| counted(seen, |status| &status.intents),
    },
    Family {
        name: "submission_alarms",
        meaning: "Alarms that are on (docs/submission.md says what each means)",
        kind: Kind::Gauge,
        labels: &["alarm"],
        samples: |seen| counted(seen, |status| &status.alarms),
    },
];

fn alone(value: Value) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value }]
}

fn of_models(seen: &Snapshot, value: impl Fn(&Figures) -> Value) -> Vec<Sample> {
    seen.models.iter().map(|model| Sample { labels: vec![model.info.asset.to_string()], value: value(model) }).collect()
}

/// Several values a model, each under a second label.
fn each_of_models(seen: &Snapshot, values: impl Fn(&Figures) -> Vec<(String, Value)>) -> Vec<Sample> {
    let of_one = |model: &Figures| {
        let asset = model.info.asset.to_string();
        let sample = move |(label, value)| Sample { labels: vec![asset.clone(), label], value };
        values(model).into_iter().map(sample).collect::<Vec<_>>()
    };
    seen.models.iter().flat_map(of_one).collect()
}

fn of_epochs(seen: &Snapshot, value: impl Fn(&EpochSeen) -> Value) -> Vec<Sample> {
    let sample = |model: &Figures| {
        let epoch = model.epoch.as_ref()?;
        Some(Sample { labels: vec![model.info.asset.to_string()], value: value(epoch) })
    };
    seen.models.iter().filter_map(sample).collect()
}

fn of_submission(seen: &Snapshot, value: impl Fn(&Status) -> Value) -> Vec<Sample> {
    seen.submission.as_ref().map_or_else(Vec::new, |status| alone(value(status)))
}

fn counted(seen: &Snapshot, counts: impl Fn(&Status) -> &std::collections::BTreeMap<&'static str, u64>) -> Vec<Sample> {
    let Some(status) = &seen.submission else { return Vec::new() };
    let sample = |(label, count): (&&str, &u64)| Sample {
        labels: vec![(*label).to_owned()],
        value: Value::Gauge(*count as f64),
    };
    counts(status).iter().map(sample).collect()
}

fn bit(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn wei(amount: U256) -> f64 {
    f64::from(amount)
}
