//! The door to training: nothing is trained on without a grant that the chain holds, on the snapshot it was given for.

use std::collections::BTreeSet;

use tributary_attribution::{OwnedRecords, Records};
use tributary_sdk::{Address, B256, release::VersionRef};

use crate::{FactoryError, Snapshot};

/// The purpose bit for training, as the consent registry counts them.
pub const TRAIN: u128 = 1;

/// What the chain says about a snapshot and who may use it. The caller reads it there; this crate knows no chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The dataset's version.
    pub snapshot: VersionRef,
    /// The version's content hash: the snapshot's root.
    pub snapshot_root: B256,
    /// Who may train.
    pub grantee: Address,
    /// The purposes granted, bit by bit.
    pub purposes: u128,
    /// When the grant runs out, unix seconds.
    pub valid_until: u64,
    /// Contributions to the dataset that their contributors have withdrawn.
    pub withdrawn: BTreeSet<B256>,
}

/// A snapshot that may be trained on. Only [`PermittedSnapshot::open`] makes one, and only training takes one.
#[derive(Clone, Copy, Debug)]
pub struct PermittedSnapshot<'s> {
    snapshot: &'s Snapshot,
    permission: &'s Permission,
}

impl<'s> PermittedSnapshot<'s> {
    /// Checks the grant at `now` (unix seconds) and that nothing in the snapshot was withdrawn.
    ///
    /// # Errors
    /// [`FactoryError::SnapshotRoot`], [`FactoryError::PurposeMissing`], [`FactoryError::GrantExpired`],
    /// [`FactoryError::Withdrawn`].
    pub fn open(snapshot: &'s Snapshot, permission: &'s Permission, now: u64) -> Result<Self, FactoryError> {
        let found = snapshot.tree()?.root();
        if found != permission.snapshot_root {
            return Err(FactoryError::SnapshotRoot { found, expected: permission.snapshot_root });
        }
        if permission.purposes & TRAIN == 0 {
            return Err(FactoryError::PurposeMissing(permission.grantee));
        }
        if now >= permission.valid_until {
            return Err(FactoryError::GrantExpired { until: permission.valid_until, now });
        }
        let withdrawn = |contribution: &&crate::Contribution| permission.withdrawn.contains(&contribution.id);
        if let Some(taken_back) = snapshot.contributions().iter().find(withdrawn) {
            let (contribution, contributor) = (taken_back.id, taken_back.contributor);
            return Err(FactoryError::Withdrawn { contribution, contributor });
        }
        Ok(Self { snapshot, permission })
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// The grant it was opened with.
    pub fn permission(&self) -> &'s Permission {
        self.permission
    }

    /// The records as training takes them.
    ///
    /// # Errors
    /// As [`crate::Schema::labelled`].
    pub fn labelled(&self) -> Result<Records, FactoryError> {
        self.snapshot.schema().labelled(self.snapshot.records().map(|(committed, _)| &committed.record))
    }

    /// The records with their owners, as attribution takes them.
    ///
    /// # Errors
    /// As [`crate::Schema::labelled`].
    pub fn owned(&self) -> Result<OwnedRecords, FactoryError> {
        let owners: Vec<Address> = self.snapshot.records().map(|(_, owner)| owner).collect();
        Ok(OwnedRecords::new(self.labelled()?, &owners)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::{SMALL, contribution};

    #[test]
    fn the_door_opens_only_for_a_valid_grant_on_this_snapshot() {
        let given = [contribution(1, &[[1, 1]]), contribution(2, &[[2, 2]])];
        let (snapshot, _) = Snapshot::screen(SMALL, &[], &given, &BTreeSet::new(), 1).unwrap();
        let valid = Permission {
            snapshot: VersionRef { asset: tributary_sdk::AssetId(1), version: 1 },
            snapshot_root: snapshot.tree().unwrap().root(),
            grantee: Address::repeat_byte(9),
            purposes: TRAIN,
            valid_until: 100,
            withdrawn: BTreeSet::new(),
        };
        let open = |permission: &Permission| PermittedSnapshot::open(&snapshot, permission, 99).map(|_| ());
        assert!(open(&valid).is_ok());
        let refused = open(&Permission { snapshot_root: B256::ZERO, ..valid.clone() });
        assert!(matches!(refused, Err(FactoryError::SnapshotRoot { .. })));
        let refused = open(&Permission { purposes: !TRAIN, ..valid.clone() });
        assert!(matches!(refused, Err(FactoryError::PurposeMissing(_))));
        let refused = open(&Permission { valid_until: 99, ..valid.clone() });
        assert!(matches!(refused, Err(FactoryError::GrantExpired { until: 99, now: 99 })));
        let refused = open(&Permission { withdrawn: BTreeSet::from([B256::repeat_byte(2)]), ..valid.clone() });
        assert!(
            matches!(refused, Err(FactoryError::Withdrawn { contributor, .. }) if contributor == Address::repeat_byte(2))
        );
    }
}
