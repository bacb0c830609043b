//! Contributions come back out, by purpose.
//!
//! Nothing is opened before the log says who opens it and what for; whoever reads for training is there with a grant that the
//! chain holds now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use alloy::primitives::{Address, B256};
use tributary_chain::{Chain, assets, consent};
use tributary_dataset::{
    Contribution, DatasetError,
    access::{Access, AccessLog, Grant, Head, Purposes},
    contribution::Part,
    snapshot::{Contents, Ordered, Withdrawals},
};
use tributary_sdk::AssetId;

use super::{Collection, DatasetRefusal, Kept, LOG_FILE};
use crate::steps::StepError;

/// How often, and how many times, an access log that somebody else writes is tried again.
const LOG_AGAIN: Duration = Duration::from_millis(50);
const LOG_TRIES: u32 = 200;

/// Who reads, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Who.
    pub by: Address,
    /// What for.
    pub purposes: Purposes,
    /// Which snapshot; none is everything there is.
    pub version: Option<u32>,
}

/// Everything that stands of a dataset, in the chain's order of commitments.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The contributions that are here and on chain, earliest first.
    pub contributions: Vec<Ordered>,
    /// What their contributors took back.
    pub withdrawals: Withdrawals,
    /// Contributions that are here whole and not on chain, or the other way round: nothing is done with them.
    pub waiting: Vec<B256>,
}

impl Collection {
    /// Opens what stands of the dataset for somebody, or of it only what a snapshot has, after the log has said so.
    ///
    /// # Errors
    /// [`DatasetRefusal::NotChartered`] and those of a [`Grant`] for who may not; [`DatasetError::Withdrawn`] if something in the
    /// snapshot was taken back; a blob that is missing or is not what was kept. Nothing is opened before that is known.
    pub async fn open_for(&self, reading: Reading, wanted: Option<&Contents>) -> Result<Collected, DatasetRefusal> {
        let _alone = self.alone().await?;
        let grant = self.grant(reading.by, reading.purposes).await?;
        let recorded = consent::of_dataset(&self.chain, self.asset()).await?;
        let (mut standing, mut waiting) = (Vec::new(), Vec::new());
        let mut here = BTreeSet::new();
        for id in self.kept_ids()? {
            let Some(kept) = self.kept(id)? else { continue };
            here.insert(id);
            match recorded.get(&id) {
                Some(consent) if kept.receipt.is_some() && kept.missing().is_empty() => {
                    if wanted.is_none_or(|wanted| wanted.contributions.contains_key(&id)) {
                        standing.push((consent.priority, kept));
                    }
                }
                _ => waiting.push(id),
            }
        }
        waiting.extend(recorded.keys().filter(|id| !here.contains(*id)));
        standing.sort_by_key(|(priority, kept)| (*priority, kept.id));
        let withdrawals = taken_back(&self.chain, &recorded).await?;
        if let Some(wanted) = wanted {
            wanted.check(&withdrawals)?;
        }
        // What is withdrawn is opened for nobody.
        let open: Vec<_> = standing.iter().filter(|(_, kept)| !withdrawals.contributions.contains(&kept.id)).collect();
        self.log(reading, &grant, &open).await?;
        let mut contributions = Vec::with_capacity(open.len());
        for ((block, _), kept) in open {
            contributions.push(Ordered { contribution: self.unseal(kept).await?, batch: *block });
        }
        Ok(Collected { contributions, withdrawals, waiting })
    }

    /// The grant by which somebody may read for some purposes now. The owner needs none, and the curator none to curate.
    pub(super) async fn grant(&self, by: Address, purposes: Purposes) -> Result<Grant, DatasetRefusal> {
        if !self.charter.purposes.contains(purposes) && purposes != Purposes::CURATE {
            return Err(DatasetRefusal::NotChartered(purposes));
        }
        let now = self.chain.head().await?.timestamp;
        let is_curator = purposes == Purposes::CURATE
            && (by == self.charter.curator || by == assets::owner(&self.chain, self.asset()).await?);
        if is_curator {
            return Ok(Grant { grantee: by, purposes, valid_until: u64::MAX });
        }
        let grant = grant(&self.chain, self.asset(), by).await?;
        grant.allows(purposes, now)?;
        Ok(grant)
    }

    async fn log(&self, reading: Reading, grant: &Grant, open: &[&((u64, u64), Kept)]) -> Result<Head, DatasetRefusal> {
        let parts = open.iter().flat_map(|(_, kept)| kept.parts.iter().flatten());
        let access = Access {
            at: self.chain.head().await?.timestamp,
            by: reading.by,
            purposes: reading.purposes,
            dataset: self.asset(),
            version: reading.version,
            valid_until: grant.valid_until,
            blobs: parts.clone().count() as u64,
            records: parts.map(|part| part.records).sum(),
            evidence: None,
        };
        Ok(self.access_log().await?.append(&access)?)
    }

    /// The access log, once nobody else writes it.
    pub(crate) async fn access_log(&self) -> Result<AccessLog, DatasetRefusal> {
        let path = self.data.join(LOG_FILE);
        let mut tries = 0;
        loop {
            match AccessLog::open(&path) {
                Err(DatasetError::LogInUse { .. }) if tries < LOG_TRIES => {
                    tries += 1;
                    tokio::time::sleep(LOG_AGAIN).await;
                }
                other => return Ok(other?),
            }
        }
    }

    /// The log as everybody may read it.
    ///
    /// # Errors
    /// [`StepError::File`].
    pub fn access_lines(&self) -> Result<Vec<u8>, StepError> {
        let path = self.data.join(LOG_FILE);
        match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.map_err(|source| StepError::File { path, source }),
        }
    }

    /// The records of a contribution.
    async fn unseal(&self, kept: &Kept) -> Result<Contribution, DatasetRefusal> {
        let (mut entries, mut seed) = (Vec::new(), B256::ZERO);
        for (place, part) in kept.parts.iter().enumerate() {
            let Some(part) = part else { return Err(DatasetRefusal::Incomplete(kept.missing())) };
            let bytes = self.store.get(part.blob, &self.context(kept.id, place)).await?;
            let part = Part::decode(&bytes, &self.charter.schema)?;
            seed = part.seed;
            entries.extend(part.entries);
        }
        let contributor = kept.consent.contribution.contributor;
        let contribution = Contribution { id: kept.id, contributor, seed, entries };
        match contribution.root()? == kept.consent.contribution.commitment {
            true => Ok(contribution),
            false => Err(DatasetRefusal::Broken(kept.id)),
        }
    }

    /// Looks at every sealed part, and opens none: those that are missing or are not what was kept are forgotten, so that their
    /// contributors can send them again. Blobs that nothing names, left by a crash, are deleted. Which parts were lost.
    ///
    /// # Errors
    /// Those of the store, and [`DatasetRefusal::NothingThere`] if every part is missing; nothing is forgotten then.
    pub async fn mend(&self) -> Result<BTreeMap<B256, Vec<u32>>, DatasetRefusal> {
        let _alone = self.alone().await?;
        let (mut lost, mut named, mut looked) = (BTreeMap::<B256, Vec<u32>>::new(), BTreeSet::new(), 0);
        for id in self.kept_ids()? {
            let Some(kept) = self.kept(id)? else { continue };
            for (place, part) in (0u32..).zip(&kept.parts) {
                let Some(part) = part else { continue };
                looked += 1;
                match self.store.sealed(part.blob).await {
                    Ok(_) => drop(named.insert(part.blob)),
                    Err(DatasetError::BlobMissing { .. } | DatasetError::BlobAltered { .. }) => {
                        lost.entry(id).or_default().push(place);
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        }
        if looked > 0 && named.is_empty() && self.store.list().await?.is_empty() {
            return Err(DatasetRefusal::NothingThere);
        }
        for (id, places) in &lost {
            places.iter().try_for_each(|place| self.forget_part(*id, *place as usize))?;
        }
        for blob in self.store.list().await?.into_iter().filter(|blob| !named.contains(blob)) {
            self.store.delete(blob).await?;
        }
        Ok(lost)
    }
}

/// What contributors to a dataset have taken back by now.
///
/// # Errors
/// [`DatasetRefusal::Chain`].
pub(crate) async fn withdrawals(chain: &Chain, dataset: AssetId) -> Result<Withdrawals, DatasetRefusal> {
    taken_back(chain, &consent::of_dataset(chain, dataset).await?).await
}

async fn taken_back(
    chain: &Chain,
    recorded: &BTreeMap<B256, consent::Recorded>,
) -> Result<Withdrawals, DatasetRefusal> {
    let ids: Vec<B256> = recorded.keys().copied().collect();
    let whole = recorded.iter().filter(|(_, consent)| consent.withdrawn).map(|(id, _)| *id);
    Ok(Withdrawals { contributions: whole.collect(), records: consent::withdrawn_records(chain, &ids).await? })
}

/// That somebody may train on a snapshot now: the grant stands, and nothing of it was taken back.
///
/// # Errors
/// Those of a [`Grant`], and [`DatasetError::Withdrawn`].
pub(crate) async fn permits(
    chain: &Chain,
    dataset: AssetId,
    builder: Address,
    contents: &Contents,
) -> Result<(), DatasetRefusal> {
    let now = chain.head().await?.timestamp;
    grant(chain, dataset, builder).await?.allows(Purposes::TRAIN, now)?;
    Ok(contents.check(&withdrawals(chain, dataset).await?)?)
}

/// The last grant to somebody, as the chain has it.
pub(crate) async fn grant(chain: &Chain, dataset: AssetId, grantee: Address) -> Result<Grant, DatasetRefusal> {
    let (purposes, valid_until) = consent::grant_of(chain, dataset, grantee).await?;
    Ok(Grant { grantee, purposes: Purposes::from_bits(purposes)?, valid_until })
}
