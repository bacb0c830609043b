//! What contributors and validators say about records, before the curator rules.

use std::collections::{HashMap, HashSet};

use tributary_sdk::B256;

use super::{
    Screening,
    verdict::{Decision, Reason},
};

/// What was said about records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Which records correct answers, in the order in which that was said.
    pub corrections: Vec<Correcting>,
}

/// A record that is what a served answer should have been: its contributor said so, and the dataset's host has checked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correcting {
    /// The contribution the record is in.
    pub contribution: B256,
    /// Where in it, from 0.
    pub place: u32,
    /// The answer's receipt.
    pub receipt: B256,
}

impl Screening {
    /// With what was said about records. What corrects an answer is held, once, whatever else it is; what was rejected stays
    /// rejected.
    #[must_use]
    pub fn with_said(mut self, said: &Said) -> Self {
        let places =
            self.places_of(said.corrections.iter().map(|correcting| (correcting.contribution, correcting.place)));
        let mut held = HashSet::new();
        for Correcting { contribution, place, receipt } in &said.corrections {
            let Some(at) = places.get(&(*contribution, *place)).filter(|at| held.insert(**at)) else { continue };
            self.verdicts[*at].add(Decision::Hold, Reason::Corrects { receipt: *receipt });
        }
        self.count();
        self
    }

    /// Where records, by contribution and place, stand among all that were offered.
    pub(super) fn places_of(&self, wanted: impl Iterator<Item = (B256, u32)>) -> HashMap<(B256, u32), usize> {
        let wanted: HashSet<(B256, u32)> = wanted.collect();
        let places = self.places.iter().enumerate();
        let found = places.map(|(at, place)| ((place.contribution, place.place), at));
        found.filter(|(place, _)| wanted.contains(place)).collect()
    }
}
