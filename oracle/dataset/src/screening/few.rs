//! Contributors of whose records too few were accepted.

use std::collections::BTreeMap;

use tributary_sdk::Address;

use super::{
    Screening,
    verdict::{Decision, Reason},
};

impl Screening {
    /// How many records of each account were accepted; accounts with none are left out.
    pub fn accepted_by_account(&self) -> BTreeMap<Address, usize> {
        let mut counts = BTreeMap::new();
        for (verdict, place) in self.verdicts.iter().zip(&self.places) {
            if verdict.decision == Decision::Accept {
                *counts.entry(place.contributor).or_default() += 1;
            }
        }
        counts
    }

    /// Holds what was accepted of these accounts, ascending, because it is fewer than `least` records.
    pub(crate) fn hold_for_few(&mut self, accounts: &[Address], least: usize) {
        let least = u32::try_from(least).unwrap_or(u32::MAX);
        for (verdict, place) in self.verdicts.iter_mut().zip(&self.places) {
            if verdict.decision == Decision::Accept && accounts.binary_search(&place.contributor).is_ok() {
                verdict.add(Decision::Hold, Reason::TooFew { least });
            }
        }
        self.count();
    }
}
