//! Disks that refuse, fill up, or give back something else than was written.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{Seek, SeekFrom, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use tributary_ledger::{FILE_NAME, Ledger, LedgerError, RowState, check};

use crate::{access::access, binding, crash, id, open, receipt, reservation, serve};

/// Names the data folder to the child; without it the children's tests do nothing.
const FOLDER: &str = "TRIBUTARY_LEDGER_DISK_FOLDER";

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

#[tokio::test]
async fn another_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut output) = crash::start(folder.path());
    crash::wait_for(&mut output, 3);
    let in_use = LedgerError::InUse { path: folder.path().join(FILE_NAME) };
    assert_eq!(Ledger::open(folder.path(), binding()).unwrap_err(), in_use);
    assert_eq!(check(folder.path()).unwrap_err(), in_use);
    // It was not disturbed.
    crash::wait_for(&mut output, 8);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(open(folder.path()));
}

/// The child: says why it cannot open the folder.
#[test]
#[ignore = "a child of a_read_only_folder_is_refused_by_name"]
fn child_that_may_not_write() {
    let Some(folder) = folder_of_child() else { return };
    println!("{:?}", Ledger::open(&folder, binding()).unwrap_err());
}

#[test]
fn a_read_only_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    // Where the superuser may always write, the test asks as nobody.
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let nobody = |command: &mut Command| {
        if fs::metadata(&program).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
    };
    let (empty, full) = (folder.path().join("empty"), folder.path().join("full"));
    fs::create_dir(&empty).unwrap();
    drop(open(&full));
    fs::set_permissions(full.join(FILE_NAME), Permissions::from_mode(0o444)).unwrap();
    for data in [&empty, &full, &folder.path().join("none")] {
        if data.exists() {
            fs::set_permissions(data, Permissions::from_mode(0o555)).unwrap();
        }
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
        let mut command = Command::new(&program);
        command.args(["disk::child_that_may_not_write", "--exact", "--ignored", "--nocapture"]).env(FOLDER, data);
        nobody(&mut command);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("NotWritable"), "{}: {said}", data.display());
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    }
    for data in [&empty, &full] {
        fs::set_permissions(data, Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(full.join(FILE_NAME), Permissions::from_mode(0o644)).unwrap();
    drop(open(&full));
}

/// The child: serves until something is refused, and again after that.
#[tokio::test]
#[ignore = "a child of the tests of full disks"]
async fn child_that_fills_its_disk() {
    let Some(folder) = folder_of_child() else { return };
    let ledger = open(&folder);
    for number in 1.. {
        let served = match ledger.reserve(reservation(number, 5)).await {
            Ok(_) => ledger.earn(receipt(number, 5), vec![7; 100_000]).await,
            Err(error) => Err(error),
        };
        match served {
            Ok(()) => println!("durable {number}"),
            Err(error) => {
                println!("refused {error}");
                let again = ledger.reserve(reservation(1 << 40, 5)).await.unwrap_err();
                println!("again {again}");
                assert_eq!(ledger.row(id(1)).unwrap().unwrap().state, RowState::Earned, "reading goes on");
                return;
            }
        }
    }
}

#[test]
fn a_full_disk_refuses_by_name_and_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files is the one full disk that needs no rights: the kernel refuses to make the file longer.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16384; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["disk::child_that_fills_its_disk", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    for line in ["refused ", "again "] {
        let line = said.lines().find_map(|said| said.split_once(line)).unwrap().1;
        assert!(line.contains("check the disk's space and health, then restart"), "{line}");
    }
    let durable: Vec<u64> = said.lines().filter_map(crash::durable).collect();
    assert!(durable.len() > 10, "{said}");

    let ledger = open(folder.path());
    for number in &durable {
        assert_eq!(ledger.row(id(*number)).unwrap().unwrap().receipt, Some(receipt(*number, 5)));
    }
    let refused = ledger.row(id(durable.len() as u64 + 1)).unwrap();
    assert!(refused.is_none_or(|row| row.state == RowState::Voided));
    assert_eq!(ledger.calls(crate::license(5)).unwrap().total, durable.len() as u64);
}

/// What a ledger holds, to compare.
fn all(ledger: &Ledger) -> String {
    let epochs: Vec<_> = (1..=2).map(|epoch| (ledger.epoch(epoch), ledger.rows_of(epoch))).collect();
    let rows: Vec<_> = (0..40).map(|number| ledger.row(id(number))).collect();
    format!("{epochs:?} {rows:?} {:?} {:?}", ledger.calls(crate::license(5)), ledger.keys_of(crate::license(5)))
}

async fn stopped(folder: &Path) -> (Vec<u8>, String) {
    let ledger = open(folder);
    ledger.sign_in(access(4, 5, 1)).await.unwrap();
    for number in 1..=30 {
        serve(&ledger, number, 5).await;
    }
    ledger.seal(1, 12).await.unwrap();
    ledger.seal(2, 20).await.unwrap();
    let content = all(&ledger);
    drop(ledger);
    (fs::read(folder.join(FILE_NAME)).unwrap(), content)
}

/// Opens a copy of the file with something done to it: refused by name, or whole.
fn try_open(bytes: &[u8], content: &str, what: &str, damage: impl FnOnce(&mut fs::File)) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, bytes).unwrap();
    damage(&mut OpenOptions::new().read(true).write(true).open(&path).unwrap());
    match Ledger::open(folder.path(), binding()) {
        Ok(ledger) => {
            assert_eq!(all(&ledger), content, "{what}: silently wrong");
            true
        }
        Err(LedgerError::Unreadable { path: named, .. }) => {
            assert_eq!(named, path);
            false
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

#[tokio::test]
async fn a_cut_or_overwritten_file_is_whole_or_refused_by_name() {
    const PAGE: usize = 4096;
    let folder = tempfile::tempdir().unwrap();
    let (bytes, content) = stopped(folder.path()).await;
    for cut in [1, 100, PAGE, 3 * PAGE, bytes.len() / 2, bytes.len() - PAGE, bytes.len() - 1, bytes.len()] {
        let length = (bytes.len() - cut) as u64;
        let opened = try_open(&bytes, &content, "cut", |file| file.set_len(length).unwrap());
        assert!(!opened, "a file cut by {cut} bytes of {} was taken", bytes.len());
    }
    let (mut taken, mut refused) = (0, 0);
    for page in 0..bytes.len() / PAGE {
        if bytes[page * PAGE..][..PAGE].iter().all(|byte| *byte == 0) && page % 16 != 0 {
            continue;
        }
        let opened = try_open(&bytes, &content, &format!("page {page} overwritten"), |file| {
            file.seek(SeekFrom::Start((page * PAGE) as u64)).unwrap();
            file.write_all(&[0xa5; PAGE]).unwrap();
        });
        if opened { taken += 1 } else { refused += 1 }
    }
    assert!(taken > 0 && refused > 0, "{taken} free pages and {refused} used ones");
}

#[test]
fn an_empty_file_is_not_taken_for_a_new_ledger() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), b"").unwrap();
    let error = Ledger::open(folder.path(), binding()).unwrap_err();
    assert!(matches!(error, LedgerError::Unreadable { .. }), "{error}");
}
