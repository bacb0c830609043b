//! The factory from contributions to a release on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

mod foreign;
mod foreign_targets;

use std::{collections::BTreeSet, fs, path::Path};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tributary_attribution::{HeldOut, targets::Target};
use tributary_factory::{
    CommittedRecord, Contribution, Dataset, FactoryError, Permission, PermittedSnapshot, Promises, Release, Schema,
    Snapshot, SplitSizes, TrainingRecipe, attribute, dataset::partition, evaluate, permission::TRAIN, release, train,
    train::Trainer,
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{
    Address, AssetId, B256,
    release::{SketchReaders, VersionRef},
};

/// A release of a small softmax regression, made the way a community's would be.
fn released() -> Release {
    let schema = Schema::DIGITS;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let sizes = SplitSizes { training: 400, held_out: 100, test: 150 };
    let split = Dataset::read_csv(&path, schema).unwrap().split(sizes, 0).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let contributions: Vec<Contribution> = (partition::simulate(&split.training, 5, 0).unwrap().into_iter())
        .zip(1u8..)
        .map(|(records, name)| Contribution {
            id: B256::repeat_byte(name),
            contributor: Address::repeat_byte(name),
            records: records.into_iter().map(|record| CommittedRecord::salted(record, &mut rng)).collect(),
        })
        .collect();
    let (snapshot, report) = Snapshot::screen(schema, &split.held_out, &contributions, &BTreeSet::new(), 10).unwrap();
    assert_eq!((report.accepted, report.duplicates.len()), (400, 0));

    let permission = Permission {
        snapshot: VersionRef { asset: AssetId(7), version: 1 },
        snapshot_root: snapshot.tree().unwrap().root(),
        grantee: Address::repeat_byte(9),
        purposes: TRAIN,
        valid_until: u64::MAX,
        withdrawn: BTreeSet::new(),
    };
    let data = PermittedSnapshot::open(&snapshot, &permission, 0).unwrap();
    let recipe = TrainingRecipe { hidden: vec![], ..TrainingRecipe::default() };
    let mut steps = 0;
    let runtime = OnnxRuntime::load(None).unwrap();
    let trained = train(&runtime, &data, &recipe, |progress| steps = progress.iteration).unwrap();
    assert_eq!(steps, trained.iterations);
    let held_out = HeldOut::apart(schema.labelled(&split.held_out).unwrap());
    let attribution = attribute(&runtime, &data, &trained, &recipe, &held_out).unwrap();
    let evaluation = evaluate(&runtime, &trained.graph, &schema.labelled(&split.test).unwrap()).unwrap();
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
    let schema = Schema::DIGITS;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
    let split = Dataset::read_csv(&path, schema).unwrap().split(SplitSizes::DIGITS, 0).unwrap();
    let training = schema.labelled(&split.training).unwrap();
    let (recipe, runtime) = (TrainingRecipe::default(), OnnxRuntime::load(None).unwrap());
    let model = recipe.architecture().model(schema.width, 10, schema.scaling(), recipe.seed).unwrap();
    let mut trainer = Trainer::new(&runtime, &model, Target::Margin, &SessionOptions::default()).unwrap();
    let start = trainer.start().unwrap();
    let trained = trainer.converge(&training, training.len(), &recipe.convergence(), &start, |_| ()).unwrap();
    let graph = trainer.graph(&trained.parameters).unwrap();
    let evaluation = evaluate(&runtime, &graph, &schema.labelled(&split.test).unwrap()).unwrap();
    assert!(evaluation.accuracy() >= 0.95, "{evaluation:?}");
}
