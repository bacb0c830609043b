//! `tributary doctor`: what is whole is said to be, and what is not is named.

use std::{fs, path::Path};

use tributary_chain::assets;
use tributary_factory::release::MODEL_FILE;
use tributary_ledger::FILE_NAME;
use tributary_server::{host::Batches, steps};

use crate::{
    folders,
    program::{Ended, Program},
    studio::Studio,
    town::{DAY, Town, folder, run},
};

/// As the host's operator would run it.
fn doctor(program: &Program, studio: &Studio, data: &Path) -> Ended {
    program.run(studio.host.clone(), &["doctor", "--data", data.to_str().unwrap()])
}

/// Asserts that this is wrong and nothing else.
#[track_caller]
fn names(ended: &Ended, what: &str, words: &str) {
    ended.failed(&["1 problems"]);
    let problems: Vec<&str> = ended.out.lines().filter(|line| !line.starts_with("ok       ")).collect();
    let [problem] = problems[..] else { panic!("{}", ended.out) };
    assert!(problem.starts_with(&format!("problem  {what}: ")) && problem.contains(words), "{}", ended.out);
}

/// A host's folder with a closed epoch of two receipts and an open one of one; a program for its chain.
async fn served() -> (Studio, Program) {
    let studio = Studio::new(Town::start().await).await;
    let serving = studio.serve().await;
    let buyer = studio.buyer().await;
    let session = studio.session(&serving, &buyer).await;
    studio.ask(&session, 2).await;
    studio.town().advance(DAY).await;
    steps::epoch::close(&serving.url, None, &serving.token).await.unwrap();
    studio.ask(&session, 1).await;
    serving.stop().await;
    let program = Program::new(studio.town().chain.url(), None, &[&studio.host]);
    (studio, program)
}

/// Changes one bit of a file wherever these bytes are in it.
fn damage(path: &Path, bytes: &[u8]) {
    let mut content = fs::read(path).unwrap();
    let found = content.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes);
    let places: Vec<usize> = found.map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "nothing to damage in {}", path.display());
    for place in places {
        content[place] ^= 1;
    }
    fs::write(path, content).unwrap();
}

#[test]
fn a_folder_that_is_whole_is_said_to_be_part_by_part() {
    run(async {
        let (studio, program) = served().await;
        let data = studio.community.folder.path();
        let said = doctor(&program, &studio, data).fine();
        let (address, model) = (studio.host.address(), studio.model.version.asset);
        let expected = [
            format!("key: {address}"),
            format!("node: chain 31337, genesis {}", studio.town().chain.genesis()),
            "ledger: whole: 1 epochs with 2 receipts, 1 receipts in the open one, 1 sign-ins".into(),
            "batches: 1 whole".into(),
            format!("contracts: ledger {}", studio.town().chain.deployment().ledger),
            format!("release: version 1 of model {model}, as on chain"),
        ];
        for words in expected {
            assert!(said.contains(&format!("ok       {words}\n")), "no `{words}` in {said}");
        }
        assert!(said.lines().all(|line| line.starts_with("ok       ")), "{said}");
        names(&program.run(None, &["doctor", "--data", data.to_str().unwrap()]), "key", "TRIBUTARY_KEY");
        // While a host serves from it, its ledger is not to be touched.
        let serving = studio.serve().await;
        assert!(doctor(&program, &studio, data).fine().contains("ok       ledger: in use by a host"));
        serving.stop().await;
    });
}

#[test]
fn a_changed_byte_is_found_in_the_ledger_in_a_batch_and_in_the_release() {
    run(async {
        let (studio, program) = served().await;
        let data = studio.community.folder.path();
        let batch = fs::read_dir(data.join("batches")).unwrap().next().unwrap().unwrap().path();
        let ledger = data.join(FILE_NAME);
        let published = assets::version(&studio.town().chain, studio.model.version.asset, 1).await.unwrap();
        let kept = studio.community.data.releases().find(published.manifestHash).await.unwrap().unwrap();
        let weights = kept.join(MODEL_FILE);
        let middle = fs::read(&weights).unwrap();
        let middle = &middle[middle.len() / 2..][..32];
        let receipt = Batches::at(data).of_epoch(1).unwrap().1.receipts[0].receipt.id;
        let cases: [(&Path, &[u8], &str, &str); 3] = [
            (&ledger, receipt.as_slice(), "ledger", "restore it from a backup"),
            (&batch, b"\"receipts\"", "batches", "restore the file"),
            (&weights, middle, "release", "fetch the release again"),
        ];
        for (path, bytes, what, words) in cases {
            let whole = fs::read(path).unwrap();
            damage(path, bytes);
            let ended = doctor(&program, &studio, data);
            names(&ended, what, words);
            fs::write(path, whole).unwrap();
            doctor(&program, &studio, data).fine();
        }
        fs::write(&ledger, "not a database".repeat(1_000)).unwrap();
        names(&doctor(&program, &studio, data), "ledger", "cannot be read as a ledger");
    });
}

#[test]
fn a_folder_of_another_chain_or_of_nobody_is_said_to_be() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let data = studio.community.folder.path();
        let other = folders::another(studio.town()).await;
        let there = Program::new(other.chain.url(), None, &[&studio.host]);
        names(&doctor(&there, &studio, data), "release", "use the folder of this chain");
        let here = Program::new(studio.town().chain.url(), None, &[&studio.host]);
        let empty = folder();
        let ended = doctor(&here, &studio, empty.path());
        names(&ended, "release", "chain.json");
        assert!(std::fs::read_dir(empty.path()).unwrap().next().is_none(), "it left something behind");
        assert!(ended.out.contains("ok       ledger: none yet\n"), "{}", ended.out);
        assert!(ended.out.contains("ok       batches: 0 whole\n"), "{}", ended.out);
        // No node, no word about anything on it.
        let nowhere = Program::new("http://127.0.0.1:1", None, &[&studio.host]);
        let ended = doctor(&nowhere, &studio, data);
        names(&ended, "node", "check the chain's URL");
        assert!(ended.out.contains("ok       ledger: none yet\n"), "{}", ended.out);
    });
}
