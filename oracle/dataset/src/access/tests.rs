use std::{fs, io::Write, path::PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;
use tributary_sdk::{Address, AssetId, B256, keccak256};

use super::*;
use crate::DatasetError;

fn access(number: u64) -> Access {
    Access {
        at: 1_000 + number,
        by: Address::repeat_byte(0xab),
        purposes: Purposes::TRAIN,
        dataset: AssetId(7),
        version: (number.is_multiple_of(2)).then_some(3),
        valid_until: 2_000,
        blobs: number,
        records: 10 * number,
        evidence: (number.is_multiple_of(3)).then_some(B256::repeat_byte(0xcd)),
    }
}

/// The bytes of such a log.
fn bytes(entries: u64) -> Vec<u8> {
    let mut head = None;
    let entry = |number| {
        let (entry, line) = Entry::after(head, &access(number)).unwrap();
        head = Some(entry.head());
        line
    };
    (0..entries).flat_map(entry).collect()
}

/// A log of so many entries.
fn written(folder: &TempDir, entries: u64) -> (PathBuf, Vec<Head>) {
    let path = folder.path().join("access.jsonl");
    let mut log = AccessLog::open(&path).unwrap();
    let heads = (0..entries).map(|number| log.append(&access(number)).unwrap()).collect();
    (path, heads)
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The number of the line that is wrong, and what is.
fn broken(bytes: &[u8]) -> (u64, LogFault) {
    match verify(bytes) {
        Err(DatasetError::LogBroken { line, fault }) => (line, fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let (path, heads) = written(&folder, 3);
    assert_eq!(fs::read(&path).unwrap(), bytes(3));
    assert_eq!(verify(fs::read(&path).unwrap().as_slice()).unwrap(), Some(heads[2]));
    let mut log = AccessLog::open(&path).unwrap();
    assert_eq!((log.head(), log.torn()), (Some(heads[2]), None));
    let head = log.append(&access(3)).unwrap();
    assert_eq!((head.index, log.head()), (3, Some(head)));
    let entries: Vec<Entry> = log.entries(0).unwrap().map(Result::unwrap).collect();
    assert_eq!(entries.iter().map(|entry| entry.access).collect::<Vec<_>>(), (0..4).map(access).collect::<Vec<_>>());
    assert_eq!(entries[..3].iter().map(Entry::head).collect::<Vec<_>>(), heads);
    assert!(entries.windows(2).all(|pair| pair[1].previous == pair[0].hash));
    for from in 0..6 {
        let tail: Vec<Entry> = log.entries(from).unwrap().map(Result::unwrap).collect();
        assert_eq!(tail, entries[entries.len().min(from as usize)..]);
    }
}

#[test]
fn an_empty_log_has_no_head() {
    let folder = tempfile::tempdir().unwrap();
    let log = AccessLog::open(&folder.path().join("access.jsonl")).unwrap();
    assert_eq!((log.head(), log.entries(0).unwrap().count()), (None, 0));
    assert_eq!(verify(&b""[..]).unwrap(), None);
    let nowhere = folder.path().join("missing").join("access.jsonl");
    assert!(matches!(AccessLog::open(&nowhere), Err(DatasetError::File { .. })));
}

#[test]
fn a_line_is_what_its_description_says() {
    let log = String::from_utf8(bytes(2)).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let zero = B256::ZERO;
    let body = format!(
        r#"{{"format":"tributary-access/1","index":0,"previous":"{zero}","at":1000,"by":"0xabababababababababababababababababababab","purposes":"train","dataset":"0x00000000000000000000000000000007","version":3,"validUntil":2000,"blobs":0,"records":0,"evidence":"0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd""#
    );
    let hash = keccak256(format!("{body}}}"));
    assert_eq!(lines[0], format!(r#"{body},"hash":"{hash}"}}"#));
    assert!(lines[1].contains(&format!(r#""index":1,"previous":"{hash}""#)));
    assert!(lines[1].contains(r#""version":null"#) && lines[1].contains(r#""evidence":null,"hash""#));
    // The longest fields there are.
    let longest = Access {
        at: u64::MAX,
        purposes: Purposes::from_bits(31).unwrap(),
        version: Some(u32::MAX),
        valid_until: u64::MAX,
        blobs: u64::MAX,
        records: u64::MAX,
        evidence: Some(zero),
        ..access(0)
    };
    let before = Head { index: u64::MAX - 1, hash: zero };
    let (entry, line) = Entry::after(Some(before), &longest).unwrap();
    assert!(line.len() < 800, "{}", line.len());
    assert!(Entry::after(Some(entry.head()), &longest).is_none());
}

proptest! {
    #[test]
    fn any_byte_that_is_changed_is_found(place in any::<prop::sample::Index>(), change in 1_u8..) {
        let good = bytes(4);
        let mut bad = good.clone();
        let place = place.index(bad.len());
        bad[place] ^= change;
        let line = 1 + good[..place].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(broken(&bad).0, line);
        // Whoever has the file is refused too; only what may be a crash's is cut off, and that is told.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        fs::write(&path, &bad).unwrap();
        match AccessLog::open(&path) {
            Err(DatasetError::LogBroken { line: found, .. }) => {
                assert_eq!(found, line);
                assert_eq!(fs::read(&path).unwrap(), bad, "a broken log is left as it is");
            }
            Ok(log) => {
                assert_eq!(place, good.len() - 1, "the end of the last line");
                assert_eq!(log.torn().unwrap().bytes, [bad[place]]);
                assert_eq!(fs::read(&path).unwrap(), good);
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn any_byte_that_is_taken_out_or_put_in_is_found(place in any::<prop::sample::Index>(), new in any::<u8>()) {
        let good = bytes(3);
        let place = place.index(good.len());
        let mut bad = good.clone();
        bad.remove(place);
        broken(&bad);
        let mut bad = good.clone();
        bad.insert(place, new);
        broken(&bad);
    }

    #[test]
    fn a_torn_line_is_cut_off_and_told_and_no_whole_entry_is_lost(cut in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let good = bytes(3);
        let heads: Vec<Head> = Entries::new(good.as_slice()).map(|entry| entry.unwrap().head()).collect();
        let cut = cut.index(good.len() + 1);
        fs::write(&path, &good[..cut]).unwrap();
        let mut log = AccessLog::open(&path).unwrap();
        let lines = lines(&good);
        // An entry is whole with or without the end of its line.
        let mut ends = lines.iter().scan(0, |end, line| { *end += line.len(); Some(*end) });
        let whole = ends.by_ref().take_while(|end| *end <= cut + 1).count();
        let kept: usize = lines[..whole].iter().map(Vec::len).sum();
        assert_eq!(log.head(), whole.checked_sub(1).map(|last| heads[last]));
        assert_eq!(fs::read(&path).unwrap(), good[..kept]);
        let torn = (kept < cut).then(|| Torn { line: whole as u64 + 1, bytes: good[kept..cut].to_vec() });
        assert_eq!(log.torn(), torn.as_ref());
        for number in whole as u64..3 {
            log.append(&access(number)).unwrap();
        }
        assert_eq!(log.head(), Some(heads[2]));
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}

#[test]
fn lines_that_are_taken_out_put_in_or_moved_are_found() {
    let good = lines(&bytes(4));
    for line in 0..3 {
        let mut bad = good.clone();
        bad.remove(line);
        assert_eq!(broken(&bad.concat()).0, line as u64 + 1);
        let mut bad = good.clone();
        bad.swap(line, line + 1);
        assert_eq!(broken(&bad.concat()).0, line as u64 + 1);
        let mut bad = good.clone();
        bad.insert(line, good[line].clone());
        assert_eq!(broken(&bad.concat()).0, line as u64 + 2);
        let mut bad = good.clone();
        bad.insert(line, b"\n".to_vec());
        assert_eq!(broken(&bad.concat()), (line as u64 + 1, LogFault::NotAnEntry));
    }
    // An entry made anew, with a hash of its own, that the next one does not follow.
    let head = verify(good[..1].concat().as_slice()).unwrap();
    let (_, forged) = Entry::after(head, &access(9)).unwrap();
    let mut bad = good.clone();
    bad[1] = forged;
    assert!(matches!(broken(&bad.concat()), (3, LogFault::Previous { .. })));
}

#[test]
fn the_same_entry_is_written_in_one_way_only() {
    let line = String::from_utf8(bytes(1)).unwrap();
    let rehashed = |body: &str| {
        let body = body.split(",\"hash\":").next().unwrap().to_owned() + "}";
        let hash = keccak256(&body);
        format!("{},\"hash\":\"{hash}\"}}\n", &body[..body.len() - 1])
    };
    assert_eq!(rehashed(&line), line);
    let others = [
        line.replace("0xabab", "0xABAB"),
        line.replace("\"at\":", "\"at\": "),
        line.replace("\"train\"", "\" train\""),
        line.replace("0x0000000000000000000000000000000", "0x"),
        line.replace("\"blobs\":0,\"records\":0", "\"records\":0,\"blobs\":0"),
        line.replace("\"blobs\":0", "\"blobs\":0,\"blobs\":0"),
        line.replace("\"blobs\":0", "\"blobs\":0,\"more\":0"),
        line.replace("access/1", "access/2"),
        line.replace("\"version\":3,", ""),
    ];
    for other in others {
        assert_ne!(other, line);
        assert_eq!(broken(rehashed(&other).as_bytes()), (1, LogFault::NotAnEntry), "{other}");
    }
    let hash = line.rfind("0x").unwrap() + 2;
    let capitals = format!("{}{}\"}}\n", &line[..hash], line[hash..hash + 64].to_uppercase());
    assert_eq!(broken(capitals.as_bytes()), (1, LogFault::NotAnEntry));
}

#[test]
fn a_line_without_an_end_does_not_fill_the_memory() {
    let long = [bytes(1), vec![b'a'; 100_000]].concat();
    assert_eq!(broken(&long), (2, LogFault::TooLong));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.jsonl");
    fs::write(&path, &long).unwrap();
    assert!(matches!(AccessLog::open(&path), Err(DatasetError::LogBroken { line: 2, fault: LogFault::TooLong })));
}

#[test]
fn one_at_a_time_has_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(&folder, 1);
    let log = AccessLog::open(&path).unwrap();
    assert!(matches!(AccessLog::open(&path), Err(DatasetError::LogInUse { .. })));
    assert!(verify(fs::read(&path).unwrap().as_slice()).is_ok(), "anybody may read it meanwhile");
    drop(log);
    assert!(AccessLog::open(&path).is_ok());
}

#[test]
fn whoever_noted_a_head_sees_that_nothing_was_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, heads) = written(&folder, 4);
    let log = fs::read(&path).unwrap();
    let holds = |log: &[u8], head: Head| Entries::new(log).any(|entry| entry.unwrap().hash == head.hash);
    assert!(heads.iter().all(|head| holds(&log, *head)));
    let shorter = lines(&log)[..2].concat();
    assert!(holds(&shorter, heads[1]) && !holds(&shorter, heads[2]));
    // Written anew from the second entry on, which is a log by itself.
    let mut head = Some(heads[0]);
    let mut anew = lines(&log)[..1].concat();
    for number in [1, 5, 3] {
        let (entry, line) = Entry::after(head, &access(number)).unwrap();
        anew.extend(line);
        head = Some(entry.head());
    }
    assert_eq!(verify(anew.as_slice()).unwrap(), head);
    assert!(holds(&anew, heads[1]) && !holds(&anew, heads[2]) && !holds(b"", heads[0]));
    let cut = verify(&log[..log.len() - 1]);
    assert!(matches!(cut, Err(DatasetError::LogBroken { line: 4, .. })));
}

#[test]
fn entries_are_those_of_the_log_that_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (path, heads) = written(&folder, 3);
    let log = AccessLog::open(&path).unwrap();
    let good = fs::read(&path).unwrap();
    // What another program writes there without asking is not part of it.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"format\"").unwrap();
    assert_eq!(log.entries(0).unwrap().map(Result::unwrap).count(), 3);
    fs::write(&path, lines(&good)[..2].concat()).unwrap();
    let last = log.entries(2).unwrap().last().unwrap();
    assert!(matches!(last, Err(DatasetError::LogNotExtended { earlier, found: None }) if earlier == heads[2]));
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_write_that_failed_nothing_is_appended_until_the_log_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, heads) = written(&folder, 1);
    let mut log = AccessLog::open(&path).unwrap().failing();
    assert!(matches!(log.append(&access(1)), Err(DatasetError::File { .. })));
    assert!(matches!(log.append(&access(1)), Err(DatasetError::LogStopped { .. })));
    assert_eq!(log.head(), Some(heads[0]));
    let mut log = AccessLog::open(&path).unwrap();
    assert_eq!(log.append(&access(1)).unwrap().index, 1);
}
