//! Folders that may not be written to, files that were cut or overwritten: refused by name, or whole.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{Seek, SeekFrom, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use alloy::signers::local::PrivateKeySigner;
use tributary_submission::{FILE_NAME, State, SubmissionError, Submitter};

use crate::world::{World, on_shared_chain, policy, run, slot};

/// Names the folder and the chain to the child; without them the child's test does nothing.
const FOLDER: &str = "TRIBUTARY_SUBMISSION_DISK_FOLDER";
const NODE: &str = "TRIBUTARY_SUBMISSION_DISK_NODE";

const PAGE: usize = 4096;

/// Opens a copy of the file with something done to it: whether it opened. If it did, it is whole.
async fn opens(
    world: &'static World,
    signer: &PrivateKeySigner,
    whole: (&[u8], &str),
    damage: impl FnOnce(&mut File),
) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, whole.0).unwrap();
    damage(&mut OpenOptions::new().write(true).open(&path).unwrap());
    let endpoints = vec![world.endpoint()];
    match Submitter::open(folder.path(), endpoints, signer.clone(), world.target(), policy()).await {
        Ok(submitter) => {
            assert_eq!(format!("{:?}", submitter.records().unwrap()), whole.1);
            true
        }
        Err(SubmissionError::Unreadable { path: named, .. }) => {
            assert_eq!(named, path);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_cut_or_overwritten_file_is_whole_or_refused_by_name() {
    on_shared_chain(async |world| {
        let (folder, signer) = (tempfile::tempdir().unwrap(), world.signer().await);
        let submitter = world.open(folder.path(), &signer).await;
        for value in 1..=3 {
            let intent = world.intent(slot(), value).await;
            submitter.submit(intent.clone()).unwrap();
            assert_eq!(world.settle(&submitter, intent.key).await, State::Final);
        }
        let content = format!("{:?}", submitter.records().unwrap());
        drop(submitter);
        let bytes = fs::read(folder.path().join(FILE_NAME)).unwrap();
        let whole = (&bytes[..], &content[..]);
        assert!(opens(world, &signer, whole, |_| ()).await);

        for cut in [1, PAGE, bytes.len() / 2, bytes.len() - PAGE, bytes.len()] {
            let length = (bytes.len() - cut) as u64;
            let opened = opens(world, &signer, whole, |file| file.set_len(length).unwrap()).await;
            assert!(!opened, "a file cut by {cut} bytes of {} was taken", bytes.len());
        }
        let (mut taken, mut refused) = (0, 0);
        for page in 0..bytes.len() / PAGE {
            if bytes[page * PAGE..][..PAGE].iter().all(|byte| *byte == 0) && page % 16 != 0 {
                continue;
            }
            let opened = opens(world, &signer, whole, |file| {
                file.seek(SeekFrom::Start((page * PAGE) as u64)).unwrap();
                file.write_all(&[0xa5; PAGE]).unwrap();
            });
            if opened.await { taken += 1 } else { refused += 1 }
        }
        assert!(taken > 0 && refused > 0, "{taken} free pages and {refused} used ones");
    });
}

/// The child: says why it cannot open the folder.
#[test]
#[ignore = "a child of another test, which does nothing without its orders"]
fn child_that_may_not_write() {
    let (Ok(folder), Ok(node)) = (std::env::var(FOLDER), std::env::var(NODE)) else { return };
    run(async {
        let (url, register) = node.split_once(' ').unwrap();
        let world = World::at(url, register.parse().unwrap());
        let (folder, signer) = (Path::new(&folder), PrivateKeySigner::random());
        let opened = Submitter::open(folder, vec![world.endpoint()], signer, world.target(), policy()).await;
        println!("{:?}", opened.unwrap_err());
    });
}

#[test]
fn a_folder_that_may_not_be_written_to_is_refused_by_name() {
    on_shared_chain(async |world| {
        let folder = tempfile::tempdir().unwrap();
        // Where the superuser may always write, the test asks as nobody.
        let program = folder.path().join("test");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let full = folder.path().join("full");
        drop(world.open(&full, &world.signer().await).await);
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let allow = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        allow(&full.join(FILE_NAME), 0o444);
        for closed in [&full, &empty, &folder.path().to_owned()] {
            allow(closed, 0o555);
        }
        for data in [&full, &empty, &folder.path().join("none")] {
            let mut command = Command::new(&program);
            command.args(["disk::child_that_may_not_write", "--exact", "--ignored", "--nocapture"]);
            command.env(FOLDER, data).env(NODE, format!("{} {}", world.url, world.register));
            if fs::metadata(&program).unwrap().uid() == 0 {
                command.uid(65_534).gid(65_534);
            }
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("NotWritable"), "{}: {said}", data.display());
        }
        for open in [&folder.path().to_owned(), &full, &empty] {
            allow(open, 0o755);
        }
    });
}
