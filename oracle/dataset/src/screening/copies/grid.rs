//! Images within a radius of each other: exactly those, without comparing all.
//!
//! Values are summed in runs of `b`. By Cauchy and Schwarz, squared differences of the sums add up to at most `b·r²` for
//! images within `r`. The sums are dealt into `m` blocks: in one of them the squared differences add up to at most `b·r²/m`
//! (pigeonhole), so there every sum differs by at most that number's root `t`: each table keeps images by one block's sums, in
//! cells of `2t + 1`, and is asked for the one or two cells a sum that a copy may be in. All of it is whole numbers, so
//! nothing within the radius is missed and what is found is checked.
//!
//! Where images differ in few directions, one block of weighted sums does better: weights `u` along which a sample differs
//! most, and sums that differ by at most `‖u‖·r`.
//!
//! What costs least is estimated on pairs of a sample. Sums are dealt by their spread, so that every block tells
//! images apart, and by a seed, so that nobody can prepare records that are alike in one block.

use super::{
    super::{Desk, Likeness, chance, robust::thousandths},
    Found, Near,
    chains::{Chains, Search},
    principal,
};
use crate::Record;

/// Records to choose the blocks by.
const SAMPLE: usize = 192;
/// Most blocks: each costs memory for every record.
const MOST_BLOCKS: u64 = 24;
/// Most sums of a block that are kept by cells: each doubles the cells to ask for.
const MOST_CELLED: usize = 6;
/// Values compared at once.
const CHUNK: usize = 64;

#[derive(Debug)]
pub(super) struct Grid<'a, 'r> {
    desk: &'a Desk<'a, 'r>,
    /// Largest squared distance of copies.
    squared: u64,
    cut: Cut,
    tables: Vec<Chains>,
    /// Values of the kept images, one after another: following references costs more than comparing.
    kept: Vec<u8>,
    search: Search,
}

/// How images are made into blocks of sums.
#[derive(Clone, Debug)]
struct Cut {
    sums: Sums,
    /// The sums of each block.
    blocks: Vec<Vec<usize>>,
    /// In one block of copies, no sum differs by more than its tolerance. One for each sum.
    tolerances: Vec<i64>,
    seed: u64,
}

/// What is summed.
#[derive(Clone, Debug)]
enum Sums {
    /// Runs of so many values.
    Runs(usize),
    /// All values, weighted.
    Weighted(Vec<Vec<i64>>),
}

impl Sums {
    fn of(&self, values: &[u8]) -> Vec<i64> {
        match self {
            Self::Runs(run) => values.chunks(*run).map(|run| run.iter().map(|value| i64::from(*value)).sum()).collect(),
            Self::Weighted(weights) => {
                let sum = |weights: &Vec<i64>| weights.iter().zip(values).map(|(a, b)| a * i64::from(*b)).sum();
                weights.iter().map(sum).collect()
            }
        }
    }
}

impl<'a, 'r> Grid<'a, 'r> {
    pub(super) fn new(desk: &'a Desk<'a, 'r>, held_out: &'r [Record]) -> Self {
        let radius = desk.rules.radius.unwrap_or_default().clamp(0.0, 1e9);
        // Squared distances are whole numbers.
        let squared = (radius * radius) as u64;
        let expected = desk.order.len() + held_out.len();
        let items = desk.order.iter().map(|place| (*place, chance::short(&desk.hashes[*place])));
        let sample: Vec<&[u8]> = chance::sample(items, desk.seed, SAMPLE)
            .into_iter()
            .map(|place| desk.schema.feature_bytes(desk.offered[place].record))
            .collect();
        let cut = Cut::cheapest(desk.schema.features.fields(), squared, &sample, expected, desk.seed);
        // Where many cells are asked for, most are empty: that should be seen at once.
        let slots = if cut.blocks.len() == 1 { 2 * expected } else { expected };
        let tables = cut.blocks.iter().map(|_| Chains::new(slots)).collect();
        Self { desk, squared, cut, tables, kept: Vec::new(), search: Search::new(desk.rules.comparisons) }
    }

    fn search(&mut self, values: &[u8], sums: &[i64]) -> Option<Option<(u32, u64)>> {
        let mut best: Option<(u32, u64)> = None;
        let size = values.len();
        self.search.begin();
        for (block, table) in self.tables.iter().enumerate() {
            for hash in self.cut.asked(block, sums) {
                for number in table.under(hash) {
                    self.search.pay(1)?;
                    // One that is met in two blocks is compared twice: remembering it costs more.
                    if best.is_some_and(|(best, _)| best <= number) {
                        continue;
                    }
                    let (distance, further) =
                        squared_distance(values, &self.kept[number as usize * size..][..size], self.squared);
                    self.search.pay(further)?;
                    if distance <= self.squared {
                        best = Some((number, distance));
                    }
                }
            }
        }
        Some(best)
    }
}

impl<'r> Near<'r> for Grid<'_, 'r> {
    type Key = (&'r [u8], Vec<i64>);

    fn key(&self, record: &'r Record) -> Self::Key {
        let values = self.desk.schema.feature_bytes(record);
        (values, self.cut.sums.of(values))
    }

    fn find(&mut self, (values, sums): &Self::Key) -> Found {
        match self.search(values, sums) {
            None => Found::TooMany,
            Some(None) => Found::Nothing,
            Some(Some((number, squared))) => {
                Found::Kept(number, Likeness::Distance { distance: thousandths((squared as f64).sqrt()) })
            }
        }
    }

    fn keep(&mut self, (values, sums): Self::Key) {
        for (block, table) in self.tables.iter_mut().enumerate() {
            table.push(self.cut.kept(block, &sums));
        }
        self.kept.extend_from_slice(values);
    }
}

impl Cut {
    fn cheapest(values: usize, squared: u64, sample: &[&[u8]], expected: usize, seed: u64) -> Self {
        let mut best: Option<(f64, Self)> = None;
        let mut consider = |cut: Self, table: &[Vec<i64>]| {
            let cost = cut.cost(table, expected);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, cut));
            }
        };
        let mut run = 1;
        while run <= values {
            let sums = values.div_ceil(run);
            // The fewest blocks of which one must be equal, and some round numbers.
            let equal = (run as u64).saturating_mul(squared).saturating_add(1);
            let mut counts = vec![1, 2, 4, 8, 12, 16, MOST_BLOCKS, equal];
            counts.retain(|count| *count <= MOST_BLOCKS.min(sums as u64));
            counts.sort_unstable();
            counts.dedup();
            let table: Vec<Vec<i64>> = sample.iter().map(|values| Sums::Runs(run).of(values)).collect();
            for count in counts {
                consider(Self::dealt(run, count as usize, squared, &table, sums, seed), &table);
            }
            run *= 2;
        }
        let weights = principal::directions(values, sample, seed);
        let table: Vec<Vec<i64>> = sample.iter().map(|values| Sums::Weighted(weights.clone()).of(values)).collect();
        for count in (2..=weights.len()).step_by(2) {
            consider(Self::weighted(&weights[..count], squared, seed), &table);
        }
        best.map_or(
            Self { sums: Sums::Runs(1), blocks: vec![Vec::new()], tolerances: vec![0; values], seed },
            |(_, cut)| cut,
        )
    }

    fn weighted(weights: &[Vec<i64>], squared: u64, seed: u64) -> Self {
        let tolerance = |weights: &Vec<i64>| {
            let norm: u128 = weights.iter().map(|weight| u128::from(weight.unsigned_abs()).pow(2)).sum();
            i64::try_from((norm * u128::from(squared)).isqrt()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
        };
        let tolerances = weights.iter().map(tolerance).collect();
        Self { sums: Sums::Weighted(weights.to_vec()), blocks: vec![(0..weights.len()).collect()], tolerances, seed }
    }

    fn dealt(run: usize, count: usize, squared: u64, table: &[Vec<i64>], sums: usize, seed: u64) -> Self {
        let tolerance = ((run as u64).saturating_mul(squared) / count as u64).isqrt() as i64;
        let mut by_spread: Vec<(std::cmp::Reverse<i128>, u64, usize)> = (0..sums)
            .map(|sum| {
                let (mut first, mut second) = (0i128, 0i128);
                for row in table {
                    first += i128::from(row[sum]);
                    second += i128::from(row[sum]).pow(2);
                }
                (std::cmp::Reverse(second * table.len() as i128 - first.pow(2)), chance::mix(seed ^ sum as u64), sum)
            })
            .collect();
        by_spread.sort_unstable();
        let mut blocks = vec![Vec::new(); count];
        for round in by_spread.chunks(count) {
            let mut round: Vec<(u64, usize)> = round.iter().map(|(_, shuffled, sum)| (*shuffled, *sum)).collect();
            round.sort_unstable();
            for (block, (_, sum)) in blocks.iter_mut().zip(round) {
                if tolerance == 0 || block.len() < MOST_CELLED {
                    block.push(sum);
                }
            }
        }
        Self { sums: Sums::Runs(run), blocks, tolerances: vec![tolerance; sums], seed }
    }

    /// What a search costs, in nanoseconds or so.
    fn cost(&self, table: &[Vec<i64>], expected: usize) -> f64 {
        const LOOKUP: f64 = 40.0;
        const CANDIDATE: f64 = 60.0;
        let pairs = (table.len() * table.len().saturating_sub(1) / 2).max(1) as f64;
        let blocks = self.blocks.iter().map(|block| {
            let mut alike = 0u32;
            for (place, a) in table.iter().enumerate() {
                for b in &table[..place] {
                    let near = |sum: &usize| {
                        let (low, high) = self.cells(*sum, a[*sum]);
                        (low..=high).contains(&self.cell(*sum, b[*sum]))
                    };
                    alike += u32::from(block.iter().all(near));
                }
            }
            let asked =
                if block.iter().all(|sum| self.tolerances[*sum] == 0) { 1.0 } else { (block.len() as f64).exp2() };
            asked * LOOKUP + f64::from(alike) / pairs * expected as f64 * CANDIDATE
        });
        blocks.sum()
    }

    /// The cell of a sum.
    fn cell(&self, sum: usize, value: i64) -> i64 {
        value.div_euclid(1 + 2 * self.tolerances[sum])
    }

    /// The cells that a copy's sum may be in: one, or two neighbours.
    fn cells(&self, sum: usize, value: i64) -> (i64, i64) {
        let tolerance = self.tolerances[sum];
        (self.cell(sum, value.saturating_sub(tolerance)), self.cell(sum, value.saturating_add(tolerance)))
    }

    fn start(&self, block: usize) -> u64 {
        chance::mix(self.seed.wrapping_add(block as u64))
    }

    /// The hash under which an image is kept.
    fn kept(&self, block: usize, sums: &[i64]) -> u64 {
        let cell = |hash, sum: &usize| chance::mix(hash ^ self.cell(*sum, sums[*sum]) as u64);
        self.blocks[block].iter().fold(self.start(block), cell)
    }

    /// The hashes under which an image's copies are kept, if they are alike in the block.
    fn asked(&self, block: usize, sums: &[i64]) -> Vec<u64> {
        let mut hashes = vec![self.start(block)];
        for sum in &self.blocks[block] {
            let (low, high) = self.cells(*sum, sums[*sum]);
            if low < high {
                hashes.extend_from_within(..);
            }
            let half = if low < high { hashes.len() / 2 } else { hashes.len() };
            for (at, hash) in hashes.iter_mut().enumerate() {
                *hash = chance::mix(*hash ^ if at < half { low } else { high } as u64);
            }
        }
        hashes
    }
}

/// The squared distance, or more than `most` as soon as it is; and how many chunks were read after the first.
fn squared_distance(a: &[u8], b: &[u8], most: u64) -> (u64, usize) {
    let (mut total, mut further) = (0, 0);
    for (place, (a, b)) in a.chunks(CHUNK).zip(b.chunks(CHUNK)).enumerate() {
        let part = |(a, b): (&u8, &u8)| u32::from(a.abs_diff(*b)).pow(2);
        total += u64::from(a.iter().zip(b).map(part).sum::<u32>());
        further = place;
        if total > most {
            break;
        }
    }
    (total, further)
}
