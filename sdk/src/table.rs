//! The contributor table: one integer row per contributor, committed with the release and never recomputed to verify.

mod scores;

use std::num::NonZero;

use alloy::primitives::{Address, B256, keccak256};

use crate::sketch::Sketch;

const MAGIC: &[u8; 8] = b"TRIBTBL1";
const HEADER_BYTES: usize = 8 + 2 + 4;
const FIXED_ROW_BYTES: usize = 20 + 4 + 1 + 8;

fn row_bytes(k: usize) -> usize {
    k.saturating_mul(4).saturating_add(FIXED_ROW_BYTES)
}

/// One contributor in a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributorRow {
    /// Who is paid.
    pub account: Address,
    /// How many of their records the training snapshot holds.
    pub records: u32,
    /// Whether the release's gate lets attribution pay this contributor.
    pub passes_gate: bool,
    /// Weight in the release's default division, for money that no receipt divides. Any common scale.
    pub baseline: u64,
    /// The sum of the contributor's record rows, shape `[k]`, on the table's one shared scale.
    pub values: Vec<i32>,
}

/// All contributors of a release, strictly ascending by account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributorTable {
    k: usize,
    rows: Vec<ContributorRow>,
}

/// The rows are not a table, or the bytes are not one's encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Nobody contributed.
    #[error("a contributor table needs at least one row")]
    Empty,
    /// k is zero or above 65,535.
    #[error("a row needs between 1 and 65535 values, not {0}")]
    Width(usize),
    /// A row of another length than the rest.
    #[error("the row of {account} has {found} values, the table {expected}")]
    RowWidth {
        /// Whose row.
        account: Address,
        /// Its length.
        found: usize,
        /// The table's.
        expected: usize,
    },
    /// Rows must ascend strictly by account; the zero address cannot be paid.
    #[error("the row of {0} is out of order: sort by account, merge equal accounts, leave the zero address out")]
    OutOfOrder(Address),
    /// The bytes do not start like a table, are cut short, or go on too long.
    #[error("not a contributor table: {0}")]
    Encoding(&'static str),
    /// A sketch of another release.
    #[error("the sketch has {found} values, the table's rows {expected}: they are not of the same release")]
    SketchWidth {
        /// The sketch's length.
        found: usize,
        /// The table's.
        expected: usize,
    },
}

impl ContributorTable {
    /// Checks order and widths.
    pub fn new(k: usize, rows: Vec<ContributorRow>) -> Result<Self, TableError> {
        if k == 0 || k > usize::from(u16::MAX) {
            return Err(TableError::Width(k));
        }
        if rows.is_empty() {
            return Err(TableError::Empty);
        }
        let mut last = Address::ZERO;
        for row in &rows {
            if row.values.len() != k {
                return Err(TableError::RowWidth { account: row.account, found: row.values.len(), expected: k });
            }
            if row.account <= last {
                return Err(TableError::OutOfOrder(row.account));
            }
            last = row.account;
        }
        Ok(Self { k, rows })
    }

    /// The number of values a row.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The rows, ascending by account.
    pub fn rows(&self) -> &[ContributorRow] {
        &self.rows
    }

    /// Every contributor's signed score for one sketch, `[contributors]` in row order: exact integer dot products.
    ///
    /// # Errors
    /// [`TableError::SketchWidth`].
    pub fn scores(&self, sketch: &Sketch) -> Result<Vec<i64>, TableError> {
        let mut scores = Vec::new();
        self.scores_into(&[sketch], &mut scores)?;
        Ok(scores)
    }

    /// The scores of several sketches in one pass over the table, on one core: `[contributors, sketches]`, row-major.
    ///
    /// What `scores` held is lost; its memory is used again.
    ///
    /// # Errors
    /// [`TableError::SketchWidth`].
    pub fn scores_into(&self, sketches: &[&Sketch], scores: &mut Vec<i64>) -> Result<(), TableError> {
        sketches.iter().try_for_each(|sketch| self.check(sketch))?;
        scores.clear();
        scores.resize(self.rows.len().saturating_mul(sketches.len()), 0);
        scores::fill(&self.rows, sketches, scores);
        Ok(())
    }

    /// As [`ContributorTable::scores_into`], on several threads. Their number changes nothing in the result.
    ///
    /// # Errors
    /// [`TableError::SketchWidth`].
    pub fn scores_with(&self, sketches: &[&Sketch], threads: NonZero<usize>) -> Result<Vec<i64>, TableError> {
        sketches.iter().try_for_each(|sketch| self.check(sketch))?;
        let mut scores = vec![0; self.rows.len().saturating_mul(sketches.len())];
        scores::fill_with(&self.rows, sketches, &mut scores, threads);
        Ok(scores)
    }

    /// Whether this sketch can be scored: it has as many values as a row.
    ///
    /// # Errors
    /// [`TableError::SketchWidth`].
    pub fn check(&self, sketch: &Sketch) -> Result<(), TableError> {
        match sketch.values().len() {
            found if found == self.k => Ok(()),
            found => Err(TableError::SketchWidth { found, expected: self.k }),
        }
    }

    /// `"TRIBTBL1" ‖ k:2 ‖ rows:4`, then per row `account:20 ‖ records:4 ‖ gate:1 ‖ baseline:8 ‖ values:4k`, all little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let rows = self.rows.len().saturating_mul(row_bytes(self.k));
        let mut bytes = Vec::with_capacity(rows.saturating_add(HEADER_BYTES));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.k as u16).to_le_bytes());
        bytes.extend_from_slice(&(self.rows.len() as u32).to_le_bytes());
        for row in &self.rows {
            bytes.extend_from_slice(row.account.as_slice());
            bytes.extend_from_slice(&row.records.to_le_bytes());
            bytes.push(u8::from(row.passes_gate));
            bytes.extend_from_slice(&row.baseline.to_le_bytes());
            bytes.extend(row.values.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }

    /// Reads what [`ContributorTable::encode`] wrote, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, TableError> {
        let mut reader = Reader(bytes);
        if reader.take::<8>()? != *MAGIC {
            return Err(TableError::Encoding("it does not start with TRIBTBL1"));
        }
        let k = usize::from(u16::from_le_bytes(reader.take()?));
        let count = u32::from_le_bytes(reader.take()?) as usize;
        if count.checked_mul(row_bytes(k)) != Some(reader.0.len()) {
            return Err(TableError::Encoding("its length does not fit its header; it may be cut short"));
        }
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            rows.push(ContributorRow {
                account: Address::from(reader.take::<20>()?),
                records: u32::from_le_bytes(reader.take()?),
                passes_gate: match reader.take::<1>()? {
                    [0] => false,
                    [1] => true,
                    _ => return Err(TableError::Encoding("a gate is neither 0 nor 1")),
                },
                baseline: u64::from_le_bytes(reader.take()?),
                values: (0..k).map(|_| reader.take().map(i32::from_le_bytes)).collect::<Result<_, _>>()?,
            });
        }
        Self::new(k, rows)
    }

    /// keccak-256 of the encoding, as the release manifest commits to it.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TableError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(TableError::Encoding("it is cut short"))?;
        self.0 = rest;
        Ok(*head)
    }
}

/// Each score over the sum of all positive ones, in basis points, truncated; zeros where none is positive.
pub fn basis_points(scores: &[i64]) -> Vec<i64> {
    let positive: i128 = scores.iter().map(|score| i128::from((*score).max(0))).sum();
    let share = |score: &i64| {
        let bps = i128::from(*score).saturating_mul(10_000).checked_div(positive).unwrap_or_default();
        i64::try_from(bps).unwrap_or(if *score < 0 { i64::MIN } else { i64::MAX })
    };
    scores.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(byte: u8, values: Vec<i32>) -> ContributorRow {
        let account = Address::repeat_byte(byte);
        ContributorRow { account, records: 3, passes_gate: byte.is_multiple_of(2), baseline: 7, values }
    }

    #[test]
    fn rows_that_are_no_table_are_refused() {
        assert_eq!(ContributorTable::new(1, vec![]), Err(TableError::Empty));
        assert_eq!(ContributorTable::new(0, vec![row(1, vec![])]), Err(TableError::Width(0)));
        assert!(matches!(ContributorTable::new(2, vec![row(1, vec![1])]), Err(TableError::RowWidth { .. })));
        let twice = vec![row(1, vec![1]), row(1, vec![1])];
        assert!(matches!(ContributorTable::new(1, twice), Err(TableError::OutOfOrder(_))));
    }

    #[test]
    fn a_sketch_of_another_release_is_refused() {
        let table = ContributorTable::new(2, vec![row(1, vec![1, 2])]).unwrap();
        assert!(matches!(table.scores(&Sketch::new(vec![1])), Err(TableError::SketchWidth { .. })));
        assert_eq!(table.scores(&Sketch::new(vec![3, -4])), Ok(vec![-5]));
    }

    proptest! {
        #[test]
        fn encoding_is_exact_and_every_cut_is_noticed(values in prop::collection::vec(any::<i32>(), 6), cut in 0usize..100) {
            let table = ContributorTable::new(3, vec![row(1, values[..3].to_vec()), row(2, values[3..].to_vec())]).unwrap();
            let bytes = table.encode();
            prop_assert_eq!(ContributorTable::decode(&bytes), Ok(table));
            prop_assert!(ContributorTable::decode(&bytes[..cut.min(bytes.len() - 1)]).is_err());
        }
    }
}
