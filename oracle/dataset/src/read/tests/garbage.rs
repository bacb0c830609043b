//! Bytes that are no file of any kind: an error, soon, and no panic.

use std::{fs::File, io::Write};

use proptest::prelude::*;
use rand::{RngCore, SeedableRng};

use super::{numpy, *};

const NAMES: [&str; 5] = ["a.csv", "a.jsonl", "a.npy", "a.npz", "a.parquet"];

fn schemas() -> [Schema; 5] {
    [patients(), texts(), tokens(), pictures(), Schema::digits()]
}

fn read_somehow(name: &str, bytes: &[u8]) {
    let (_folder, path) = file(name, bytes);
    for schema in schemas() {
        let mut taken = 0;
        let read = read(&path, &schema, &mut |_, _| {
            taken += 1;
            Ok(())
        });
        assert!(read.is_err() || read.is_ok_and(|count| count == taken));
    }
}

/// Megabytes of a file, whatever comes first.
fn large(name: &str, start: &[u8], mut fill: impl FnMut(&mut [u8])) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = file(name, start);
    let mut file = File::options().append(true).open(&path).unwrap();
    let mut block = vec![0; 1 << 20];
    for _ in 0..50 {
        fill(&mut block);
        file.write_all(&block).unwrap();
    }
    (folder, path)
}

#[test]
fn megabytes_of_garbage_end_after_a_thousand_rows_at_most() {
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    for name in NAMES {
        let (_folder, path) = large(name, b"", |block| random.fill_bytes(block));
        for schema in schemas() {
            match all(&path, &schema) {
                Err(DatasetError::Rows { rows, .. }) => {
                    assert!(rows.stopped && rows.count <= MOST_FAULTS && rows.first.len() <= NAMED_FAULTS, "{rows}");
                }
                other => assert!(matches!(other, Err(DatasetError::Contents { .. })), "{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn megabytes_without_a_line_end_end_the_reading() {
    for (name, start, byte) in [
        ("a.csv", "", b'1'),
        ("a.csv", "\"", b'\n'),
        ("a.csv", "", b','),
        ("a.jsonl", "", b'['),
        ("a.jsonl", "{\"", b'a'),
    ] {
        let (_folder, path) = large(name, start.as_bytes(), |block| block.fill(byte));
        for schema in schemas() {
            let read = all(&path, &schema);
            let Err(DatasetError::Rows { rows, .. }) = read else { panic!("{read:?}") };
            assert!(rows.stopped && matches!(rows.first[0].fault, RowFault::TooLong { .. }), "{rows}");
        }
    }
    for (name, start) in [("a.npz", b"PK\x03\x04".as_slice()), ("a.npy", b"\x93NUMPY\x02\x00"), ("a.parquet", b"PAR1")]
    {
        let (_folder, path) = large(name, start, |block| block.fill(b'P'));
        for schema in schemas() {
            assert!(matches!(all(&path, &schema), Err(DatasetError::Contents { .. })));
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[\\[\\]{}\",:\\\\a-e0-9.\r\n -]{0,200}") {
        for name in NAMES {
            read_somehow(name, &bytes);
            read_somehow(name, text.as_bytes());
        }
        read_somehow("a.npy", &[b"\x93NUMPY\x01\x00\x40\x00".as_slice(), &bytes].concat());
        read_somehow("a.npz", &[b"PK\x03\x04".as_slice(), &bytes].concat());
    }

    #[test]
    fn no_change_of_an_archive_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let label = numpy::npy("'|u1'", "False", "(2,)", &[1, 0]);
        let features = numpy::npy("'|u1'", "False", "(2, 6)", &[1; 12]);
        for mut bytes in [numpy::npz(&[("features.npy", features.clone()), ("label.npy", label)]), features] {
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            read_somehow("a.npz", &bytes);
        }
    }
}

#[cfg(feature = "parquet")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_change_of_a_parquet_file_gets_out(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = parquet::parquet(&parquet::list("tokens"), &[vec![parquet::lists(&[vec![1, 2], vec![3]])]]);
        for (place, value) in &changes {
            let place = place.index(bytes.len());
            bytes[place] = *value;
        }
        read_somehow("a.parquet", &bytes);
    }
}
