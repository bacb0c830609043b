//! Which records, and which contributors, an answer owes most to, and which spoke against it.
//!
//! The index holds a release's record rows in 8 bits. Scores are exact integers, so that a contributor's is the sum of
//! their records' to the last digit and threads change nothing. It is a brute-force scan: payment needs full signed
//! sums, and a million records of 256 numbers take a fraction of a second.

mod best;
mod encoding;
mod index;
mod kernel;

pub use encoding::IndexError;
pub use index::{Explanation, Hit, RecordIndex};

#[cfg(test)]
mod tests;
