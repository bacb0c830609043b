//! The door to training: nothing is trained on without a grant that the chain holds, on the snapshot it was given for.

use tributary_sdk::{B256, release::VersionRef};

use crate::{
    DatasetError, Snapshot,
    access::{Grant, Purposes},
    snapshot::Withdrawals,
};

/// What the chain says about a snapshot and who may use it. The caller reads it there; this crate knows no chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The dataset's version.
    pub snapshot: VersionRef,
    /// The version's content hash: the snapshot's root.
    pub snapshot_root: B256,
    /// Who may use it, what for, and until when.
    pub grant: Grant,
    /// What contributors to the dataset have taken back.
    pub withdrawals: Withdrawals,
}

/// A snapshot that may be trained on. Only [`PermittedSnapshot::open`] makes one, and only training takes one.
#[derive(Clone, Copy, Debug)]
pub struct PermittedSnapshot<'s> {
    snapshot: &'s Snapshot,
    permission: &'s Permission,
}

impl<'s> PermittedSnapshot<'s> {
    /// Checks the grant to train at `now` (unix seconds of the chain) and that nothing in the snapshot was taken back.
    ///
    /// # Errors
    /// [`DatasetError::SnapshotRoot`], [`DatasetError::Withdrawn`], and as [`Grant::allows`].
    pub fn open(snapshot: &'s Snapshot, permission: &'s Permission, now: u64) -> Result<Self, DatasetError> {
        let found = snapshot.tree()?.root();
        if found != permission.snapshot_root {
            return Err(DatasetError::SnapshotRoot { found, expected: permission.snapshot_root });
        }
        permission.grant.allows(Purposes::TRAIN, now)?;
        snapshot.contents().check(&permission.withdrawals)?;
        Ok(Self { snapshot, permission })
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    /// What it was opened with.
    pub fn permission(&self) -> &'s Permission {
        self.permission
    }
}
