use std::fs;

use ndarray::Array2;
use tributary_attribution::Labels;
use tributary_dataset::Purposes;
use tributary_sdk::{Address, AssetId, B256, release::VersionRef};

use super::*;
use crate::evaluate::{Answers, Baseline, Estimate, HoldOut, Metric, Paired, Slice, compare, on_slices};

fn subject(classes: &[&str]) -> Subject {
    Subject {
        name: "Lungs | second".to_owned(),
        intended_use: Use {
            purpose: "Sort pictures.\nNothing else".to_owned(),
            terms: "Pay | <b>contributors</b>".to_owned(),
            purposes: Purposes::TRAIN | Purposes::EVALUATE,
        },
        data: Data {
            snapshot: VersionRef { asset: AssetId(7), version: 2 },
            snapshot_root: B256::repeat_byte(3),
            records: 40,
            contributors: 3,
        },
        classes: classes.iter().map(|name| (*name).to_owned()).collect(),
        training: vec![Fact::new("weight decay", 0.003), Fact::new("steps", 17)],
    }
}

/// 30 answers, every third wrong, ill only where it is ill.
fn answers() -> Answers {
    let labels: Vec<usize> = (0..30).map(|record| record % 2).collect();
    let logits = Array2::from_shape_fn((30, 3), |(record, class)| match record % 3 {
        0 => [0.4, 0.0, 0.0][class],
        _ => f32::from(u8::from(class == record % 2)) * 2.0,
    });
    Answers::new(&Labels::Classes(labels), logits.into_dyn()).unwrap()
}

fn card() -> ModelCard {
    let answers = answers();
    let labels = Labels::Classes((0..30).map(|record| record % 2).collect());
    let trivial = Baseline::of(&labels, 3).unwrap();
    let comparison = compare(trivial.name(), &answers, &trivial.answers(&labels).unwrap()).unwrap();
    let slices = [("class: well", 0..20), ("class: _ill_", 0..4)];
    let slices = slices.map(|(name, places)| Slice { name: name.to_owned(), places: places.collect() });
    let found = Paired::new(Metric::Accuracy, &answers, &answers).unwrap();
    let lds = Estimate { value: 0.91, low: 0.88, high: 0.94 };
    let point = |weight_decay| FrontierPoint {
        weight_decay,
        metric: Metric::Accuracy,
        found: found.model,
        contributor_lds: lds,
        coalitions: 16,
    };
    let findings = Findings {
        comparisons: vec![comparison],
        slices: on_slices(&answers, &slices),
        hold_outs: vec![HoldOut { contributor: Address::repeat_byte(9), records: 30, found }],
        frontier: vec![point(0.001), point(0.01)],
        attribution: Some(AttributionFindings {
            contributors: 3,
            passing: 2,
            baseline_shares: None,
            contributor_lds: Some(lds),
        }),
        ..Findings::of(Evaluation::of(&answers).unwrap())
    };
    ModelCard::new(subject(&["well", "ill", "other"]), findings, vec!["Contributors are simulated.".to_owned()])
}

#[test]
fn a_card_is_read_as_it_was_written() {
    let card = card();
    let json = card.json().unwrap();
    let read = ModelCard::from_bytes(json.as_bytes()).unwrap();
    assert_eq!(read.json().unwrap(), json);
    assert_eq!(read.markdown(), card.markdown());
    assert_eq!((read.subject, read.limits), (card.subject.clone(), card.limits.clone()));
    assert!(json.contains("\"format\": \"tributary-card/1\"") && json.contains("\"task\": \"classification\""));
    assert!(json.contains("\"purposes\": \"train,evaluate\""), "{json}");
    let other = json.replace("tributary-card/1", "tributary-card/2");
    assert!(matches!(ModelCard::from_bytes(other.as_bytes()), Err(ManifestError::Format { .. })));
    let more = json.replacen("\"limits\"", "\"unknown\": 1, \"limits\"", 1);
    assert!(matches!(ModelCard::from_bytes(more.as_bytes()), Err(ManifestError::Syntax(_))));
}

#[test]
fn people_read_all_of_it() {
    let markdown = card().markdown();
    for wanted in [
        "# Model card: Lungs \\| second\n",
        "| Intended use | Sort pictures. Nothing else |",
        "| Terms of its data | Pay \\| &lt;b&gt;contributors&lt;/b&gt; |",
        "| Its data may be read to | train,evaluate |",
        "version 2 |",
        "| weight decay | 0.003 |",
        // 25 of 30 right, Wilson.
        "| Accuracy | 0.8333 | 0.6644 to 0.9266 |",
        "![Which classes are taken for which](confusion.svg)",
        "| other | 0 | – | – | – |",
        "![Confidence against accuracy](reliability.svg)",
        "| trivial baseline: class frequencies of the training records | accuracy | 0.8333 | 0.5000 |",
        "| class: \\_ill\\_ | 4 | too few to say |",
        "| `0x0909090909090909090909090909090909090909` | 30 | 0.8333 (0.6644 to 0.9266) |",
        "| 0.01 | 0.8333 (0.6644 to 0.9266) | 0.9100 (0.8800 to 0.9400) |",
        "(frontier.svg)",
        "| Of these, paid by attribution | 2 of 3; the others fail the gate |",
        "- Contributors are simulated.\n",
        "- There are 30 test records: too few",
        "- No test record is of these classes, so nothing is known of them: other.",
        "- 1 of 2 slices hold too few records",
        "- Hold-outs were measured for 1 of 3 contributors, those with most records.",
    ] {
        assert!(markdown.contains(wanted), "{wanted:?} is not in\n{markdown}");
    }
    assert!(!markdown.contains("Area under"), "three classes have none");
    assert!(!markdown.contains("NaN") && !markdown.contains("was not measured"), "{markdown}");
}

#[test]
fn what_was_not_measured_is_said() {
    let labels = Labels::Values((0..120).map(|record| record as f32).collect());
    let mean = Baseline::of(&labels, 1).unwrap();
    let found = mean.answers(&labels).unwrap();
    let bare = ModelCard::new(subject(&[]), Findings::of(Evaluation::of(&found).unwrap()), Vec::new());
    let markdown = bare.markdown();
    for wanted in [
        "Neither a trivial baseline nor a base model was measured",
        "parts of the records was not measured",
        "whom it did not see was not measured",
        "costs attributability was not measured",
        "How earnings are attributed was not measured",
        "| Mean absolute error | 30.00 |",
        "| R², share of variance explained | 0 |",
        "(residuals.svg)",
    ] {
        assert!(markdown.contains(wanted), "{wanted:?} is not in\n{markdown}");
    }
    assert!(!markdown.contains("120 test records: too few"));
    // No better than the mean, being it.
    let compared = compare(mean.name(), &found, &found).unwrap();
    let beside = Findings { comparisons: vec![compared], ..bare.findings };
    let markdown = ModelCard::new(subject(&[]), beside, Vec::new()).markdown();
    assert!(markdown.contains("do not show the model to be better than the trivial baseline"), "{markdown}");
}

#[test]
fn the_folder_holds_what_the_card_shows() {
    let (card, folder) = (card(), tempfile::tempdir().unwrap());
    let files = card.write(folder.path()).unwrap();
    assert_eq!(fs::read_to_string(&files.card).unwrap(), card.json().unwrap());
    assert_eq!(fs::read_to_string(&files.markdown).unwrap(), card.markdown());
    let names: Vec<_> = files.pictures.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, [CONFUSION_FILE, RELIABILITY_FILE, FRONTIER_FILE]);
    for name in names {
        assert!(card.markdown().contains(&format!("({name})")), "{name}");
        assert!(fs::read_to_string(folder.path().join(name)).unwrap().starts_with("<svg "));
    }
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(card.write(&folder.path().join("file")), Err(FactoryError::Io { .. })));
}
