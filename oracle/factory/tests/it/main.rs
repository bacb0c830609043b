//! The factory from contributions to a release on disk.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, fs, path::Path};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tributary_attribution::onnx;
use tributary_factory::{
    CommittedRecord, Contribution, Dataset, Evaluation, FactoryError, Permission, PermittedSnapshot, Release, Schema,
    Snapshot, Split, SplitSizes, TrainingRecipe, attribute,
    dataset::partition,
    evaluate,
    model::{Architecture, FEATURES, LOGITS, MultilayerPerceptron},
    permission::TRAIN,
    release,
    train::{self, Convergence, train},
};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};
use tributary_sdk::{Address, AssetId, B256, release::VersionRef};

/// A small permitted snapshot, made the way a community's would be.
fn with_permitted_digits<T>(then: impl FnOnce(&PermittedSnapshot<'_>, &Split) -> T) -> T {
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
    let (snapshot, report) = Snapshot::screen(schema, &contributions, &BTreeSet::new(), 10).unwrap();
    assert_eq!((report.accepted, report.duplicates.len()), (400, 0));

    let permission = Permission {
        snapshot: VersionRef { asset: AssetId(7), version: 1 },
        snapshot_root: snapshot.tree().unwrap().root(),
        grantee: Address::repeat_byte(9),
        purposes: TRAIN,
        valid_until: u64::MAX,
        withdrawn: BTreeSet::new(),
    };
    then(&PermittedSnapshot::open(&snapshot, &permission, 0).unwrap(), &split)
}

/// A release of a small softmax regression.
fn released() -> Release {
    let schema = Schema::DIGITS;
    with_permitted_digits(|data, split| {
        let recipe = TrainingRecipe { hidden: vec![], ..TrainingRecipe::default() };
        let mut steps = 0;
        let trained = train(data, &recipe, |progress| steps = progress.iteration).unwrap();
        assert_eq!(steps, trained.iterations);
        let attribution = attribute(data, &trained, &recipe, &schema.labelled(&split.held_out).unwrap()).unwrap();
        let evaluation = evaluate(&trained.network, &schema.labelled(&split.test).unwrap()).unwrap();
        assert!(evaluation.accuracy() > 0.85);
        Release::new(data, &recipe, &trained, &attribution, &evaluation).unwrap()
    })
}

#[test]
fn a_permitted_snapshot_becomes_a_graph_that_classifies() {
    with_permitted_digits(|data, split| {
        let runtime = OnnxRuntime::load(None).unwrap();
        let architecture = Architecture::Perceptron(MultilayerPerceptron::default());
        let mut steps = 0;
        let train = |on_step: &mut dyn FnMut(usize)| {
            let recipe = Convergence::default();
            train::train_classifier(data, &runtime, &architecture, &recipe, 1, |at| on_step(at.iteration)).unwrap()
        };
        let trained = train(&mut |step| steps = step);
        assert_eq!(steps, trained.iterations);
        assert_eq!(train(&mut |_| ()), trained);

        let onnx = onnx::encode(trained.graph());
        let mut session = Session::open(&runtime, &onnx, &SessionOptions::default()).unwrap();
        let test = Schema::DIGITS.labelled(&split.test).unwrap();
        let features = test.features().mapv(|value| value as f32);
        let logits = session.run(&[(FEATURES, features.into())], &[LOGITS]).unwrap().remove(0);
        let evaluation = Evaluation::of(logits.into_dimensionality().unwrap().view(), test.labels()).unwrap();
        assert!(evaluation.accuracy() > 0.85, "{evaluation:?}");
    });
}

#[test]
fn a_release_is_written_and_opened_only_as_itself() {
    let (release, folder) = (released(), tempfile::tempdir().unwrap());
    let files = release.write(folder.path()).unwrap();
    assert_eq!(release.manifest().records, 400);
    assert_eq!(release.manifest().sketch_width, 5);
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
    let recipe = TrainingRecipe::default();
    let widths = recipe.widths(64, 10);
    let trained = train::fit(&training, training.len(), &widths, schema.scaling(), &recipe, None, |_| ()).unwrap();
    let evaluation = evaluate(&trained.network, &schema.labelled(&split.test).unwrap()).unwrap();
    assert!(evaluation.accuracy() >= 0.95, "{evaluation:?}");
}
