//! Files that were cut or overwritten: whole, or refused by name.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
};

use alloy::signers::local::PrivateKeySigner;
use tributary_submission::{FILE_NAME, State, SubmissionError, Submitter};

use crate::world::{World, on_shared_chain, policy, slot};

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
