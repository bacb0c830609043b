//! What a card's numbers do not bear, read off the findings.

use super::{Findings, Subject};
use crate::evaluate::{Evaluation, Verdict};

/// With fewer test records an interval is wide and a resample poor.
const FEW: u32 = 100;

pub(super) fn of(subject: &Subject, findings: &Findings) -> Vec<String> {
    let mut limits = Vec::new();
    let mut say = |holds: bool, what: String| {
        if holds {
            limits.push(what);
        }
    };
    let records = findings.evaluation.records();
    say(records < FEW, format!("There are {records} test records: too few for narrow intervals."));
    if let Evaluation::Classification(found) = &findings.evaluation {
        let is_missing = |class: &usize| found.confusion.class(*class).records == 0;
        let missing: Vec<String> = (0..found.confusion.classes())
            .filter(is_missing)
            .map(|class| subject.classes.get(class).cloned().unwrap_or_else(|| class.to_string()))
            .collect();
        let names = missing.join(", ");
        say(!missing.is_empty(), format!("No test record is of these classes, so nothing is known of them: {names}."));
    }
    say(
        findings.comparisons.is_empty(),
        "Neither a trivial baseline nor a base model was measured: these numbers stand alone.".to_owned(),
    );
    for comparison in &findings.comparisons {
        let all_open = comparison.metrics.iter().all(|paired| paired.verdict() != Verdict::Better);
        say(all_open, format!("These records do not show the model to be better than the {}.", comparison.with));
    }
    let few = findings.slices.iter().filter(|slice| slice.found.is_none()).count();
    say(findings.slices.is_empty(), "How the model does on parts of the records was not measured.".to_owned());
    say(few > 0, format!("{few} of {} slices hold too few records to say anything.", findings.slices.len()));
    match findings.hold_outs.len() as u32 {
        0 => say(true, "How the model does on contributors whom it did not see was not measured.".to_owned()),
        measured => say(
            measured < subject.data.contributors,
            format!(
                "Hold-outs were measured for {measured} of {} contributors, those with most records.",
                subject.data.contributors
            ),
        ),
    }
    say(findings.frontier.is_empty(), "What accuracy costs attributability was not measured.".to_owned());
    match &findings.attribution {
        None => say(true, "How earnings are attributed was not measured.".to_owned()),
        Some(found) => say(
            found.contributor_lds.is_none(),
            "Attribution was not audited: whether it says what retraining shows is not known.".to_owned(),
        ),
    }
    say(
        true,
        "Intervals say what other records like these would do. Records of another place, time or people are not like these."
            .to_owned(),
    );
    limits
}
