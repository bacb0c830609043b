//! The report for stewards.

use std::fmt::Write;

use tributary_sdk::Address;

use super::{ReportedRecord, ScreeningReport, Totals};
use crate::screening::{BalanceWarning, Decision, rulings::UnusedRuling};

/// Lines of a list; the JSON has all.
const SHOWN: usize = 50;

impl ScreeningReport {
    /// The report for stewards: what was decided and why, and how to appeal. Long lists are cut to their first 50 lines.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("# Screening\n\n");
        let Totals { offered, accepted, held, rejected, kept_by_turn } = self.totals;
        let _ = writeln!(
            text,
            "{offered} records were offered: {accepted} are accepted, {held} are held, {rejected} are rejected. \
             {kept_by_turn} were given by several contributors in one batch, who take turns in keeping such records.\n"
        );
        for (title, decision) in [
            ("Held: a steward decides", Decision::Hold),
            ("Rejected", Decision::Reject),
            ("Accepted, with notes", Decision::Accept),
        ] {
            let records = self.records.iter().filter(|record| record.decision == decision);
            list(&mut text, title, records.map(line));
        }
        if self.totals.held + self.totals.rejected > 0 {
            text.push_str(
                "A contributor appeals with `tributary dataset appeal`, naming contribution and record; a steward's ruling \
                 replaces the decision and is shown with its reason. Copies of held-out records stay out.\n\n",
            );
        }
        let clusters = self.clusters.iter().map(|cluster| {
            let labels = if cluster.labels > 1 { format!(", with {} different labels", cluster.labels) } else { String::new() };
            format!(
                "cluster {}: {} records{labels}; {} of the earliest batch's contributors gave it; record {} of {} is kept",
                cluster.id, cluster.members.len(), cluster.claimants, cluster.kept.place, cluster.kept.contribution
            )
        });
        list(&mut text, "Copies", clusters);
        list(&mut text, "Balance", self.balance.warnings.iter().map(warning));
        list(&mut text, "Rulings that changed nothing", self.unused_rulings.iter().map(unused));
        let work = |(validator, count): (&Address, &u64)| format!("`{validator}`: {count} reviews are accepted");
        list(&mut text, "Validators", self.validators.iter().map(work));
        table(&mut text, "Contribution", self.contributions.iter());
        table(&mut text, "Contributor", self.contributors.iter());
        text
    }
}

fn list(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    lines.iter().take(SHOWN).for_each(|line| {
        let _ = writeln!(text, "- {line}");
    });
    if lines.len() > SHOWN {
        let _ = writeln!(text, "- … and {} more, in the JSON report", lines.len() - SHOWN);
    }
    text.push('\n');
}

fn line(record: &ReportedRecord) -> String {
    let reasons: Vec<String> = record.reasons.iter().map(|reason| plain(&reason.words)).collect();
    format!("record {} of `{}`: {}", record.place.place, record.place.contribution, reasons.join("; "))
}

/// Names and reasons are others' words: they shall not become headings or links.
fn plain(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    for character in words.chars() {
        if matches!(character, '<' | '>' | '[' | ']' | '|' | '*' | '_' | '\\') {
            plain.push('\\');
        }
        plain.push(if character.is_control() { ' ' } else { character });
    }
    plain
}

fn warning(warning: &BalanceWarning) -> String {
    match warning {
        BalanceWarning::Missing { class } => format!("class {} has no records", plain(class)),
        BalanceWarning::Small { class, records, largest, ratio } => {
            format!("class {} has {records} records, {ratio} of the largest class's {largest}", plain(class))
        }
    }
}

fn unused(unused: &UnusedRuling) -> String {
    let (why, ruling) = match unused {
        UnusedRuling::Unknown { ruling } => ("no such record was offered", ruling),
        UnusedRuling::HeldOut { ruling } => ("it is a copy of a held-out record", ruling),
    };
    format!("record {} of `{}`: {why}", ruling.place, ruling.contribution)
}

fn table<'t>(text: &mut String, what: &str, rows: impl ExactSizeIterator<Item = (impl std::fmt::Display, &'t Totals)>) {
    let left = rows.len().saturating_sub(SHOWN);
    let _ = writeln!(text, "| {what} | offered | accepted | held | rejected | by turn |\n|---|---|---|---|---|---|");
    for (name, totals) in rows.take(SHOWN) {
        let Totals { offered, accepted, held, rejected, kept_by_turn } = totals;
        let _ = writeln!(text, "| `{name}` | {offered} | {accepted} | {held} | {rejected} | {kept_by_turn} |");
    }
    if left > 0 {
        let _ = writeln!(text, "\n… and {left} more, in the JSON report");
    }
    text.push('\n');
}
