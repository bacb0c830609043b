//! The card as a data steward reads it.

use std::fmt::Write;

use super::{
    AttributionFindings, CONFUSION_FILE, FRONTIER_FILE, ModelCard, RELIABILITY_FILE, RESIDUALS_FILE, Subject,
    table::{ends, escaped, estimate, number, pairs, signed, table},
};
use crate::evaluate::{
    Classification, Comparison, Estimate, Evaluation, FrontierPoint, HoldOut, Metric, Regression, SliceResult, Verdict,
    regression::Quantile,
};

/// Classes that have a row each; more are in the card for programs.
const MOST_CLASSES: usize = 50;

pub(super) fn of(card: &ModelCard) -> String {
    let ModelCard { subject, findings, limits, .. } = card;
    let mut out = format!("# Model card: {}\n\n", escaped(&subject.name));
    out.push_str(
        "Numbers stand with their 95 % intervals in brackets. [`card.json`](card.json) holds all of them.\n\n",
    );
    about(&mut out, subject);
    match &findings.evaluation {
        Evaluation::Classification(found) => classification(&mut out, found, &subject.classes),
        Evaluation::Regression(found) => regression(&mut out, found),
    }
    comparisons(&mut out, &findings.comparisons);
    slices(&mut out, &findings.slices);
    hold_outs(&mut out, &findings.hold_outs);
    frontier(&mut out, &findings.frontier);
    if let Some(found) = &findings.attribution {
        attribution(&mut out, found);
    }
    heading(&mut out, "Limits");
    for limit in limits {
        // Writing to a string does not fail.
        let _ = writeln!(out, "- {}", escaped(limit));
    }
    out
}

fn heading(out: &mut String, text: &str) {
    let _ = write!(out, "## {text}\n\n");
}

fn sentence(out: &mut String, text: &str) {
    let _ = write!(out, "{text}\n\n");
}

fn about(out: &mut String, subject: &Subject) {
    heading(out, "What it is for");
    let Subject { intended_use, data, training, .. } = subject;
    pairs(
        out,
        [
            ("Intended use", intended_use.purpose.clone()),
            ("Terms of its data", intended_use.terms.clone()),
            ("Its data may be read to", intended_use.purposes.to_string()),
        ],
    );
    heading(out, "What it was trained on");
    pairs(
        out,
        [
            ("Dataset", format!("{} version {}", data.snapshot.asset, data.snapshot.version)),
            ("Root of its records", data.snapshot_root.to_string()),
            ("Records", data.records.to_string()),
            ("Contributors", data.contributors.to_string()),
        ],
    );
    if !training.is_empty() {
        heading(out, "How it was trained");
        pairs(out, training.iter().map(|fact| (fact.name.as_str(), fact.value.clone())));
    }
}

fn measured(out: &mut String, rows: impl IntoIterator<Item = (&'static str, Estimate)>) {
    let row = |(name, found): (&str, Estimate)| vec![name.to_owned(), number(found.value), ends(&found)];
    table(out, &["", "value", "95 % interval"], rows.into_iter().map(row));
}

fn classification(out: &mut String, found: &Classification, names: &[String]) {
    heading(out, "How good it is");
    let (records, correct) = (found.confusion.records(), found.confusion.correct());
    sentence(out, &format!("On {records} test records, {correct} are classified right."));
    let mut rows = vec![
        ("Accuracy", found.accuracy),
        ("Macro F1", found.macro_f1),
        ("Log loss, nats", found.log_loss),
        ("Brier score, 0 to 2", found.brier_score),
    ];
    rows.extend(found.area_under_curve.map(|area| ("Area under the ROC curve", area)));
    measured(out, rows);
    sentence(out, &format!("![Which classes are taken for which]({CONFUSION_FILE})"));
    if found.confusion.classes() <= MOST_CLASSES {
        let share = |share: Option<f64>| share.map_or("–".to_owned(), number);
        let row = |class: usize| {
            let tally = found.confusion.class(class);
            let name = names.get(class).map_or_else(|| class.to_string(), |name| escaped(name));
            vec![name, tally.records.to_string(), share(tally.precision()), share(tally.recall()), share(tally.f1())]
        };
        let rows = (0..found.confusion.classes()).map(row);
        table(out, &["class", "records", "precision", "recall", "F1"], rows);
    }
    heading(out, "Whether it is as sure as it should be");
    let error = number(found.calibration.expected_error);
    sentence(
        out,
        &format!(
            "Expected calibration error: {error}. It is the mean distance between how sure the model is and how often it is right."
        ),
    );
    sentence(out, &format!("![Confidence against accuracy]({RELIABILITY_FILE})"));
}

fn regression(out: &mut String, found: &Regression) {
    heading(out, "How good it is");
    sentence(out, &format!("On {} test records:", found.records));
    let mut rows = vec![
        ("Mean absolute error", found.mean_absolute_error),
        ("Root mean squared error", found.root_mean_squared_error),
    ];
    rows.extend(found.variance_explained.map(|share| ("R², share of variance explained", share)));
    measured(out, rows);
    let row = |quantile: &Quantile| vec![format!("{:.0} %", 100.0 * quantile.share), signed(quantile.value)];
    table(out, &["records below", "label minus answer"], found.residuals.iter().map(row));
    sentence(out, &format!("![Label minus answer over the answer]({RESIDUALS_FILE})"));
}

fn comparisons(out: &mut String, all: &[Comparison]) {
    if all.is_empty() {
        return;
    }
    heading(out, "Against others");
    sentence(out, "On the same records. A difference is the model's number minus the other's.");
    let rows = all.iter().flat_map(|comparison| {
        comparison.metrics.iter().map(|paired| {
            let verdict = match paired.verdict() {
                Verdict::Better => "better",
                Verdict::Worse => "worse",
                Verdict::Open => "cannot be told",
            };
            vec![
                escaped(&comparison.with),
                paired.metric.name().to_owned(),
                number(paired.model.value),
                number(paired.other.value),
                format!("{} ({})", signed(paired.difference.value), ends(&paired.difference)),
                verdict.to_owned(),
            ]
        })
    });
    table(out, &["against", "by", "model", "other", "difference", "the model is"], rows);
}

fn slices(out: &mut String, all: &[SliceResult]) {
    let Some(first) = all.first() else { return };
    heading(out, "On parts of the records");
    let row = |slice: &SliceResult| {
        let found = slice.found.as_ref().map_or_else(|| "too few to say".to_owned(), estimate);
        vec![escaped(&slice.name), slice.records.to_string(), found]
    };
    table(out, &["records with", "records", first.metric.name()], all.iter().map(row));
}

fn hold_outs(out: &mut String, all: &[HoldOut]) {
    let Some(first) = all.first() else { return };
    heading(out, "For somebody it has not seen");
    sentence(
        out,
        "The model is trained again without one contributor's records and measured on them: what it would do for a newcomer \
         like them. The full model was trained on these records.",
    );
    let row = |held: &HoldOut| {
        let account = held.contributor.to_string();
        vec![
            format!("`{account}`"),
            held.records.to_string(),
            estimate(&held.found.model),
            estimate(&held.found.other),
            format!("{} ({})", signed(held.found.difference.value), ends(&held.found.difference)),
        ]
    };
    let name = first.found.metric.name();
    let (without, full) = (format!("{name} without them"), format!("{name} of the full model"));
    table(out, &["contributor", "records", &without, &full, "difference"], all.iter().map(row));
}

fn frontier(out: &mut String, all: &[FrontierPoint]) {
    let Some(first) = all.first() else { return };
    heading(out, "What attributability costs");
    sentence(
        out,
        "More weight decay makes a model that attribution describes better, and that may answer worse. Contributor LDS is the \
         rank correlation between what attribution says and what retraining on random halves of the contributors shows.",
    );
    let row = |point: &FrontierPoint| {
        vec![point.weight_decay.to_string(), estimate(&point.found), estimate(&point.contributor_lds)]
    };
    table(out, &["weight decay", first.metric.name(), "contributor LDS"], all.iter().map(row));
    sentence(out, &format!("![{} and contributor LDS over weight decay]({FRONTIER_FILE})", title(first.metric)));
}

fn title(metric: Metric) -> &'static str {
    if metric == Metric::Accuracy { "Accuracy" } else { "Error" }
}

fn attribution(out: &mut String, found: &AttributionFindings) {
    heading(out, "Who is paid for it");
    let mut rows = vec![
        ("Contributors", found.contributors.to_string()),
        (
            "Of these, paid by attribution",
            match found.passing == found.contributors {
                true => "all".to_owned(),
                false => format!("{} of {}; the others fail the gate", found.passing, found.contributors),
            },
        ),
    ];
    if let Some(shares) = found.baseline_shares {
        let percent = |share: f64| format!("{} %", number(100.0 * share));
        let [least, median, most] = [shares.least, shares.median, shares.most].map(percent);
        rows.push(("Shares of money that no answer divides", format!("{least} to {most}, in the middle {median}")));
    }
    if let Some(lds) = &found.contributor_lds {
        rows.push(("Contributor LDS", estimate(lds)));
    }
    pairs(out, rows);
}
