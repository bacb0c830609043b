//! A model that was trained elsewhere, from its files to an explained answer, and what is refused on the way.

use std::{
    fmt::Write,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tributary_attribution::{gradient::Layers, onnx, targets::Target};
use tributary_dataset::{Record, Schema, Split, SplitSizes, partition, read};
use tributary_factory::{
    foreign::{self, AuditChoices, Choices, Damping, Explainer, ForeignError, Sources, Step, folder},
    model::{Activation, Architecture, MultilayerPerceptron},
    records::{labelled, scaling},
    train::{Convergence, Trainer},
};
use tributary_runtime::{OnnxRuntime, SessionOptions};
use tributary_sdk::{Address, release::Manifest};

const TRAINING: usize = 300;
const CONTRIBUTORS: usize = 5;

/// Digits, a perceptron that learnt them, and the files of both.
struct Given {
    folder: TempDir,
    records: Vec<Record>,
}

fn line(record: &Record) -> String {
    Schema::digits().spell(record)[..64].join(",")
}

impl Given {
    fn new() -> Self {
        let schema = Schema::digits();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/digits.csv");
        let sizes = SplitSizes { training: TRAINING, held_out: 80, test: 20 };
        let split = Split::new(read::all(&path, &schema).unwrap(), sizes, 0).unwrap();
        let perceptron = MultilayerPerceptron { hidden: vec![12], activation: Activation::Gelu };
        let model = Architecture::Perceptron(perceptron).model(64, 10, scaling(&schema), 1).unwrap();
        let mut trainer = Trainer::new(&runtime(), &model, Target::Margin, &SessionOptions::default()).unwrap();
        let records = labelled(&schema, &split.training).unwrap();
        let recipe = Convergence { tolerance: 1e-4, ..Convergence::default() };
        let start = trainer.start().unwrap();
        let trained = trainer.converge(&records, TRAINING, &recipe, &start, |_| ()).unwrap();

        let given = Self { folder: tempfile::tempdir().unwrap(), records: split.test };
        fs::write(given.path("model.onnx"), onnx::encode(&trainer.graph(&trained.parameters).unwrap())).unwrap();
        let csv = |records: &[Record]| {
            records.iter().fold(String::new(), |mut text, record| {
                writeln!(text, "{}", schema.spell(record).join(",")).unwrap();
                text
            })
        };
        fs::write(given.path("records.csv"), csv(&split.training)).unwrap();
        fs::write(given.path("held.csv"), csv(&split.held_out)).unwrap();
        let labels: Vec<usize> = split.training.iter().filter_map(|record| schema.class(record)).collect();
        let owners = partition::owners(&labels, CONTRIBUTORS, 0).unwrap();
        let owners = owners.into_iter().fold(String::new(), |mut text, owner| {
            writeln!(text, "{}", Address::repeat_byte(owner as u8 + 1)).unwrap();
            text
        });
        fs::write(given.path("owners.csv"), owners).unwrap();
        given
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sources(&self) -> Sources {
        Sources {
            model: self.path("model.onnx"),
            checkpoints: Vec::new(),
            records: self.path("records.csv"),
            owners: self.path("owners.csv"),
            held_out: self.path("held.csv"),
            suppliers: None,
        }
    }

    /// The text of a file, changed, in a file of its own.
    fn changed(&self, name: &str, change: impl FnOnce(String) -> String) -> PathBuf {
        let path = self.path(&format!("changed-{name}"));
        fs::write(&path, change(fs::read_to_string(self.path(name)).unwrap())).unwrap();
        path
    }
}

fn runtime() -> OnnxRuntime {
    OnnxRuntime::load(None).unwrap()
}

fn choices() -> Choices {
    Choices {
        target: Target::Margin,
        layers: Layers::All,
        rank: None,
        damping: Damping::WeightDecay(3e-3),
        denominator: None,
        seed: 1,
        threads: 1,
        checked: 3,
        audit: None,
    }
}

fn audited(coalitions: usize, threads: usize, frontier: &[f64]) -> Choices {
    let (trained, frontier) = (Layers::All, frontier.to_vec());
    let audit = AuditChoices { coalitions, weight_decay: 3e-3, trained, frontier, threads };
    Choices { checked: 0, audit: Some(audit), ..choices() }
}

/// Directions enough to tell records apart, not only contributors.
fn wide() -> Choices {
    Choices { rank: Some(100), ..choices() }
}

#[test]
fn files_become_a_folder_that_explains_answers() {
    let given = Given::new();
    let mut steps = Vec::new();
    let attributed = foreign::attribute(&runtime(), &given.sources(), &wide(), |step| steps.push(step)).unwrap();
    assert_eq!(steps, Step::ALL);
    let out = given.path("release");
    folder::write(&out, &attributed).unwrap();
    let manifest = &attributed.files.manifest;
    assert_eq!((manifest.result.records, manifest.result.contributors), (TRAINING as u64, CONTRIBUTORS as u64));
    assert_eq!((manifest.result.rank, manifest.settings.damping.as_str()), (100, "0.006"));
    assert_eq!(manifest.settings.denominator, TRAINING as u64);
    let check = manifest.result.check.as_ref().unwrap();
    assert_eq!((check.records, check.directions), (3, 4), "{check:?}");
    assert!(check.gradient.parse::<f64>().unwrap() < 1e-4, "{check:?}");
    assert!(check.output.parse::<f64>().unwrap() <= 1e-6, "{check:?}");

    // The same files give the same bytes.
    let again = foreign::attribute(&runtime(), &given.sources(), &wide(), |_| ()).unwrap();
    assert_eq!(again.files.manifest.to_bytes().unwrap(), fs::read(out.join(folder::MANIFEST_FILE)).unwrap());
    assert_eq!(again.files.model, fs::read(out.join(folder::MODEL_FILE)).unwrap());
    for name in [folder::SPECTRUM_FILE, folder::INFLUENCE_FILE] {
        let picture = fs::read_to_string(out.join(name)).unwrap();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
        assert!(picture.contains("prefers-color-scheme:dark") && !picture.contains("NaN"), "{picture}");
    }

    let mut explainer = Explainer::open(&runtime(), &out, &SessionOptions::default()).unwrap();
    let threads = NonZeroUsize::new(2).unwrap();
    let mut of_own_class = 0;
    let labels: Vec<u8> = fs::read_to_string(given.path("records.csv"))
        .unwrap()
        .lines()
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    let owners: Vec<Address> =
        fs::read_to_string(given.path("owners.csv")).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    for record in &given.records {
        let answer = explainer.explain(&line(record), 10, threads).unwrap();
        assert_eq!((answer.output.len(), answer.helpful.len()), (10, 10));
        assert!(answer.helpful.iter().all(|owed| owed.account == owners[owed.place - 1] && owed.influence > 0.0));
        assert!(answer.harmful.iter().all(|owed| owed.influence < 0.0));
        let served = (0..10).max_by(|a, b| answer.output[*a].total_cmp(&answer.output[*b])).unwrap();
        of_own_class += usize::from(usize::from(labels[answer.helpful[0].place - 1]) == served);
        let contributors = answer.helpful_contributors.len() + answer.harmful_contributors.len();
        assert!(contributors <= CONTRIBUTORS, "{answer:?}");
    }
    assert!(of_own_class * 2 > given.records.len(), "{of_own_class} of {}", given.records.len());
    let refused = explainer.explain("1,2,3", 10, threads).unwrap_err();
    assert!(matches!(refused, ForeignError::Width { found: 3, inputs: 64, labels: 0, .. }), "{refused}");

    fs::write(out.join(folder::TABLE_FILE), b"another").unwrap();
    let refused = Explainer::open(&runtime(), &out, &SessionOptions::default()).unwrap_err();
    assert!(matches!(refused, ForeignError::NotTheFile { .. }), "{refused}");
}

#[test]
fn layers_ranks_and_suppliers_are_taken_as_said() {
    let given = Given::new();
    let run = |sources: Sources, choices: Choices| foreign::attribute(&runtime(), &sources, &choices, |_| ()).unwrap();
    let last = run(given.sources(), Choices { layers: Layers::Last, rank: Some(40), checked: 0, ..choices() });
    let result = &last.files.manifest.result;
    assert_eq!((result.features, result.rank, result.basis.as_str()), (130, 40, "eigen"));
    assert_eq!((result.bytes_per_record, &result.check), (45, &None));

    // A layer's name stands for its weights.
    let names = &last.files.manifest.settings.parameters;
    let layer = names[0].rsplit_once(['.', '/']).unwrap().0.to_owned();
    let named =
        run(given.sources(), Choices { layers: Layers::Named(vec![layer]), rank: Some(40), checked: 0, ..choices() });
    assert_eq!(&named.files.manifest.settings.parameters, names);
    assert_eq!(named.files.model, last.files.model);

    // Who supplied every held-out record has no evidence for them.
    // A checkpoint that is the model itself adds nothing but room.
    let twice = run(Sources { checkpoints: vec![given.path("model.onnx")], ..given.sources() }, choices());
    let result = &twice.files.manifest.result;
    assert_eq!((result.rank, result.basis.as_str()), (2 * CONTRIBUTORS as u64, "checkpoints"));
    let [checkpoint] = twice.files.manifest.sources.checkpoints.as_slice() else { panic!("one checkpoint") };
    assert_eq!((checkpoint.model, checkpoint.external.len()), (twice.files.manifest.sources.model, 0));
    let once = run(given.sources(), choices());
    for (twice, once) in twice.attribution.gate().iter().zip(once.attribution.gate()) {
        assert!((twice.mean - once.mean).abs() <= 1e-4 * once.mean.abs(), "{twice:?} {once:?}");
    }

    // Of a training that nothing is known of, the curvature says the damping.
    let unknown = run(given.sources(), Choices { damping: Damping::OfCurvature, checked: 0, ..choices() });
    let damping: f64 = unknown.files.manifest.settings.damping.parse().unwrap();
    assert!(damping > 1e-6 && damping < 1e-2, "{damping}");

    let own = Address::repeat_byte(1);
    let suppliers = given.path("suppliers.csv");
    fs::write(&suppliers, format!("{own}\n").repeat(80)).unwrap();
    let supplied = run(Sources { suppliers: Some(suppliers), ..given.sources() }, Choices { checked: 0, ..choices() });
    let place = supplied.files.table.rows().iter().position(|row| row.account == own).unwrap();
    assert_eq!(supplied.attribution.gate()[place].mean, 0.0);
    assert!(supplied.files.manifest.sources.suppliers.is_some());
}

#[test]
fn retraining_agrees_with_attribution_and_says_where_it_does_not() {
    let given = Given::new();
    let run = |choices: Choices| {
        let mut last = None;
        let attributed = foreign::attribute(&runtime(), &given.sources(), &choices, |step| last = Some(step)).unwrap();
        (attributed, last.unwrap())
    };
    let number = |text: &str| text.parse::<f64>().unwrap();
    let (attributed, last) = run(audited(10, 2, &[3e-2, 1e-3]));
    assert_eq!(last, Step::Auditing { done: 30, of: 30 });
    let result = &attributed.files.manifest.result;
    let audit = result.audit.as_ref().unwrap();
    assert_eq!((audit.coalitions, audit.queries, audit.trained.len()), (10, 80, 4));
    let [low, high] = [&audit.interval[0], &audit.interval[1]].map(|end| number(end));
    let lds = number(&audit.contributor_lds);
    assert!(low <= lds && lds <= high && lds > 0.6, "{audit:?}");
    assert!(number(&audit.gradient_norm) <= 1e-4, "{audit:?}");
    let [strong, weak] = result.frontier.as_slice() else { panic!("{:?}", result.frontier) };
    assert_eq!((strong.audit.weight_decay.as_str(), weak.audit.weight_decay.as_str()), ("0.03", "0.001"));
    for point in [strong, weak] {
        assert!(number(point.accuracy.as_ref().unwrap()) > 0.7, "{point:?}");
        assert!(number(&point.audit.contributor_lds) > 0.5, "{point:?}");
    }
    assert!(number(&strong.held_out_loss) > number(&weak.held_out_loss), "{strong:?} {weak:?}");
    let out = given.path("audited");
    folder::write(&out, &attributed).unwrap();
    let picture = fs::read_to_string(out.join(folder::FRONTIER_FILE)).unwrap();
    assert!(picture.contains("weight decay") && !picture.contains("NaN"), "{picture}");
    assert_eq!(folder::read(&out).unwrap().manifest, attributed.files.manifest);

    // Any number of threads measures the same, and a model far from its minimum is told so.
    assert_eq!(run(audited(10, 1, &[])).0.files.manifest.result.audit.as_ref(), Some(audit));
    let mut far = audited(10, 2, &[]);
    far.audit.as_mut().unwrap().weight_decay = 0.3;
    let (attributed, _) = run(far);
    let found = attributed.files.manifest.result.audit.unwrap();
    assert!(number(&found.gradient_norm) > 1e-2, "{found:?}");
}

#[test]
fn what_cannot_be_attributed_says_what_to_do() {
    let given = Given::new();
    let fault = |sources: Sources, choices: Choices| match foreign::attribute(&runtime(), &sources, &choices, |_| ()) {
        Ok(attributed) => panic!("attributed: {:?}", attributed.files.manifest),
        Err(error) => error.to_string(),
    };
    let fails = |sources: Sources, choices: Choices, words: &[&str]| {
        let fault = fault(sources, choices);
        assert!(words.iter().all(|word| fault.contains(word)), "{words:?} in: {fault}");
    };
    let sources = || given.sources();

    let narrow = given.changed("records.csv", |text| text.replacen(',', ";", 1));
    fails(
        Sources { records: narrow, ..sources() },
        choices(),
        &["line 1: 64 numbers, 64 for the model's inputs and 1"],
    );
    let not_a_number = given.changed("records.csv", |text| format!("NaN{}", text.strip_prefix('0').unwrap()));
    fails(
        Sources { records: not_a_number, ..sources() },
        choices(),
        &["line 1, field 1: `NaN` is not a finite number"],
    );
    let class = given.changed("held.csv", |text| format!("{}10\n", text.trim_end().strip_suffix(|_| true).unwrap()));
    fails(Sources { held_out: class, ..sources() }, choices(), &["label 10", "tells 10 apart"]);
    let fewer = given.changed("owners.csv", |text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
    fails(Sources { owners: fewer, ..sources() }, choices(), &["names 299 accounts for 300 records"]);
    let nobody = given.changed("owners.csv", |text| format!("nobody{text}"));
    fails(Sources { owners: nobody, ..sources() }, choices(), &["line 1", "is no account"]);
    let small = given.changed("owners.csv", |text| {
        let (_, rest) = text.split_once('\n').unwrap();
        format!("{}\n{rest}", Address::repeat_byte(77))
    });
    fails(Sources { owners: small, ..sources() }, choices(), &["own 1 records together", "leave them out"]);

    let whole = fs::read(given.path("model.onnx")).unwrap();
    let truncated = given.path("truncated.onnx");
    fs::write(&truncated, &whole[..whole.len() - 100]).unwrap();
    fails(Sources { model: truncated, ..sources() }, choices(), &["truncated.onnx", "not a whole ONNX file"]);
    fails(
        Sources { model: given.path("nowhere.onnx"), ..sources() },
        choices(),
        &["nowhere.onnx", "check that it exists"],
    );

    let layers = Layers::Named(vec!["nowhere".into()]);
    fails(sources(), Choices { layers, ..choices() }, &["no weight or layer `nowhere`: name some of"]);
    fails(sources(), Choices { target: Target::Sequence, ..choices() }, &["the target sequence needs", "--target"]);
    fails(sources(), Choices { target: Target::MultiLabel, ..choices() }, &["line 1: 65 numbers", "10 for the label"]);
    fails(
        sources(),
        Choices { damping: Damping::Given(0.0), ..choices() },
        &["the damping 0 is not a positive number"],
    );
    fails(sources(), Choices { damping: Damping::WeightDecay(f64::NAN), ..choices() }, &["the weight decay NaN"]);
    fails(sources(), Choices { denominator: Some(299), ..choices() }, &["299 is below the 300"]);
    fails(sources(), Choices { rank: Some(0), ..choices() }, &["--rank of 1 or more"]);
    fails(sources(), audited(7, 1, &[]), &["7 half-coalitions of 5 contributors", "at least 8 of at least 4"]);
    fails(sources(), audited(8, 1, &[0.0]), &["weight decay is 0", "no single minimum"]);
}
