//! A contribution travels and is kept in parts.
//!
//! `"TRP1" ‖ seed:32 ‖ first:8 ‖ count:4`, then a place after another: `0x01 ‖ length:4 ‖ record`, or `0x00 ‖ commitment:32`
//! where the record was erased. Whole numbers are big-endian; `first` is the place of the part's first record.

use tributary_sdk::B256;

use super::Entry;
use crate::{DatasetError, Schema};

const MAGIC: &[u8; 4] = b"TRP1";
const HEAD: usize = 4 + 32 + 8 + 4;

/// A part is closed when it has so many bytes.
pub const PART_BYTES: usize = 1 << 20;
/// No part is longer than this.
pub const LONGEST_PART: usize = 1 << 26;

/// Some of a contribution's records, one after another.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The contribution's seed.
    pub seed: B256,
    /// Place of the first record in the contribution, from 0.
    pub first: u64,
    /// The records.
    pub entries: Vec<Entry>,
}

impl Part {
    /// The part's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.entries.len() * 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.seed.as_slice());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.entries.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.entries.iter().for_each(|entry| push(&mut bytes, entry));
        bytes
    }

    /// Erases the record at a place of the part, from 0, and leaves its commitment; whether there was one.
    pub fn erase(&mut self, within: usize) -> bool {
        let place = self.first.saturating_add(within as u64);
        match self.entries.get_mut(within) {
            Some(entry) if entry.record().is_some() => {
                *entry = Entry::Erased(entry.commitment(self.seed, place));
                true
            }
            _ => false,
        }
    }

    /// Reads a part; every record is checked against the schema.
    ///
    /// # Errors
    /// [`DatasetError::Part`], and [`DatasetError::Record`] for the first record that is not as the schema says, by its place
    /// in the contribution.
    pub fn decode(bytes: &[u8], schema: &Schema) -> Result<Self, DatasetError> {
        let mut rest = Reader(bytes);
        if rest.take(4)? != MAGIC {
            return Err(DatasetError::Part("it does not begin as a part does"));
        }
        let seed = B256::from_slice(rest.take(32)?);
        let first = u64::from_be_bytes(rest.array()?);
        let count = u32::from_be_bytes(rest.array()?);
        // What is claimed is not believed: a place takes five bytes at least.
        let mut entries = Vec::with_capacity((count as usize).min(bytes.len() / 5));
        for place in 0..u64::from(count) {
            let entry = match rest.take(1)? {
                [0] => Entry::Erased(B256::from_slice(rest.take(32)?)),
                [1] => {
                    let length = u32::from_be_bytes(rest.array()?) as usize;
                    let fault = |fault| DatasetError::Record { row: first.saturating_add(place) as usize + 1, fault };
                    Entry::Record(schema.check(rest.take(length)?).map_err(fault)?)
                }
                _ => return Err(DatasetError::Part("a place in it is neither a record nor erased")),
            };
            entries.push(entry);
        }
        match rest.0 {
            [] => Ok(Self { seed, first, entries }),
            _ => Err(DatasetError::Part("it goes on after its last record")),
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} records from {})", self.entries.len(), self.first)
    }
}

/// Puts records into parts as they come.
pub(super) struct Parting {
    seed: B256,
    first: u64,
    count: u32,
    bytes: Vec<u8>,
}

impl Parting {
    pub(super) fn new(seed: B256) -> Self {
        Self { seed, first: 0, count: 0, bytes: Vec::new() }
    }

    /// Takes a record; a part that is full.
    pub(super) fn push(&mut self, entry: &Entry) -> Option<Vec<u8>> {
        push(&mut self.bytes, entry);
        self.count += 1;
        (self.bytes.len() >= PART_BYTES).then(|| self.close())
    }

    /// The last part, if it has records.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        (self.count > 0).then(|| self.close())
    }

    fn close(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.bytes.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.seed.as_slice());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.append(&mut self.bytes);
        self.first += u64::from(self.count);
        self.count = 0;
        bytes
    }
}

fn push(bytes: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::Record(record) => {
            bytes.push(1);
            bytes.extend_from_slice(&u32::try_from(record.bytes().len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(record.bytes());
        }
        Entry::Erased(commitment) => {
            bytes.push(0);
            bytes.extend_from_slice(commitment.as_slice());
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], DatasetError> {
        let (taken, left) = self.0.split_at_checked(count).ok_or(DatasetError::Part("it ends too early"))?;
        self.0 = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DatasetError> {
        self.take(N)?.first_chunk().copied().ok_or(DatasetError::Part("it ends too early"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::field::Field;

    fn schema() -> Schema {
        let text = "task = \"regression\"\n[features]\nkind = \"table\"\ncolumns = [{ name = \"a\", kind = \"whole\" }]\n\
                    [label]\nkind = \"number\"";
        Schema::from_toml(text).unwrap()
    }

    fn entry(value: i64) -> Entry {
        match value % 5 {
            0 => Entry::Erased(B256::repeat_byte(value as u8)),
            _ => Entry::Record(schema().record(&[Field::Whole(value), Field::Number(0.5)]).unwrap()),
        }
    }

    proptest! {
        #[test]
        fn parts_come_back_and_no_other_bytes_do(values in prop::collection::vec(any::<i64>(), 0..30), first: u64, at: prop::sample::Index) {
            let part = Part { seed: B256::repeat_byte(7), first, entries: values.into_iter().map(entry).collect() };
            let bytes = part.encode();
            prop_assert_eq!(&Part::decode(&bytes, &schema()).unwrap(), &part);
            prop_assert!(Part::decode(&bytes[..at.index(bytes.len())], &schema()).is_err());
            prop_assert!(Part::decode(&[&bytes[..], &[0]].concat(), &schema()).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Part::decode(&bytes, &schema());
            let _ = Part::decode(&[&MAGIC[..], &[0; 40], &bytes].concat(), &schema());
        }
    }

    #[test]
    fn records_are_parted_where_a_part_is_full_and_none_is_lost() {
        let mut parting = Parting::new(B256::ZERO);
        let entries: Vec<Entry> = (0..100_000).map(entry).collect();
        let mut parts: Vec<Vec<u8>> = entries.iter().filter_map(|entry| parting.push(entry)).collect();
        parts.extend(parting.finish());
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= PART_BYTES + 100));
        let mut back = Vec::new();
        for part in parts {
            let part = Part::decode(&part, &schema()).unwrap();
            assert_eq!(part.first, back.len() as u64);
            back.extend(part.entries);
        }
        assert!(back == entries);
    }
}
