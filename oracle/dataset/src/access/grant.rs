//! Who may go through the door.

use serde::{Deserialize, Serialize};
use tributary_sdk::Address;

use super::Purposes;
use crate::DatasetError;

/// What the chain says that somebody may do with a dataset. The caller reads it there; this crate knows no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// Who may.
    pub grantee: Address,
    /// What for. None where nothing was granted, or what was is revoked: the registry keeps no difference.
    pub purposes: Purposes,
    /// The first second at which it is no longer good, in the chain's time.
    pub valid_until: u64,
}

impl Grant {
    /// Whether it is good for all of `purposes` at `now`, in seconds of the chain's time.
    ///
    /// # Errors
    /// [`DatasetError::NoGrant`] if there is none, or none any more; [`DatasetError::GrantExpired`];
    /// [`DatasetError::PurposeMissing`], also where nothing is asked for.
    pub fn allows(&self, purposes: Purposes, now: u64) -> Result<(), DatasetError> {
        let Self { grantee, purposes: granted, valid_until } = *self;
        if granted.is_empty() {
            return Err(DatasetError::NoGrant { grantee });
        }
        if now >= valid_until {
            return Err(DatasetError::GrantExpired { grantee, until: valid_until, now });
        }
        if purposes.is_empty() || !granted.contains(purposes) {
            return Err(DatasetError::PurposeMissing { grantee, missing: purposes.without(granted), granted });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_opens_for_what_is_granted_as_long_as_it_is() {
        let grant =
            Grant { grantee: Address::repeat_byte(1), purposes: Purposes::TRAIN | Purposes::AUDIT, valid_until: 100 };
        for good in [Purposes::TRAIN, Purposes::AUDIT, Purposes::TRAIN | Purposes::AUDIT] {
            grant.allows(good, 99).unwrap();
        }
        let refused = grant.allows(Purposes::TRAIN | Purposes::CURATE, 99).unwrap_err();
        assert!(matches!(refused, DatasetError::PurposeMissing { missing: Purposes::CURATE, .. }), "{refused}");
        assert!(matches!(grant.allows(Purposes::NONE, 99), Err(DatasetError::PurposeMissing { .. })));
        for now in [100, u64::MAX] {
            let refused = grant.allows(Purposes::TRAIN, now);
            assert!(matches!(refused, Err(DatasetError::GrantExpired { until: 100, .. })));
        }
        let revoked = Grant { purposes: Purposes::NONE, valid_until: 0, ..grant };
        assert!(matches!(revoked.allows(Purposes::TRAIN, 99), Err(DatasetError::NoGrant { .. })));
    }
}
