//! Snapshots: which contributed records a dataset's version takes, in which order, under which commitments.

use std::collections::{BTreeMap, BTreeSet};

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use tributary_sdk::{
    Address, B256,
    merkle::MerkleTree,
    records::record_commitment,
    release::{Manifest, SnapshotContribution, SnapshotManifest},
};

use crate::{FactoryError, Record, Schema, dataset::Likeness};

/// A record and the salt of its commitment. Whoever holds both can prove what was contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommittedRecord {
    /// The record.
    pub record: Record,
    /// 32 random bytes; they keep small records from being guessed.
    pub salt: B256,
}

impl CommittedRecord {
    /// Salts a record.
    pub fn salted(record: Record, rng: &mut impl CryptoRng) -> Self {
        let mut salt = B256::ZERO;
        rng.fill_bytes(salt.as_mut_slice());
        Self { record, salt }
    }

    /// What is published about the record.
    pub fn commitment(&self) -> B256 {
        record_commitment(self.salt, self.record.hash())
    }
}

/// Records given under one signed consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The consent's EIP-712 digest: its id in the consent registry.
    pub id: B256,
    /// Who gave the records and is paid for them.
    pub contributor: Address,
    /// The records, in the order the consent commits to.
    pub records: Vec<CommittedRecord>,
}

impl Contribution {
    /// The root that the consent signs: [`tributary_sdk::records::contribution_root`] over the commitments.
    ///
    /// # Errors
    /// [`FactoryError::Merkle`] for no records.
    pub fn root(records: &[CommittedRecord]) -> Result<B256, FactoryError> {
        let commitments: Vec<B256> = records.iter().map(CommittedRecord::commitment).collect();
        Ok(tributary_sdk::records::contribution_root(&commitments)?)
    }
}

/// What screening did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScreeningReport {
    /// Records offered, withdrawn contributions aside.
    pub offered: usize,
    /// Records taken.
    pub accepted: usize,
    /// Records that an earlier contribution (or the same one) already gave: that one keeps them.
    pub duplicates: Vec<Duplicate>,
    /// Records that are held out, by hash: nobody may train on them.
    pub held_out: Vec<B256>,
    /// Contributions left out because their contributor withdrew them.
    pub withdrawn: Vec<B256>,
    /// Accounts with so few records that they share one row, each paid by records: a row of few records says too much
    /// about them.
    pub sharing: Vec<Address>,
    /// Accounts left out because even together too few of their records were left.
    pub too_few: Vec<Address>,
}

/// A record left out because it had been given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Hash of the record.
    pub record: B256,
    /// The contribution that keeps it.
    pub kept_by: B256,
    /// The contribution it was left out of.
    pub left_out_of: B256,
}

/// The accepted records, contribution by contribution in order of priority. Only screening makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    schema: Schema,
    /// Only contributions with accepted records, and of those only the accepted ones.
    contributions: Vec<Contribution>,
    /// Records each of them offered.
    offered: Vec<u32>,
}

impl Snapshot {
    /// Screens contributions given **in order of priority** (the chain's order of commitments): withdrawn ones are left
    /// out, every record must follow the schema, records that are held out are left out, and of records that count as one
    /// ([`crate::dataset::Likeness`]) the earliest stays. Accounts with fewer than `least` accepted records
    /// will share a row; if all of those together have fewer, they are left out.
    ///
    /// # Errors
    /// [`FactoryError::WrongSize`], [`FactoryError::FeatureRange`] and [`FactoryError::LabelRange`] for the first record
    /// against the schema, [`FactoryError::EmptySnapshot`].
    pub fn screen(
        schema: Schema,
        held_out: &[Record],
        contributions: &[Contribution],
        withdrawn: &BTreeSet<B256>,
        least: usize,
    ) -> Result<(Self, ScreeningReport), FactoryError> {
        let mut report = ScreeningReport::default();
        let mut keepers: Likeness<Option<B256>> = Likeness::new(schema);
        held_out.iter().for_each(|record| keepers.keep(record, None));
        let mut snapshot = Self { schema, contributions: Vec::new(), offered: Vec::new() };
        for contribution in contributions {
            if withdrawn.contains(&contribution.id) {
                report.withdrawn.push(contribution.id);
                continue;
            }
            let mut accepted = Vec::with_capacity(contribution.records.len());
            for (place, committed) in contribution.records.iter().enumerate() {
                schema.check(place + 1, &committed.record)?;
                match keepers.keeper(&committed.record) {
                    Some(Some(kept_by)) => {
                        let (record, left_out_of) = (committed.record.hash(), contribution.id);
                        report.duplicates.push(Duplicate { record, kept_by, left_out_of });
                    }
                    Some(None) => report.held_out.push(committed.record.hash()),
                    None => {
                        keepers.keep(&committed.record, Some(contribution.id));
                        accepted.push(committed.clone());
                    }
                }
            }
            report.offered += contribution.records.len();
            if !accepted.is_empty() {
                snapshot.offered.push(contribution.records.len() as u32);
                snapshot.contributions.push(Contribution { records: accepted, ..contribution.clone() });
            }
        }
        snapshot.leave_out_small(least, &mut report);
        report.accepted = snapshot.len();
        match report.accepted {
            0 => Err(FactoryError::EmptySnapshot),
            _ => Ok((snapshot, report)),
        }
    }

    fn leave_out_small(&mut self, least: usize, report: &mut ScreeningReport) {
        let counts = self.records_by_account();
        let small: BTreeMap<Address, usize> = counts.into_iter().filter(|(_, count)| *count < least).collect();
        if small.values().sum::<usize>() >= least {
            report.sharing = small.into_keys().collect();
            return;
        }
        let all = std::mem::take(&mut self.contributions).into_iter().zip(std::mem::take(&mut self.offered));
        (self.contributions, self.offered) =
            all.filter(|(contribution, _)| !small.contains_key(&contribution.contributor)).unzip();
        report.too_few = small.into_keys().collect();
    }

    /// What the records look like.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// The contributions with accepted records, and of each only those.
    pub fn contributions(&self) -> &[Contribution] {
        &self.contributions
    }

    /// Every accepted record with the account that is paid for it, in the snapshot's order.
    pub fn records(&self) -> impl Iterator<Item = (&CommittedRecord, Address)> {
        self.contributions.iter().flat_map(|contribution| {
            contribution.records.iter().map(move |committed| (committed, contribution.contributor))
        })
    }

    /// How many records were accepted.
    pub fn len(&self) -> usize {
        self.contributions.iter().map(|contribution| contribution.records.len()).sum()
    }

    /// Never: screening refuses a snapshot without records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records each account has in the snapshot.
    pub fn records_by_account(&self) -> BTreeMap<Address, usize> {
        let mut counts = BTreeMap::new();
        for contribution in &self.contributions {
            *counts.entry(contribution.contributor).or_default() += contribution.records.len();
        }
        counts
    }

    /// The tree over the accepted records' commitments; its root is the version's content hash.
    ///
    /// # Errors
    /// [`FactoryError::Merkle`].
    pub fn tree(&self) -> Result<MerkleTree, FactoryError> {
        let commitments: Vec<B256> = self.records().map(|(committed, _)| committed.commitment()).collect();
        Ok(MerkleTree::new(&commitments)?)
    }

    /// The manifest that is published with the version. `held_out` are the records that gate and baseline use.
    ///
    /// # Errors
    /// [`FactoryError::Merkle`].
    pub fn manifest(
        &self,
        dataset: tributary_sdk::AssetId,
        held_out: &[Record],
        terms_hash: B256,
        pay_policy_hash: B256,
    ) -> Result<SnapshotManifest, FactoryError> {
        let contributions = (self.contributions.iter().zip(&self.offered))
            .map(|(contribution, offered)| SnapshotContribution {
                id: contribution.id,
                contributor: contribution.contributor,
                offered: *offered,
                accepted: contribution.records.len() as u32,
            })
            .collect();
        Ok(SnapshotManifest {
            format: SnapshotManifest::FORMAT.to_owned(),
            dataset,
            root: self.tree()?.root(),
            contributions,
            held_out_hash: crate::dataset::records_hash(held_out),
            terms_hash,
            pay_policy_hash,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SMALL: Schema = Schema { width: 2, largest: 16, classes: 3, radius: 0 };

    pub(crate) fn contribution(id: u8, features: &[[u8; 2]]) -> Contribution {
        let committed = |(place, features): (usize, &[u8; 2])| CommittedRecord {
            record: Record { features: features.to_vec(), label: features[0] % 3 },
            salt: B256::with_last_byte(place as u8),
        };
        Contribution {
            id: B256::repeat_byte(id),
            contributor: Address::repeat_byte(id),
            records: features.iter().enumerate().map(committed).collect(),
        }
    }

    #[test]
    fn of_duplicates_the_earliest_contribution_keeps_the_record() {
        let given =
            [contribution(1, &[[1, 1], [2, 2], [1, 1]]), contribution(2, &[[2, 2]]), contribution(3, &[[3, 3]])];
        let (snapshot, report) = Snapshot::screen(SMALL, &[], &given, &BTreeSet::new(), 1).unwrap();
        assert_eq!((report.offered, report.accepted, report.duplicates.len()), (5, 3, 2));
        assert_eq!(report.duplicates[1].kept_by, B256::repeat_byte(1));
        assert_eq!(report.duplicates[1].left_out_of, B256::repeat_byte(2));
        assert_eq!(snapshot.contributions().len(), 2, "a contribution without accepted records is not in it");
        assert_eq!(snapshot.records_by_account()[&Address::repeat_byte(1)], 2);
        let manifest = snapshot.manifest(tributary_sdk::AssetId(1), &[], B256::ZERO, B256::ZERO).unwrap();
        assert_eq!(manifest.contributions[0].offered, 3);
        assert_eq!(manifest.contributions[0].accepted, 2);
        assert_eq!(manifest.root, snapshot.tree().unwrap().root());
    }

    #[test]
    fn near_copies_and_held_out_records_stay_out() {
        let near = Schema { radius: 2, ..SMALL };
        let given = [contribution(1, &[[1, 1], [9, 9]]), contribution(2, &[[1, 2], [4, 4], [15, 15]])];
        let held_out = [Record { features: vec![9, 10], label: 1 }, Record { features: vec![16, 16], label: 2 }];
        let (snapshot, report) = Snapshot::screen(near, &held_out, &given, &BTreeSet::new(), 1).unwrap();
        assert_eq!((report.accepted, report.duplicates.len(), report.held_out.len()), (2, 1, 2));
        assert_eq!(report.duplicates[0].kept_by, B256::repeat_byte(1));
        let kept: Vec<&[u8]> = snapshot.records().map(|(kept, _)| kept.record.features.as_slice()).collect();
        assert_eq!(kept, [&[1, 1], &[4, 4]]);
    }

    #[test]
    fn withdrawn_contributions_are_left_out_and_free_their_duplicates() {
        let given = [contribution(1, &[[1, 1]]), contribution(2, &[[1, 1]])];
        let withdrawn = BTreeSet::from([B256::repeat_byte(1)]);
        let (snapshot, report) = Snapshot::screen(SMALL, &[], &given, &withdrawn, 1).unwrap();
        assert_eq!(report.withdrawn, [B256::repeat_byte(1)]);
        assert_eq!(snapshot.contributions()[0].id, B256::repeat_byte(2));
        let all = BTreeSet::from([B256::repeat_byte(1), B256::repeat_byte(2)]);
        assert!(matches!(Snapshot::screen(SMALL, &[], &given, &all, 1), Err(FactoryError::EmptySnapshot)));
    }

    #[test]
    fn records_against_the_schema_are_refused_by_place() {
        let refused = Snapshot::screen(SMALL, &[], &[contribution(1, &[[1, 1], [1, 17]])], &BTreeSet::new(), 1);
        assert!(matches!(refused, Err(FactoryError::FeatureRange { line: 2, field: 2, found: 17, .. })));
    }
}
