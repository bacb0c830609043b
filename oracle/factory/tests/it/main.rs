//! The factory from contributions to a release on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

mod card;
mod card_regression;
mod foreign;
mod foreign_targets;

use std::{fs, path::Path};

use tributary_attribution::{HeldOut, targets::Target};
use tributary_dataset::{
    Contribution, Permission, PermittedSnapshot, Schema, Snapshot, Split, SplitSizes,
    access::{Grant, Purposes},
    contribution::Entry,
    partition, read,
    screening::ScreeningRules,
    snapshot::{Ordered, Taking, Withdrawals},
};
use tributary_factory::{
    FactoryError, Promises, Release, TrainingRecipe, attribute, evaluate,
    records::{labelled, scaling},
    release, train,
    train::Trainer,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{
    Address, AssetId, B256,
    release::{SketchReaders, VersionRef},
};

/// A release of a small softmax regression, made the way a community's would be.
fn released() -> Release {
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
    let data = PermittedSnapshot::open(&snapshot, &permission, 0).unwrap();
    let recipe = TrainingRecipe { hidden: vec![], ..TrainingRecipe::default() };
    let mut steps = 0;
    let runtime = OnnxRuntime::load(None).unwrap();
    let trained = train(&runtime, &data, &recipe, |progress| steps = progress.iteration).unwrap();
    assert_eq!(steps, trained.iterations);
    let held_out = HeldOut::apart(labelled(&schema, &split.held_out).unwrap());
    let attribution = attribute(&runtime, &data, &trained, &recipe, &held_out).unwrap();
    let evaluation = evaluate(&runtime, &trained.graph, &labelled(&schema, &split.test).unwrap()).unwrap();
    assert!(evaluation.accuracy() > 0.85);
    let promises = Promises { settlement_policy: "per-inference/1", sketch_readers: SketchReaders::Public };
    Release::new(&data, &recipe, &trained, &attribution, &evaluation, promises).unwrap()
}

#[test]
fn a_release_is_written_and_opened_only_as_itself() {
    let (release, folder) = (released(), tempfile::tempdir().unwrap());
    let files = release.write(folder.path()).unwrap();
    assert_eq!(release.manifest().records, 400);
    assert_eq!(release.manifest().sketch_width, 5);
    assert_eq!(release.manifest().settlement_policy, "per-inference/1");
    assert_eq!(release.manifest().recipe.damping, "0.006");

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
    let schema = Schema::digits();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let split = Split::new(read::all(&path, &schema).unwrap(), SplitSizes::DIGITS, 0).unwrap();
    let training = labelled(&schema, &split.training).unwrap();
    let (recipe, runtime) = (TrainingRecipe::default(), OnnxRuntime::load(None).unwrap());
    let model = recipe.architecture().model(64, 10, scaling(&schema), recipe.seed).unwrap();
    let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default()).unwrap();
    let start = trainer.start().unwrap();
    let trained = trainer.converge(&training, training.len(), &recipe.convergence(), &start, |_| ()).unwrap();
    let graph = trainer.graph(&trained.parameters).unwrap();
    let evaluation = evaluate(&runtime, &graph, &labelled(&schema, &split.test).unwrap()).unwrap();
    assert!(evaluation.accuracy() >= 0.95, "{evaluation:?}");
}
