//! A hash table that only ever grows, and forgets its keys.

const NONE: u32 = u32::MAX;

/// Chains of kept records under hashes. Of what has not the same hash, nearly nothing is in the same chain; whoever asks looks
/// closer anyway. 12 to 24 bytes a record.
#[derive(Debug)]
pub(super) struct Chains {
    heads: Vec<u32>,
    /// The next in the chain, and the upper half of the hash.
    links: Vec<(u32, u32)>,
}

impl Chains {
    /// With about so many slots: as many as there will be records, or more.
    pub(super) fn new(slots: usize) -> Self {
        Self { heads: vec![NONE; slots.max(16).next_power_of_two()], links: Vec::new() }
    }

    fn slot(&self, hash: u64) -> usize {
        (hash & (self.heads.len() as u64 - 1)) as usize
    }

    /// Adds the next record; they are numbered from 0.
    pub(super) fn push(&mut self, hash: u64) {
        let slot = self.slot(hash);
        let number = self.links.len() as u32;
        self.links.push((std::mem::replace(&mut self.heads[slot], number), (hash >> 32) as u32));
    }

    /// The records under a hash, the newest first.
    pub(super) fn under(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let step = |number: u32| (number != NONE).then_some(number);
        let chain =
            std::iter::successors(step(self.heads[self.slot(hash)]), move |at| step(self.links[*at as usize].0));
        chain.filter(move |at| self.links[*at as usize].1 == (hash >> 32) as u32)
    }
}

/// What a search may still cost, and which records it has seen.
#[derive(Debug)]
pub(super) struct Search {
    most: u32,
    left: u32,
    turn: u32,
    seen: Vec<u32>,
}

impl Search {
    pub(super) fn new(most: u32) -> Self {
        Self { most, left: most, turn: 0, seen: Vec::new() }
    }

    pub(super) fn begin(&mut self) {
        self.left = self.most;
        self.turn += 1;
    }

    pub(super) fn kept_one_more(&mut self) {
        self.seen.push(0);
    }

    /// Whether the record is seen for the first time in this search.
    pub(super) fn is_new(&mut self, number: u32) -> bool {
        std::mem::replace(&mut self.seen[number as usize], self.turn) != self.turn
    }

    /// Takes a cost off what is left; none if that is not enough.
    #[must_use]
    pub(super) fn pay(&mut self, cost: usize) -> Option<()> {
        self.left = self.left.checked_sub(u32::try_from(cost).ok()?)?;
        Some(())
    }
}
