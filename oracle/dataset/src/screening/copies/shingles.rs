//! Text and tokens that are alike.
//!
//! A text is the set of its runs of five words, in lower case and whatever the blanks between them; a shorter text is one run.
//! Two texts are copies if their Jaccard similarity is large enough. Candidates are found by MinHash (Broder 1997) in bands
//! (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, 3.4): of copies just similar enough at most one in a thousand is
//! missed. What is found is checked on the sets themselves.

use tributary_sdk::keccak256;

use super::{
    super::{Desk, Likeness, chance, robust::thousandths},
    Found, Near,
    chains::{Chains, Search},
};
use crate::{Record, schema::Features};

/// Words or tokens a shingle.
const RUN: usize = 5;
/// Minima a text.
const MINIMA: usize = 64;
/// Values read for one comparison's cost.
const CHUNK: usize = 64;

#[derive(Debug)]
pub(super) struct Shingles<'a, 'r> {
    desk: &'a Desk<'a, 'r>,
    similarity: f64,
    /// Multipliers of the minima.
    factors: Vec<u64>,
    /// Minima a band.
    rows: usize,
    tables: Vec<Chains>,
    kept: Vec<Box<[u64]>>,
    search: Search,
}

#[derive(Debug)]
pub(super) struct Key {
    /// Hashes of the shingles, ascending, each once.
    set: Box<[u64]>,
    bands: Vec<u64>,
}

impl<'a, 'r> Shingles<'a, 'r> {
    pub(super) fn new(desk: &'a Desk<'a, 'r>, held_out: usize) -> Self {
        let similarity = desk.rules.similarity.clamp(0.0, 1.0);
        let rows = rows(similarity);
        let mut stream = chance::Stream::new(desk.seed, 1);
        Self {
            desk,
            similarity,
            factors: (0..MINIMA).map(|_| stream.next() | 1).collect(),
            rows,
            tables: (0..MINIMA / rows).map(|_| Chains::new(desk.order.len() + held_out)).collect(),
            kept: Vec::new(),
            search: Search::new(desk.rules.comparisons),
        }
    }

    fn search(&mut self, key: &Key) -> Option<Option<(u32, f64)>> {
        let mut best: Option<(u32, f64)> = None;
        self.search.begin();
        for (table, band) in self.tables.iter().zip(&key.bands) {
            for number in table.under(*band) {
                self.search.pay(1)?;
                if best.is_some_and(|(best, _)| best <= number) || !self.search.is_new(number) {
                    continue;
                }
                let kept = &self.kept[number as usize];
                let (less, more) = (key.set.len().min(kept.len()), key.set.len().max(kept.len()));
                if (less as f64) < self.similarity * more as f64 {
                    continue;
                }
                self.search.pay((less + more) / CHUNK)?;
                let similarity = jaccard(&key.set, kept);
                if similarity >= self.similarity {
                    best = Some((number, similarity));
                }
            }
        }
        Some(best)
    }
}

impl<'r> Near<'r> for Shingles<'_, 'r> {
    type Key = Key;

    fn key(&self, record: &'r Record) -> Key {
        let set = match self.desk.schema.features {
            Features::Text { .. } => of_text(self.desk.schema.text(record).unwrap_or_default()),
            _ => of_tokens(self.desk.schema.feature_bytes(record).get(4..).unwrap_or_default()),
        };
        // Hashes are even already, so that one multiplication orders them anew.
        let minimum = |factor: &u64| {
            set.iter().map(|hash| (hash ^ (factor >> 7)).wrapping_mul(*factor)).min().unwrap_or_default()
        };
        let minima: Vec<u64> = self.factors.iter().map(minimum).collect();
        let bands = minima
            .chunks(self.rows)
            .enumerate()
            .map(|(band, minima)| minima.iter().fold(band as u64, |hash, minimum| chance::mix(hash ^ minimum)))
            .collect();
        Key { set, bands }
    }

    fn find(&mut self, key: &Key) -> Found {
        match self.search(key) {
            None => Found::TooMany,
            Some(None) => Found::Nothing,
            Some(Some((number, similarity))) => {
                Found::Kept(number, Likeness::Similarity { similarity: thousandths(similarity) })
            }
        }
    }

    fn keep(&mut self, key: Key) {
        for (table, band) in self.tables.iter_mut().zip(&key.bands) {
            table.push(*band);
        }
        self.kept.push(key.set);
        self.search.kept_one_more();
    }
}

/// The most minima a band with which at most one in a thousand copies is missed.
fn rows(similarity: f64) -> usize {
    let missed = |rows: &usize| (1.0 - similarity.powi(*rows as i32)).powi((MINIMA / rows) as i32);
    [16, 8, 4, 2].into_iter().find(|rows| missed(rows) <= 1e-3).unwrap_or(1)
}

fn of_text(text: &str) -> Box<[u64]> {
    let words: Vec<u64> = text.split_whitespace().map(|word| hash(word.to_lowercase().as_bytes())).collect();
    // Of blanks alone there are no words, but they are text.
    if words.is_empty() { vec![hash(text.as_bytes())].into() } else { runs(&words) }
}

fn of_tokens(bytes: &[u8]) -> Box<[u64]> {
    let tokens = bytes.chunks_exact(4).map(|token| token.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    runs(&tokens.map(chance::mix).collect::<Vec<u64>>())
}

fn runs(words: &[u64]) -> Box<[u64]> {
    let run = |words: &[u64]| words.iter().fold(words.len() as u64, |hash, word| chance::mix(hash ^ word));
    let mut set: Vec<u64> = if words.len() <= RUN { vec![run(words)] } else { words.windows(RUN).map(run).collect() };
    set.sort_unstable();
    set.dedup();
    set.into()
}

fn hash(bytes: &[u8]) -> u64 {
    if bytes.len() > 64 {
        return chance::short(&keccak256(bytes));
    }
    bytes.chunks(8).fold(bytes.len() as u64, |hash, bytes| {
        chance::mix(hash ^ bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    })
}

/// Jaccard similarity of two ascending lists.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut at, mut other, mut both) = (0, 0, 0usize);
    while at < a.len() && other < b.len() {
        let order = a[at].cmp(&b[other]);
        both += usize::from(order.is_eq());
        at += usize::from(order.is_le());
        other += usize::from(order.is_ge());
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_do_not_count_but_words_and_their_order_do() {
        let of = |text: &str| of_text(text);
        assert_eq!(of("One  two\nTHREE"), of("one two three"));
        assert_ne!(of("one two"), of("two one"));
        assert_eq!(of("a b c d e f").len(), 2);
        assert_eq!(jaccard(&of("a b c d e f"), &of("a b c d e g")), 1.0 / 3.0);
        assert_eq!(of_text("  ").len(), 1);
    }

    #[test]
    fn bands_miss_at_most_one_in_a_thousand() {
        assert_eq!([0.3, 0.5, 0.8, 0.95, 1.0].map(rows), [1, 2, 4, 8, 16]);
    }
}
