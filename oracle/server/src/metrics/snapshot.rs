//! What is read for one page of figures.

use std::time::Duration;

use tributary_chain::{Chain, Head, assets, epoch, root};
use tributary_ledger::CommitStats;
use tributary_runtime::BatchStats;
use tributary_sdk::api::{ModelInfo, RootStanding};
use tributary_submission::{Status, Submitter};

use super::{families::Buckets, traffic::Traffic};
use crate::host::{Host, Refusal, Service};

/// How long the node may take for a page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything on one page.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) ready: bool,
    pub(super) traffic: Vec<(Vec<String>, Buckets)>,
    pub(super) models: Vec<Figures>,
    /// The newest block, if the node answered.
    pub(super) head: Option<Head>,
    /// Of the account that posts, if the host posts by itself.
    pub(super) submission: Option<Status>,
}

/// Of one model.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) info: ModelInfo,
    pub(super) batches: BatchStats,
    pub(super) batch_records: Buckets,
    pub(super) pass_seconds: Buckets,
    pub(super) sketch_seconds: Buckets,
    pub(super) commits: CommitStats,
    /// None if the node did not answer.
    pub(super) epoch: Option<EpochSeen>,
}

/// Where a model's accounts stand.
#[derive(Debug)]
pub(super) struct EpochSeen {
    /// The epoch without a root.
    pub(super) index: u64,
    /// Seconds of the chain's time since the one before ended.
    pub(super) lag: u64,
    /// The newest root on chain.
    pub(super) newest: Option<(u64, RootStanding)>,
    /// About the epoch without a root, if it is closed.
    pub(super) words: Option<Words>,
}

/// What attestors have said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) attested: usize,
    pub(super) refused: usize,
    pub(super) needed: usize,
}

impl Snapshot {
    pub(super) async fn take(host: &Host, submitter: Option<&Submitter>, traffic: &Traffic) -> Self {
        let services = host.services();
        let mut models: Vec<Figures> = services.iter().map(|service| Figures::of(service)).collect();
        let mut head = None;
        let asked = tokio::time::timeout(PATIENCE, async {
            let newest =
                host.chain().head().await.inspect_err(|error| tracing::warn!(%error, "no figures of the chain"));
            let Ok(newest) = newest else { return };
            head = Some(newest);
            for (service, figures) in services.iter().zip(&mut models) {
                let asset = service.asset();
                let seen = EpochSeen::of(host.chain(), service, newest).await;
                figures.epoch =
                    seen.inspect_err(|error| tracing::warn!(model = %asset, %error, "no figures of it")).ok();
            }
        });
        if asked.await.is_err() {
            tracing::warn!("the node is too slow for the page of figures");
        }
        let submission = submitter.and_then(|submitter| {
            let status = submitter.status();
            status.inspect_err(|error| tracing::error!(%error, "the submission's figures cannot be read")).ok()
        });
        Self { ready: host.check_ready().is_ok(), traffic: traffic.figures(), models, head, submission }
    }
}

impl Figures {
    fn of(service: &Service) -> Self {
        let served = service.served();
        let model = served.model();
        Self {
            info: service.info(),
            batches: model.stats(),
            batch_records: model.batch_sizes().into(),
            pass_seconds: model.pass_seconds().into(),
            sketch_seconds: service.sketch_seconds().into(),
            commits: service.ledger().commits(),
            epoch: None,
        }
    }
}

impl EpochSeen {
    async fn of(chain: &Chain, service: &Service, head: Head) -> Result<Self, Refusal> {
        let on = service.on();
        let standing = epoch::standing(chain, on).await?;
        let since = match standing.period_end {
            0 => assets::version(chain, service.asset(), 1).await?.publishedAt,
            end => end,
        };
        let words = match service.words_of(standing.index)? {
            None => None,
            Some(quorum) => Some(Words {
                attested: quorum.attested.len(),
                refused: quorum.refused.len(),
                needed: root::policy(chain, on.vault).await?.threshold.into(),
            }),
        };
        Ok(Self {
            index: standing.index,
            lag: head.timestamp.saturating_sub(since),
            newest: root::newest(chain, on).await?,
            words,
        })
    }
}
