//! `tributary attribute` and `tributary explain` as commands, on digits and a model that learnt them.

use std::{fs, path::Path, process::Output};

use alloy::primitives::Address;
use tempfile::TempDir;
use tributary_attribution::{onnx, targets::Target};
use tributary_dataset::{Schema, Split, SplitSizes, partition, read};
use tributary_factory::{
    model::{Architecture, MultilayerPerceptron},
    records::{labelled, scaling},
    train::{Convergence, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use crate::{program::tributary, studio::csv, town::folder};

const CONTRIBUTORS: usize = 4;

/// A folder with a model and its records; the record of one more digit.
fn given() -> (TempDir, String) {
    let (folder, schema) = (folder(), Schema::digits());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let sizes = SplitSizes { training: 200, held_out: 50, test: 1 };
    let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
    let recipe = Convergence { tolerance: 1e-4, ..Convergence::default() };
    let model = Architecture::Perceptron(MultilayerPerceptron::default()).model(64, 10, scaling(&schema), 1).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default()).unwrap();
    let (start, records) = (trainer.start().unwrap(), labelled(&schema, &split.training).unwrap());
    let trained = trainer.converge(&records, records.len(), &recipe, &start, |_| ()).unwrap();
    let labels: Vec<usize> = split.training.iter().filter_map(|record| schema.class(record)).collect();
    let owners = partition::owners(&labels, CONTRIBUTORS, 0).unwrap();
    let owners = owners.iter().map(|owner| Address::repeat_byte(*owner as u8 + 1).to_string() + "\n").collect();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("model.onnx", onnx::encode(&trainer.graph(&trained.parameters).unwrap()));
    write("records.csv", csv(&split.training).into_bytes());
    write("held.csv", csv(&split.held_out).into_bytes());
    write("owners.csv", String::into_bytes(owners));
    let record = csv(&split.test);
    (folder, record.trim_end().rsplit_once(',').unwrap().0.to_owned())
}

fn run(folder: &TempDir, line: &str, more: &[&str]) -> Output {
    tributary(folder.path()).args(line.split_whitespace()).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const ATTRIBUTE: &str = "attribute --data records.csv --owners owners.csv --held-out held.csv --out release";

#[test]
fn a_model_from_elsewhere_is_attributed_and_explains_an_answer() {
    let (folder, record) = given();
    let ended = run(&folder, ATTRIBUTE, &["--model", "model.onnx", "--weight-decay", "0.003"]);
    let said = text(&ended.stdout);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    for words in [
        "200 records of 4 contributors, 50 held out; target margin",
        "λ = 0.006",
        "rank 4 (owner basis): 100.0% of the spectrum",
        "9 bytes a record",
        "pass the gate",
        "checked on 3 random records",
        "written to release",
    ] {
        assert!(said.contains(words), "{words} in: {said}");
    }
    assert!(!said.contains("DOUBTFUL"), "{said}");
    for name in ["model.onnx", "table.bin", "records.idx", "attribution.json", "spectrum.svg", "influence.svg"] {
        assert!(folder.path().join("release").join(name).exists(), "{name}");
    }

    let audit = ["--model", "model.onnx", "--weight-decay", "0.003", "--audit", "8", "--frontier", "0.001,0.01"];
    let ended = run(&folder, ATTRIBUTE, &audit);
    let said = text(&ended.stdout);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(
        said.contains("audited on 8 retrained half-coalitions and 50 held-out records: contributor LDS 0."),
        "{said}"
    );
    assert_eq!(said.lines().filter(|line| line.starts_with("  weight decay 0.0")).count(), 2, "{said}");
    assert!(!said.contains("not at the minimum"), "{said}");
    assert!(folder.path().join("release/frontier.svg").exists());

    let ended = run(&folder, "explain --release release --count 3 --record", &[&record]);
    let said = text(&ended.stdout);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(said.contains("the model answers") && said.contains("most helpful records\n  line "), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("  line ")).count(), 6, "{said}");

    // The first records belong to two who have no others.
    let path = folder.path().join("owners.csv");
    let owners = fs::read_to_string(&path).unwrap();
    let small = |line: usize| Address::repeat_byte(if line < 4 { 0x77 } else { 0x78 }).to_string();
    let owners = owners.lines().enumerate().map(|(line, owner)| if line < 10 { small(line) } else { owner.to_owned() });
    fs::write(&path, owners.collect::<Vec<_>>().join("\n")).unwrap();
    let ended = run(&folder, ATTRIBUTE, &["--model", "model.onnx"]);
    let said = text(&ended.stdout);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(said.contains("200 records of 6 contributors") && said.contains("rank 5 (owner basis)"), "{said}");
    assert!(said.contains("2 contributors of fewer than 10 records share one row, each by records"), "{said}");
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let (folder, record) = given();
    let fails = |line: &str, more: &[&str], code: i32, words: &str| {
        let ended = run(&folder, line, more);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(words) && !said.contains("panicked"), "{words} in: {said}");
    };
    let model = ["--model", "model.onnx"];
    let with = |more: &[&'static str]| [&model, more].concat();
    fails(ATTRIBUTE, &with(&["--audit", "8"]), 2, "--weight-decay");
    fails(ATTRIBUTE, &with(&["--weight-decay", "0.003", "--layers", "nowhere"]), 1, "name some of layer1.weight");
    fails(ATTRIBUTE, &with(&["--weight-decay", "-1"]), 2, "");
    fails(ATTRIBUTE, &with(&["--weight-decay", "0"]), 1, "not a positive number");
    fails(ATTRIBUTE, &with(&["--damping", "0.1", "--target", "regression"]), 1, "one f32 number a record");
    fails(ATTRIBUTE, &["--model", "records.csv", "--damping", "0.1"], 1, "not a whole ONNX file");
    fails(ATTRIBUTE, &with(&["--damping", "0.1", "--audit", "8"]), 2, "--weight-decay");
    fails(ATTRIBUTE, &with(&["--weight-decay", "0.003", "--audit", "3"]), 1, "at least 8");
    assert!(!folder.path().join("release").exists());
    fails("explain --release release --record", &[&record], 1, "attribution.json");
}
