mod csv;
mod garbage;
mod jsonl;
mod numpy;
#[cfg(feature = "parquet")]
mod parquet;
mod same;

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::schema::{Features, Label, Task};

/// A file of some name, as long as its folder lives.
fn file(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn records(name: &str, bytes: impl AsRef<[u8]>, schema: &Schema) -> Vec<Record> {
    let (_folder, path) = file(name, bytes);
    all(&path, schema).unwrap()
}

/// What is said of a file, without its path.
fn refusal(name: &str, bytes: impl AsRef<[u8]>, schema: &Schema) -> String {
    let (_folder, path) = file(name, bytes);
    all(&path, schema).unwrap_err().to_string().replace(&path.display().to_string(), "FILE")
}

/// The lines that name faulty rows.
fn faults(name: &str, bytes: impl AsRef<[u8]>, schema: &Schema) -> Vec<String> {
    refusal(name, bytes, schema).lines().skip(1).map(str::to_owned).collect()
}

fn patients() -> Schema {
    Schema::from_toml(
        r#"
        task = "regression"
        [features]
        kind = "table"
        columns = [
          { name = "age", kind = "whole" },
          { name = "dose", kind = "number", least = 0.0 },
          { name = "ward", kind = "category", names = ["north", "south"] },
        ]
        [label]
        kind = "number"
        "#,
    )
    .unwrap()
}

fn texts() -> Schema {
    let label = Label::Class { names: vec!["spam".to_owned(), "ham".to_owned()] };
    Schema { task: Task::Classification, features: Features::Text { longest: 200 }, label }
}

fn tokens() -> Schema {
    Schema { task: Task::Continuation, features: Features::Tokens { vocabulary: 100, longest: 8 }, label: Label::None }
}

fn pictures() -> Schema {
    let label = Label::Class { names: ["0", "1"].map(str::to_owned).to_vec() };
    let features = Features::Image { channels: 2, height: 1, width: 3, largest: 255 };
    Schema { task: Task::Classification, features, label }
}

#[test]
fn a_file_is_what_its_name_ends_with() {
    let of = |name: &str| Format::of(Path::new(name));
    assert_eq!(of("a.CSV").unwrap(), Format::Csv);
    assert_eq!(of("a.ndjson").unwrap(), Format::Jsonl);
    assert_eq!(of("a.b.npz").unwrap(), Format::Numpy);
    assert_eq!(of("a.parquet").unwrap(), Format::Parquet);
    let refused = of("a.xlsx").unwrap_err().to_string();
    assert_eq!(refused, "a.xlsx is of no kind that is read: give a .csv, .jsonl, .ndjson, .npy, .npz or .parquet file");
    assert!(of("csv").is_err());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = all(Path::new("no/such.csv"), &patients()).unwrap_err().to_string();
    assert!(missing.contains("no/such.csv"), "{missing}");
}

#[test]
fn the_demonstration_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let mut last = 0;
    let count = read(&path, &Schema::digits(), &mut |row, _| {
        assert_eq!(row, last + 1);
        last = row;
        Ok(())
    });
    assert_eq!((count.unwrap(), last), (1_797, 1_797));
}

#[test]
fn whoever_takes_the_records_may_stop() {
    let (_folder, path) = file("a.csv", "1,1,north,1\n2,2,north,2\n");
    let stopped = read(&path, &patients(), &mut |_, _| Err(DatasetError::Schema("enough".to_owned())));
    assert!(matches!(stopped, Err(DatasetError::Schema(says)) if says == "enough"));
}

#[test]
fn twenty_faulty_rows_are_named_and_all_counted_up_to_a_thousand() {
    let some = refusal("a.csv", "1,1,north,1\n".repeat(3) + &"x,1,north,1\n".repeat(30), &patients());
    let lines: Vec<&str> = some.lines().collect();
    assert_eq!(lines[0], "FILE: 30 rows are not as the schema says; correct the file and give it again");
    assert_eq!(lines[1], "row 4 on line 4: `age`: `x` is not a whole number");
    assert_eq!((lines.len(), lines[21]), (22, "… and 10 more"));
    let (_folder, path) = file("a.csv", "1,1,north,1\n".to_owned() + &"x,1,north,1\n".repeat(5_000));
    let mut taken = 0;
    let many = read(&path, &patients(), &mut |_, _| {
        taken += 1;
        Ok(())
    });
    let Err(DatasetError::Rows { rows, .. }) = many else { panic!("{many:?}") };
    assert_eq!((rows.count, rows.first.len(), rows.stopped, taken), (MOST_FAULTS, NAMED_FAULTS, true, 1));
    assert!(rows.to_string().ends_with("… and 980 more\nthe file was read no further"));
}
