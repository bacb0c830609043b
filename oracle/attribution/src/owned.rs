//! Records and who is paid for each.

use std::collections::BTreeMap;

use tributary_sdk::Address;

use crate::{AttributionError, records::Records};

/// Records and, for each, the account that is paid for it.
#[derive(Clone, Debug)]
pub struct OwnedRecords {
    records: Records,
    accounts: Vec<Address>,
    /// Per record, its place in `accounts`.
    owners: Vec<usize>,
}

impl OwnedRecords {
    /// Pairs records with their owners, `[n]` each.
    ///
    /// # Errors
    /// [`AttributionError::OwnerCount`], [`AttributionError::NoRecords`].
    pub fn new(records: Records, owners: &[Address]) -> Result<Self, AttributionError> {
        if records.len() != owners.len() {
            return Err(AttributionError::OwnerCount { records: records.len(), owners: owners.len() });
        }
        if records.is_empty() {
            return Err(AttributionError::NoRecords("training"));
        }
        let mut places: BTreeMap<Address, usize> = owners.iter().map(|owner| (*owner, 0)).collect();
        places.values_mut().enumerate().for_each(|(place, value)| *value = place);
        let owners = owners.iter().map(|owner| places[owner]).collect();
        Ok(Self { records, accounts: places.into_keys().collect(), owners })
    }

    /// The records.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Everybody who owns one, ascending: the order of the table's rows.
    pub fn accounts(&self) -> &[Address] {
        &self.accounts
    }

    /// Per record, its owner's place in [`OwnedRecords::accounts`].
    pub fn owners(&self) -> &[usize] {
        &self.owners
    }

    /// How many records each account owns, in the order of [`OwnedRecords::accounts`].
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.accounts.len()];
        self.owners.iter().for_each(|owner| counts[*owner] += 1);
        counts
    }
}

/// Held-out records, which decide gate and baseline shares, and who supplied them: nobody gains by their own.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The records.
    pub records: Records,
    /// Per record, the account that supplied it, if one of the contributors did.
    pub suppliers: Vec<Option<Address>>,
}

impl HeldOut {
    /// Held-out records that none of the contributors supplied.
    pub fn apart(records: Records) -> Self {
        let suppliers = vec![None; records.len()];
        Self { records, suppliers }
    }
}
