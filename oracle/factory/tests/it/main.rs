//! The factory from contributions to a release on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

mod card;
mod card_regression;
mod foreign;
mod foreign_targets;
mod training;

use std::{fs, path::Path};

use tributary_attribution::{HeldOut, Records};
use tributary_dataset::{
    Contribution, Permission, PermittedSnapshot, Schema, Snapshot, Split, SplitSizes,
    access::{Grant, Purposes},
    contribution::Entry,
    partition, read,
    screening::{Said, ScreeningRules},
    snapshot::{Ordered, Taking, Withdrawals},
};
use tributary_factory::{
    Assessment, FactoryError, ModelCard, Promises, Release, TrainingRecipe, Workplace, assess, attribute,
    card::{Data, Subject, Use},
    evaluate,
    records::labelled,
    release, train,
};
use tributary_runtime::OnnxRuntime;
use tributary_sdk::{
    Address, AssetId, B256, keccak256,
    release::{Manifest, SketchReaders, VersionRef},
};

/// Some digits, contributed by five.
struct Digits {
    schema: Schema,
    split: Split,
    snapshot: Snapshot,
    permission: Permission,
}

impl Digits {
    fn new() -> Self {
        let schema = Schema::digits();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
        let sizes = SplitSizes { training: 400, held_out: 100, test: 150 };
        let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
        let contributions: Vec<Ordered> = (partition::simulate(&schema, &split.training, 5, 0).unwrap().into_iter())
            .zip(1u8..)
            .map(|(records, name)| Ordered {
                contribution: Contribution {
                    id: B256::repeat_byte(name),
                    contributor: Address::repeat_byte(name),
                    seed: B256::repeat_byte(name),
                    entries: records.into_iter().map(Entry::Record).collect(),
                },
                batch: 1,
            })
            .collect();
        let taking = Taking {
            schema: &schema,
            rules: &ScreeningRules { radius: Some(5.0), outlier: 0.0, folds: 0, ..ScreeningRules::default() },
            held_out: &split.held_out,
            withdrawals: &Withdrawals::default(),
            said: &Said::default(),
            rulings: &[],
            least: 10,
        };
        let snapshot = Snapshot::take(&contributions, &taking).unwrap().snapshot;
        assert_eq!(snapshot.len(), 400);
        let permission = Permission {
            snapshot: VersionRef { asset: AssetId(7), version: 1 },
            snapshot_root: snapshot.tree().unwrap().root(),
            grant: Grant { grantee: Address::repeat_byte(9), purposes: Purposes::TRAIN, valid_until: u64::MAX },
            withdrawals: Withdrawals::default(),
        };
        Self { schema, split, snapshot, permission }
    }

    fn permitted(&self) -> PermittedSnapshot<'_> {
        PermittedSnapshot::open(&self.snapshot, &self.permission, 0).unwrap()
    }

    fn test(&self) -> Records {
        labelled(&self.schema, &self.split.test).unwrap()
    }

    /// From a recipe to a release.
    fn release(&self, recipe: &TrainingRecipe, assessment: &Assessment) -> Release {
        let (data, runtime) = (self.permitted(), OnnxRuntime::load(None).unwrap());
        let trained = train(&Workplace::new(&runtime), &data, recipe, |_| ()).unwrap();
        let held_out = HeldOut::apart(labelled(&self.schema, &self.split.held_out).unwrap());
        let attribution = attribute(&runtime, &data, &trained, recipe, &held_out).unwrap();
        let test = &self.split.test;
        let findings = assess(&runtime, &data, recipe, &trained, &attribution, &held_out, test, assessment).unwrap();
        let intended_use = Use { purpose: "Tests.".into(), terms: "Train on these.".into(), purposes: Purposes::TRAIN };
        let VersionRef { asset, version } = self.permission.snapshot;
        let subject = Subject {
            name: "digits".into(),
            intended_use,
            data: Data {
                snapshot: VersionRef { asset, version },
                snapshot_root: self.permission.snapshot_root,
                records: 400,
                contributors: 5,
            },
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            training: vec![],
        };
        let card = ModelCard::new(subject, findings, vec!["Contributors are simulated.".into()]);
        let promises = Promises { settlement_policy: "per-inference/1", sketch_readers: SketchReaders::Public };
        Release::new(&data, recipe, &trained, &attribution, &card, promises).unwrap()
    }
}

/// A release of a small softmax regression, made the way a community's would be.
fn released() -> Release {
    Digits::new().release(&TrainingRecipe::default(), &Assessment::default())
}

#[test]
fn a_release_is_written_and_opened_only_as_itself() {
    let (release, folder) = (released(), tempfile::tempdir().unwrap());
    let files = release.write(folder.path()).unwrap();
    assert_eq!(release.manifest().records, 400);
    assert_eq!(release.manifest().sketch_width, 5);
    assert_eq!(release.manifest().settlement_policy, "per-inference/1");
    assert_eq!(release.manifest().recipe.damping.as_deref(), Some("0.006"));
    let paper = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(keccak256(paper("card.json")), release.manifest().card_hash);
    assert_eq!(keccak256(paper("recipe.toml")), release.manifest().recipe.hash);
    assert_eq!(TrainingRecipe::read(&folder.path().join("recipe.toml")).unwrap(), TrainingRecipe::default());
    let card = ModelCard::from_committed(&paper("card.json"), release.manifest().card_hash).unwrap();
    assert_eq!(format!("{:.4}", card.findings.evaluation.accuracy()), release.manifest().evaluation.accuracy);
    assert!(String::from_utf8(paper("curve.csv")).unwrap().lines().count() > 20);
    assert!(String::from_utf8(paper("curve.svg")).unwrap().starts_with("<svg"));

    let open = || Release::open(folder.path(), files.weights_hash, files.manifest_hash);
    let opened = open().unwrap();
    assert_eq!(opened.onnx(), release.onnx());
    assert_eq!(opened.table(), release.table());
    assert_eq!(opened.manifest(), release.manifest());

    let other_weights = Release::open(folder.path(), B256::ZERO, files.manifest_hash);
    assert!(matches!(other_weights, Err(FactoryError::NotTheRelease { file: release::MODEL_FILE, .. })));
    let other_manifest = Release::open(folder.path(), files.weights_hash, B256::ZERO);
    assert!(matches!(other_manifest, Err(FactoryError::Manifest(_))));

    for (path, file) in [(&files.model, release::MODEL_FILE), (&files.table, release::TABLE_FILE)] {
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(open(), Err(FactoryError::NotTheRelease { file: f, .. }) if f == file));
        fs::write(path, whole).unwrap();
    }
    fs::remove_file(&files.table).unwrap();
    assert!(matches!(open(), Err(FactoryError::Io { path, .. }) if path == files.table));
}

#[test]
fn the_same_inputs_make_the_same_release() {
    assert_eq!(released().manifest_hash(), released().manifest_hash());
}

#[test]
fn the_default_recipe_reads_the_demos_digits() {
    let digits = Digits::new();
    let runtime = OnnxRuntime::load(None).unwrap();
    let trained = train(&Workplace::new(&runtime), &digits.permitted(), &TrainingRecipe::default(), |_| ()).unwrap();
    let evaluation = evaluate(&runtime, &trained.graph, &digits.test()).unwrap();
    assert!(evaluation.accuracy() >= 0.85, "{evaluation:?}");
    assert!(trained.gradient_norm.unwrap() <= 1e-6);
}
