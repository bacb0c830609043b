//! Datasets as CSV: one record a line, whole numbers separated by commas, features first, the label last, no header.

use std::path::Path;

use super::{Record, Schema};
use crate::FactoryError;

/// Records of one schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    schema: Schema,
    records: Vec<Record>,
}

impl Dataset {
    /// Reads a CSV file.
    ///
    /// # Errors
    /// [`FactoryError::Io`], and as [`Dataset::parse`].
    pub fn read_csv(path: &Path, schema: Schema) -> Result<Self, FactoryError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| FactoryError::Io { path: path.to_owned(), source })?;
        Self::parse(&text, schema)
    }

    /// Parses CSV text. Lines may end in CR LF; a closing newline is no record, an empty line between records is an error.
    ///
    /// # Errors
    /// [`FactoryError::EmptyFile`], [`FactoryError::WrongSize`], [`FactoryError::NotANumber`],
    /// [`FactoryError::FeatureRange`], [`FactoryError::LabelRange`]; the first fault in the file.
    pub fn parse(text: &str, schema: Schema) -> Result<Self, FactoryError> {
        let records: Vec<Record> = text
            .lines()
            .enumerate()
            .map(|(place, line)| parse_line(place + 1, line, schema))
            .collect::<Result<_, _>>()?;
        match records.is_empty() {
            true => Err(FactoryError::EmptyFile),
            false => Ok(Self { schema, records }),
        }
    }

    /// What the records look like.
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// The records, in the file's order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

fn parse_line(line: usize, text: &str, schema: Schema) -> Result<Record, FactoryError> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.len() != schema.width + 1 {
        return Err(FactoryError::WrongSize { line, found: fields.len(), expected: schema.width });
    }
    let mut numbers = Vec::with_capacity(fields.len());
    for (place, field) in fields.iter().enumerate() {
        numbers.push(field.parse::<u64>().map_err(|_| FactoryError::NotANumber {
            line,
            field: place + 1,
            found: field.chars().take(20).collect(),
        })?);
    }
    let label = numbers.pop().unwrap_or_default();
    let label = u8::try_from(label).ok().filter(|label| *label < schema.classes).ok_or(FactoryError::LabelRange {
        line,
        found: label,
        classes: schema.classes,
    })?;
    let feature = |(place, found): (usize, &u64)| {
        let narrow = u8::try_from(*found).ok().filter(|value| *value <= schema.largest);
        narrow.ok_or(FactoryError::FeatureRange { line, field: place + 1, found: *found, largest: schema.largest })
    };
    let features = numbers.iter().enumerate().map(feature).collect::<Result<_, _>>()?;
    Ok(Record { features, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Schema = Schema { width: 2, largest: 16, classes: 3, radius: 0 };

    #[test]
    fn every_fault_names_its_line_and_field() {
        let fault = |text: &str| Dataset::parse(text, SMALL).unwrap_err().to_string();
        assert!(matches!(Dataset::parse("", SMALL), Err(FactoryError::EmptyFile)));
        assert_eq!(fault("1,2,0\n1,2\n"), "line 2: 2 fields, expected 2 features and a label");
        assert_eq!(fault("1,2,0\n\n1,2,0"), "line 2: 1 fields, expected 2 features and a label");
        assert_eq!(fault("1,2,3,0"), "line 1: 4 fields, expected 2 features and a label");
        assert_eq!(fault("1,x,0"), "line 1, field 2: `x` is not a whole number");
        assert_eq!(fault("1,-1,0"), "line 1, field 2: `-1` is not a whole number");
        assert_eq!(fault("1,1.5,0"), "line 1, field 2: `1.5` is not a whole number");
        assert_eq!(fault("1,NaN,0"), "line 1, field 2: `NaN` is not a whole number");
        assert_eq!(fault("17,1,0"), "line 1, field 1: 17 is above the largest feature, 16");
        assert_eq!(fault("1,300,0"), "line 1, field 2: 300 is above the largest feature, 16");
        assert_eq!(fault("1,2,0\n1,2,3"), "line 2: the label 3 is not below the number of classes, 3");
        assert_eq!(fault("1,2,256"), "line 1: the label 256 is not below the number of classes, 3");
        let missing = Dataset::read_csv(Path::new("nowhere.csv"), SMALL).unwrap_err();
        assert!(missing.to_string().starts_with("cannot use nowhere.csv: "));
    }

    #[test]
    fn line_ends_of_either_kind_read() {
        let dataset = Dataset::parse("0,16,2\r\n 3 ,4,1\r\n", SMALL).unwrap();
        assert_eq!(dataset.records()[1], Record { features: vec![3, 4], label: 1 });
        assert_eq!(dataset.records()[0].to_bytes(), [0, 16, 2]);
    }

    #[test]
    fn the_demo_digits_are_all_there() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
        let dataset = Dataset::read_csv(&path, Schema::DIGITS).unwrap();
        assert_eq!(dataset.records().len(), 1_797);
        let mut seen = [0; 10];
        dataset.records().iter().for_each(|record| seen[usize::from(record.label)] += 1);
        assert_eq!(seen, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let mut hashes: Vec<_> = dataset.records().iter().map(Record::hash).collect();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 1_797, "no two digits are the same record");
    }
}
