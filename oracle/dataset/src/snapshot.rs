//! Snapshots: which contributed records a dataset's version takes, in which order, under which commitments.

use std::collections::{BTreeMap, BTreeSet};

use tributary_sdk::{
    Address, B256,
    release::{SnapshotContribution, SnapshotManifest},
    snapshot::{SnapshotTree, counts_tree},
};

use crate::{
    Contribution, DatasetError, Record, Schema,
    screening::{Decision, Offered, Ruling, Said, Screening, ScreeningRules, screen},
};

/// A contribution and when it was committed to.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The contribution.
    pub contribution: Contribution,
    /// The order of its commitment on chain; contributions that were committed to together have the same.
    pub batch: u64,
}

/// What contributors took back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawals {
    /// Whole contributions.
    pub contributions: BTreeSet<B256>,
    /// Single records: contribution and commitment.
    pub records: BTreeSet<(B256, B256)>,
}

/// What a snapshot has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its contributions, and whose they are.
    pub contributions: BTreeMap<B256, Address>,
    /// The commitments to its records.
    pub commitments: BTreeSet<B256>,
}

impl Contents {
    /// What a published snapshot has.
    pub fn of(manifest: &SnapshotManifest, tree: &SnapshotTree) -> Self {
        let contributions = manifest.contributions.iter().map(|taken| (taken.id, taken.contributor));
        Self { contributions: contributions.collect(), commitments: tree.commitments().iter().copied().collect() }
    }

    /// That nothing of it was taken back.
    ///
    /// # Errors
    /// [`DatasetError::Withdrawn`].
    pub fn check(&self, withdrawals: &Withdrawals) -> Result<(), DatasetError> {
        let of_records = withdrawals.records.iter().filter(|(_, commitment)| self.commitments.contains(commitment));
        let mut back = withdrawals.contributions.iter().chain(of_records.map(|(id, _)| id));
        match back.find_map(|id| self.contributions.get_key_value(id)) {
            Some((id, contributor)) => Err(DatasetError::Withdrawn { contribution: *id, contributor: *contributor }),
            None => Ok(()),
        }
    }
}

/// What a snapshot is taken under.
#[derive(Clone, Copy, Debug)]
pub struct Taking<'a> {
    /// What records look like.
    pub schema: &'a Schema,
    /// How they are screened.
    pub rules: &'a ScreeningRules,
    /// Records that nobody may train on.
    pub held_out: &'a [Record],
    /// What contributors took back.
    pub withdrawals: &'a Withdrawals,
    /// What contributors and validators said about records.
    pub said: &'a Said,
    /// What the curator decided by hand.
    pub rulings: &'a [Ruling],
    /// Accounts with fewer accepted records share a row of the table; if all of those together have fewer, they are left
    /// out.
    pub least: usize,
}

/// A contribution with accepted records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The contribution.
    pub id: B256,
    /// Whose it is.
    pub contributor: Address,
    /// How many records it offered.
    pub offered: u32,
    /// The accepted records, by their place in the contribution, with their commitments.
    pub records: Vec<(u32, Record, B256)>,
}

/// The accepted records, contribution by contribution in order of priority. Only screening makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    schema: Schema,
    taken: Vec<Taken>,
}

/// What taking a snapshot did.
#[derive(Clone, Debug)]
pub struct Screened {
    /// What was accepted.
    pub snapshot: Snapshot,
    /// Why, for every record.
    pub screening: Screening,
    /// Records offered, withdrawn and erased ones aside.
    pub offered: usize,
    /// Contributions left out because their contributor withdrew them.
    pub withdrawn: Vec<B256>,
    /// Single records left out because their contributor withdrew them.
    pub withdrawn_records: usize,
    /// Records left out because the very same commitment came before.
    pub repeated: usize,
    /// Accounts with so few records that they share one row, each paid by records.
    pub sharing: Vec<Address>,
    /// Accounts left out because even together too few of their records were left.
    pub too_few: Vec<Address>,
}

impl Snapshot {
    /// Takes what stands of contributions given **in order of priority** (the chain's order of commitments) and passes
    /// screening.
    ///
    /// # Errors
    /// [`DatasetError::EmptySnapshot`].
    pub fn take(contributions: &[Ordered], taking: &Taking<'_>) -> Result<Screened, DatasetError> {
        let Taking { schema, withdrawals, .. } = *taking;
        let (mut offered, mut commitments) = (Vec::new(), Vec::new());
        let (mut withdrawn_records, mut repeated, mut seen) = (0, 0, BTreeSet::new());
        // The same commitment is the same record under the same seed, whichever contribution it stands in.
        let back: BTreeSet<B256> = withdrawals.records.iter().map(|(_, commitment)| *commitment).collect();
        for Ordered { contribution, batch } in contributions {
            if withdrawals.contributions.contains(&contribution.id) {
                continue;
            }
            for (place, (entry, commitment)) in (0..).zip(contribution.entries.iter().zip(contribution.commitments())) {
                if back.contains(&commitment) {
                    withdrawn_records += 1;
                    continue;
                }
                let Some(record) = entry.record() else { continue };
                // Sent again under the same seed: it is there already, and a tree takes it once.
                if !seen.insert(commitment) {
                    repeated += 1;
                    continue;
                }
                let (id, contributor) = (contribution.id, contribution.contributor);
                offered.push(Offered { contribution: id, contributor, batch: *batch, place, record });
                commitments.push(commitment);
            }
        }
        let screening = screen(schema, taking.rules, taking.held_out, &offered).with_said(taking.said);
        let mut screening = screening.with_rulings(taking.rulings);
        let (sharing, too_few) = small(&screening, taking.least);
        screening.hold_for_few(&too_few, taking.least);
        let mut taken: Vec<Taken> = Vec::new();
        for ((record, commitment), verdict) in offered.iter().zip(&commitments).zip(&screening.verdicts) {
            if taken.last().is_none_or(|last| last.id != record.contribution) {
                let (id, contributor) = (record.contribution, record.contributor);
                taken.push(Taken { id, contributor, offered: 0, records: Vec::new() });
            }
            let Some(last) = taken.last_mut() else { continue };
            last.offered += 1;
            if verdict.decision == Decision::Accept {
                last.records.push((record.place, record.record.clone(), *commitment));
            }
        }
        taken.retain(|taken| !taken.records.is_empty());
        let snapshot = Self { schema: schema.clone(), taken };
        match snapshot.len() {
            0 => Err(DatasetError::EmptySnapshot),
            _ => {
                let offered = offered.len();
                let withdrawn = withdrawals.contributions.iter().copied().collect();
                Ok(Screened { snapshot, screening, offered, withdrawn, withdrawn_records, repeated, sharing, too_few })
            }
        }
    }

    /// Of contributions as they are kept, the records that a published snapshot has taken.
    ///
    /// # Errors
    /// [`DatasetError::EmptySnapshot`].
    pub fn restore(
        schema: &Schema,
        manifest: &SnapshotManifest,
        contents: &Contents,
        contributions: &[Ordered],
    ) -> Result<Self, DatasetError> {
        let by_id: BTreeMap<B256, &Contribution> =
            contributions.iter().map(|ordered| (ordered.contribution.id, &ordered.contribution)).collect();
        let mut taken = Vec::with_capacity(manifest.contributions.len());
        let mut seen = BTreeSet::new();
        for summary in &manifest.contributions {
            let Some(contribution) = by_id.get(&summary.id) else { continue };
            let entries = (0..).zip(contribution.entries.iter().zip(contribution.commitments()));
            let records = entries
                .filter(|(_, (_, commitment))| contents.commitments.contains(commitment) && seen.insert(*commitment))
                .filter_map(|(place, (entry, commitment))| Some((place, entry.record()?.clone(), commitment)))
                .collect();
            let (id, contributor, offered) = (summary.id, contribution.contributor, summary.offered);
            taken.push(Taken { id, contributor, offered, records });
        }
        let snapshot = Self { schema: schema.clone(), taken };
        match snapshot.len() {
            0 => Err(DatasetError::EmptySnapshot),
            _ => Ok(snapshot),
        }
    }

    /// What the records look like.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The contributions with accepted records, and of each only those.
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Every accepted record with the account that is paid for it, in the snapshot's order.
    pub fn records(&self) -> impl Iterator<Item = (&Record, Address)> {
        self.taken.iter().flat_map(|taken| taken.records.iter().map(|(_, record, _)| (record, taken.contributor)))
    }

    /// How many records were accepted.
    pub fn len(&self) -> usize {
        self.taken.iter().map(|taken| taken.records.len()).sum()
    }

    /// Never: a snapshot without records is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records each account has in the snapshot.
    pub fn records_by_account(&self) -> BTreeMap<Address, u64> {
        let mut counts = BTreeMap::new();
        for taken in &self.taken {
            *counts.entry(taken.contributor).or_default() += taken.records.len() as u64;
        }
        counts
    }

    /// What it has, by contribution and commitment.
    pub fn contents(&self) -> Contents {
        let records = self.taken.iter().flat_map(|taken| &taken.records);
        Contents {
            contributions: self.taken.iter().map(|taken| (taken.id, taken.contributor)).collect(),
            commitments: records.map(|(_, _, commitment)| *commitment).collect(),
        }
    }

    /// The tree over the accepted records' commitments; its root is the version's content hash.
    ///
    /// # Errors
    /// [`DatasetError::Snapshot`].
    pub fn tree(&self) -> Result<SnapshotTree, DatasetError> {
        let records = self.taken.iter().flat_map(|taken| &taken.records);
        Ok(SnapshotTree::new(records.map(|(_, _, commitment)| *commitment).collect())?)
    }

    /// The manifest that is published with the version, with the hashes of what it was taken under.
    ///
    /// # Errors
    /// [`DatasetError::Snapshot`].
    pub fn manifest(&self, dataset: tributary_sdk::AssetId, under: Under) -> Result<SnapshotManifest, DatasetError> {
        let contributions = self.taken.iter().map(|taken| SnapshotContribution {
            id: taken.id,
            contributor: taken.contributor,
            offered: taken.offered,
            accepted: taken.records.len() as u32,
        });
        let tree = self.tree()?;
        Ok(SnapshotManifest {
            format: <SnapshotManifest as tributary_sdk::release::Manifest>::FORMAT.to_owned(),
            dataset,
            root: tree.root(),
            records: tree.records(),
            counts_root: counts_tree(&self.records_by_account())?.root().hash,
            screening_hash: under.screening_hash,
            contributions: contributions.collect(),
            held_out_hash: under.held_out_hash,
            terms_hash: under.terms_hash,
            pay_policy_hash: under.pay_policy_hash,
            access_head: under.access_head,
        })
    }
}

/// Of the accounts with fewer accepted records than `least`: those who share a row, or, if even together they have too few,
/// those who are left out.
fn small(screening: &Screening, least: usize) -> (Vec<Address>, Vec<Address>) {
    let small: BTreeMap<Address, usize> =
        screening.accepted_by_account().into_iter().filter(|(_, count)| (1..least).contains(count)).collect();
    let accounts = || small.keys().copied().collect();
    if small.values().sum::<usize>() >= least { (accounts(), Vec::new()) } else { (Vec::new(), accounts()) }
}

/// Hashes of what a snapshot was taken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Under {
    /// Of the screening report.
    pub screening_hash: B256,
    /// Of the held-out records.
    pub held_out_hash: B256,
    /// Of the charter.
    pub terms_hash: B256,
    /// Of the settlement policy's name.
    pub pay_policy_hash: B256,
    /// Of the last line of the log of who read the records.
    pub access_head: B256,
}
