//! How many records each class has, over all and by contributor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_sdk::Address;

use super::{Screening, robust::thousandths, verdict::Decision};

/// Classes of the accepted records. Empty where there are no classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// All classes, in the schema's order.
    pub classes: Vec<ClassCount>,
    /// Of each contributor with accepted records, by account, the classes there are.
    pub contributors: Vec<ContributorBalance>,
    /// What training will suffer from.
    pub warnings: Vec<BalanceWarning>,
}

/// How many records a class has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassCount {
    /// Its name.
    pub class: String,
    /// Accepted records.
    pub records: u64,
}

/// A contributor's classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContributorBalance {
    /// Who.
    pub contributor: Address,
    /// The classes of the accepted records, in the schema's order.
    pub classes: Vec<ClassCount>,
}

/// A class that training will suffer from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum BalanceWarning {
    /// No record has it.
    Missing {
        /// Its name.
        class: String,
    },
    /// It has far fewer records than the largest.
    Small {
        /// Its name.
        class: String,
        /// Its records.
        records: u64,
        /// The largest class's.
        largest: u64,
        /// The one over the other, rounded to thousandths.
        ratio: f64,
    },
}

impl Screening {
    /// Counts anew what is accepted.
    pub(super) fn count(&mut self) {
        let mut counts = vec![0u64; self.class_names.len()];
        let mut by_contributor: BTreeMap<Address, BTreeMap<u32, u64>> = BTreeMap::new();
        for ((verdict, place), class) in self.verdicts.iter().zip(&self.places).zip(&self.classes) {
            if let (Decision::Accept, Some(class)) = (verdict.decision, class) {
                *by_contributor.entry(place.contributor).or_default().entry(*class).or_default() += 1;
                if let Some(count) = counts.get_mut(*class as usize) {
                    *count += 1;
                }
            }
        }
        let largest = counts.iter().copied().max().unwrap_or_default();
        let name = |class: usize| self.class_names.get(class).cloned().unwrap_or_default();
        let warning = |(class, count): (usize, &u64)| {
            let ratio = *count as f64 / largest.max(1) as f64;
            match count {
                0 => Some(BalanceWarning::Missing { class: name(class) }),
                _ if ratio < self.rules.balance => {
                    let ratio = thousandths(ratio);
                    Some(BalanceWarning::Small { class: name(class), records: *count, largest, ratio })
                }
                _ => None,
            }
        };
        let count = |class: usize, records: u64| ClassCount { class: name(class), records };
        self.balance = Balance {
            classes: counts.iter().enumerate().map(|(class, records)| count(class, *records)).collect(),
            contributors: by_contributor
                .into_iter()
                .map(|(contributor, classes)| ContributorBalance {
                    contributor,
                    classes: classes.into_iter().map(|(class, records)| count(class as usize, records)).collect(),
                })
                .collect(),
            warnings: counts.iter().enumerate().filter_map(warning).collect(),
        };
    }
}
