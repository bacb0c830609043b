//! What contributors and validators say about records, before the curator rules.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tributary_sdk::{Address, B256, api::SignedReview};

use super::{
    Screening,
    verdict::{Decision, Reason},
};

/// What was said about records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Which records correct answers, in the order in which that was said.
    pub corrections: Vec<Correcting>,
    /// What validators said, whoever may be one; of several by one validator about one record the first counts.
    pub reviews: Vec<SignedReview>,
    /// How many validators must agree; none where the curator alone decides.
    pub agree: Option<u32>,
    /// Records that a published snapshot has decided about: contribution and place. What is said of them still holds, and is
    /// no more counted as work.
    pub settled: BTreeSet<(B256, u32)>,
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

/// A validator's review of a record that was held, and where the record stands among all that were offered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) at: usize,
    pub(super) signed: SignedReview,
    pub(super) is_settled: bool,
}

impl Screening {
    /// With what was said about records. What corrects an answer is held, once, whatever else it is; what was rejected stays
    /// rejected. Then validators are heard about what is held.
    #[must_use]
    pub fn with_said(mut self, said: &Said) -> Self {
        let places =
            self.places_of(said.corrections.iter().map(|correcting| (correcting.contribution, correcting.place)));
        let mut held = HashSet::new();
        for Correcting { contribution, place, receipt } in &said.corrections {
            let Some(at) = places.get(&(*contribution, *place)).filter(|at| held.insert(**at)) else { continue };
            self.verdicts[*at].add(Decision::Hold, Reason::Corrects { receipt: *receipt });
        }
        if let Some(agree) = said.agree {
            self.hear(said, agree);
        }
        self.count();
        self
    }

    /// Decides about held records as validators say. Nobody is heard about records of their own.
    fn hear(&mut self, said: &Said, agree: u32) {
        let named =
            |signed: &SignedReview| Some((signed.review.contributionId, u32::try_from(signed.review.place).ok()?));
        let places = self.places_of(said.reviews.iter().filter_map(named));
        let mut votes: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
        let mut heard: HashSet<(usize, Address)> = HashSet::new();
        for signed in &said.reviews {
            let Some(record) = named(signed) else { continue };
            let Some(at) = places.get(&record).copied() else { continue };
            let (validator, accept) = (signed.validator, signed.review.accept);
            let is_own = self.places[at].contributor == validator;
            if is_own || self.verdicts[at].decision != Decision::Hold || !heard.insert((at, validator)) {
                continue;
            }
            let (accepting, rejecting) = votes.entry(at).or_default();
            let votes = if accept { accepting } else { rejecting };
            *votes = votes.saturating_add(1);
            let is_settled = said.settled.contains(&record);
            self.heard.push(Heard { at, signed: signed.clone(), is_settled });
        }
        for (at, (accept, reject)) in votes {
            let decision = match accept.cmp(&reject) {
                std::cmp::Ordering::Greater if accept >= agree => Decision::Accept,
                std::cmp::Ordering::Less if reject >= agree => Decision::Reject,
                _ => continue,
            };
            let verdict = &mut self.verdicts[at];
            verdict.reasons.push(Reason::Reviewed { decision, accept, reject });
            verdict.decision = decision;
        }
    }

    /// Where records, by contribution and place, stand among all that were offered.
    pub(super) fn places_of(&self, wanted: impl Iterator<Item = (B256, u32)>) -> HashMap<(B256, u32), usize> {
        let wanted: HashSet<(B256, u32)> = wanted.collect();
        let places = self.places.iter().enumerate();
        let found = places.map(|(at, place)| ((place.contribution, place.place), at));
        found.filter(|(place, _)| wanted.contains(place)).collect()
    }
}
