//! The index and its query.

use std::{num::NonZeroUsize, thread};

use tributary_sdk::sketch::Sketch;

use super::{best::Best, kernel};
use crate::{AttributionError, rows::RecordRows};

/// The record rows of a release, with their owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordIndex {
    pub(super) rows: RecordRows,
    /// Per record, its contributor's place in the table.
    pub(super) owners: Vec<u32>,
    pub(super) contributors: usize,
}

/// One record or contributor and its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which, from 0: a record in the index's order, a contributor in the table's.
    pub place: usize,
    /// Times the index's unit and the sketch's scale this is margin.
    pub score: i64,
}

/// What an answer owes to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Records with the highest scores above zero, highest first; of equal ones the lower place first.
    pub helpful: Vec<Hit>,
    /// Records with the lowest scores below zero, lowest first.
    pub harmful: Vec<Hit>,
    /// Contributors with the highest scores above zero, highest first.
    pub helpful_contributors: Vec<Hit>,
    /// Contributors with the lowest scores below zero, lowest first.
    pub harmful_contributors: Vec<Hit>,
    /// Every contributor's score, in the table's order: what the table itself gives for this sketch.
    pub contributors: Vec<i64>,
}

impl RecordIndex {
    /// Pairs rows with owners.
    ///
    /// # Errors
    /// [`AttributionError::OwnerCount`], [`AttributionError::Shape`], [`AttributionError::RowOverflow`];
    /// [`AttributionError::Features`] above 65,535 numbers a row.
    pub fn new(rows: RecordRows, owners: &[usize], contributors: usize) -> Result<Self, AttributionError> {
        let limit = usize::from(u16::MAX);
        if rows.width() > limit {
            return Err(AttributionError::Features { found: rows.width(), limit });
        }
        rows.sums(owners, contributors)?;
        let owners: Result<_, _> = owners.iter().map(|owner| u32::try_from(*owner)).collect();
        let owners = owners.map_err(|_| AttributionError::OwnerCount { records: rows.len(), owners: contributors })?;
        Ok(Self { rows, owners, contributors })
    }

    /// The record rows.
    pub fn rows(&self) -> &RecordRows {
        &self.rows
    }

    /// Per record, its contributor's place in the table, `[n]`.
    pub fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// Contributors in the table.
    pub fn contributors(&self) -> usize {
        self.contributors
    }

    /// The `count` most helpful and most harmful records and contributors for a sketch. `threads` changes nothing but
    /// the time it takes.
    ///
    /// # Errors
    /// [`AttributionError::Shape`] for a sketch of another release.
    pub fn explain(
        &self,
        sketch: &Sketch,
        count: usize,
        threads: NonZeroUsize,
    ) -> Result<Explanation, AttributionError> {
        let (sketch, expected) = (sketch.values(), self.rows.width());
        if sketch.len() != expected {
            return Err(AttributionError::Shape { what: "numbers in a sketch", expected, found: sketch.len() });
        }
        let share = self.rows.len().div_ceil(threads.get()).max(1);
        let parts = (self.rows.mantissas().chunks(share * expected))
            .zip(self.rows.shifts().chunks(share))
            .zip(self.owners.chunks(share))
            .enumerate();
        let scan = |place: usize, mantissas, shifts, owners| {
            Scan::run(sketch, mantissas, shifts, owners, place * share, self.contributors, count)
        };
        let mut whole = Scan::new(self.contributors, count);
        if threads.get() == 1 {
            parts.for_each(|(place, ((mantissas, shifts), owners))| whole.add(scan(place, mantissas, shifts, owners)));
        } else {
            thread::scope(|scope| {
                let scan = &scan;
                let running: Vec<_> = parts
                    .map(|(place, ((mantissas, shifts), owners))| {
                        scope.spawn(move || scan(place, mantissas, shifts, owners))
                    })
                    .collect();
                // A scan does not panic; if one does, so does this, as it would without threads.
                let finished = running.into_iter().map(|part| part.join());
                finished.for_each(|part| whole.add(part.unwrap_or_else(|cause| std::panic::resume_unwind(cause))));
            });
        }
        Ok(whole.finish(count))
    }
}

/// What is known after some of the records.
struct Scan {
    helpful: Best,
    harmful: Best,
    /// Wide, because a part of a contributor's records may come to more than all of them.
    contributors: Vec<i128>,
}

impl Scan {
    fn new(contributors: usize, count: usize) -> Self {
        Self { helpful: Best::new(count), harmful: Best::new(count), contributors: vec![0; contributors] }
    }

    fn run(
        sketch: &[i16],
        mantissas: &[i8],
        shifts: &[u8],
        owners: &[u32],
        first: usize,
        contributors: usize,
        count: usize,
    ) -> Self {
        let mut scan = Self::new(contributors, count);
        let mut owners = owners.iter();
        kernel::scores(mantissas, shifts, sketch, |place, score| {
            scan.helpful.offer(first + place, score);
            scan.harmful.offer(first + place, -score);
            let owner = owners.next().map_or(usize::MAX, |owner| *owner as usize);
            if let Some(sum) = scan.contributors.get_mut(owner) {
                *sum += i128::from(score);
            }
        });
        scan
    }

    fn add(&mut self, part: Self) {
        self.helpful.merge(part.helpful);
        self.harmful.merge(part.harmful);
        self.contributors.iter_mut().zip(part.contributors).for_each(|(sum, part)| *sum += part);
    }

    fn finish(self, count: usize) -> Explanation {
        // A row of 32 bits times a sketch of 16, at most 65,535 times: it fits.
        let contributors: Vec<i64> =
            self.contributors.iter().map(|sum| (*sum).clamp(i64::MIN.into(), i64::MAX.into()) as i64).collect();
        let (mut helpful, mut harmful) = (Best::new(count), Best::new(count));
        for (place, score) in contributors.iter().enumerate() {
            helpful.offer(place, *score);
            harmful.offer(place, -score);
        }
        Explanation {
            helpful: self.helpful.into_hits(1),
            harmful: self.harmful.into_hits(-1),
            helpful_contributors: helpful.into_hits(1),
            harmful_contributors: harmful.into_hits(-1),
            contributors,
        }
    }
}
