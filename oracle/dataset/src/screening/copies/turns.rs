//! Who keeps a record that several gave.
//!
//! The earliest batch on chain keeps it. Of contributors who gave it in one batch nobody was first; but a record has one
//! owner, who is paid for it. So they take turns: over many records each is given as many as an equal split would give.
//! Halves of a record cannot be accounted for by influence, and a coin for each record would leave some with less by luck.
//!
//! A turn is the carpool problem (Fagin & Williams 1983): with every record, each of its `n` claimants is owed `1/n`; the one
//! who is owed most keeps it and owes 1. Contributors who give the same records so differ by at most one. Counting only
//! records given would do for them too, but not against somebody who copies each record under another fresh account:
//! whoever was given a record would lose all further ones.

use std::collections::{BTreeMap, HashMap};

use tributary_sdk::{Address, keccak256};

use super::super::{Desk, Likeness};

/// One record, in the parts that are owed.
const RECORD: i128 = 1 << 64;

/// What each contributor is owed, in 2⁻⁶⁴ of a record.
#[derive(Debug, Default)]
pub(super) struct Turns {
    owed: HashMap<Address, i128>,
}

impl Turns {
    /// Which of a cluster's records is kept, and how many contributors have a claim to it.
    pub(super) fn keeper(&mut self, desk: &Desk<'_, '_>, members: &[(usize, Likeness)]) -> (usize, u32) {
        let Some((first, _)) = members.first() else { return (0, 0) };
        let batch = desk.offered[*first].batch;
        // A contributor's own copies count once: the first is theirs.
        let mut claims: BTreeMap<Address, usize> = BTreeMap::new();
        for (place, _) in members.iter().take_while(|(place, _)| desk.offered[*place].batch == batch) {
            claims.entry(desk.offered[*place].contributor).or_insert(*place);
        }
        if claims.len() < 2 {
            return (*first, 1);
        }
        let share = RECORD / claims.len() as i128;
        for claimant in claims.keys() {
            *self.owed.entry(*claimant).or_default() += share;
        }
        let hash = desk.hashes[*first];
        let lot = |claimant: &Address| keccak256([hash.as_slice(), claimant.as_slice()].concat());
        let most = claims.iter().map(|(claimant, place)| {
            (std::cmp::Reverse(self.owed.get(claimant).copied().unwrap_or_default()), lot(claimant), *claimant, *place)
        });
        let Some((_, _, keeper, place)) = most.min() else { return (*first, 1) };
        *self.owed.entry(keeper).or_default() -= share * claims.len() as i128;
        (place, u32::try_from(claims.len()).unwrap_or(u32::MAX))
    }
}
