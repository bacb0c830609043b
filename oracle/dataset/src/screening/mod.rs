//! Which offered records a snapshot takes, and why not the others.
//!
//! | step | what it does | what becomes of the record |
//! |---|---|---|
//! | held-out records, copies | finds what is (nearly) equal: by hash, by distance, by shingles | all but one are rejected |
//! | coincident rows | shows rows of a table with equal features | a note |
//! | outliers | finds what is unlike the others: robust distances, lengths | held |
//! | doubted labels | finds labels that a model of the other records contradicts | held |
//! | personal data | finds what looks like an address or a number of somebody, in text | held |
//! | corrections | marks what its contributor gave against a served answer | held |
//! | validators' reviews | counts what validators say of what is held | accepted or rejected, where enough agree |
//! | balance | counts classes, over all and by contributor | warnings |
//!
//! Screening is a function of its arguments: it knows no clock and no threads, and the order of records inside a batch does
//! not matter. The same records give the same verdicts on the same machine; copies, turns, personal data and balance are
//! whole numbers and the same everywhere, while outliers and doubted labels are sums of floating-point numbers in a fixed
//! order, whose last bits may hang on the processor. Only a steward's ruling takes in what they hold.
//!
//! A cluster's copies stay rejected if the record that is kept is held for another reason: a ruling decides about that one.

mod balance;
mod chance;
mod coincident;
mod copies;
mod doubt;
mod few;
mod outliers;
mod personal;
mod report;
mod robust;
mod rules;
mod rulings;
mod said;
mod space;
mod verdict;

use tributary_sdk::{Address, B256};

pub use balance::{Balance, BalanceWarning, ClassCount, ContributorBalance};
pub use personal::{PersonalData, PersonalKind};
pub use report::{Counted, ReportedCluster, ReportedReason, ReportedRecord, ReportedReview, ScreeningReport, Totals};
pub use rules::ScreeningRules;
pub use rulings::{Ruling, UnusedRuling};
pub use said::{Correcting, Said};
pub use verdict::{Cluster, Decision, Likeness, Measured, Reason, RecordPlace, Verdict};

use crate::{LabelValue, Record, Schema};

/// A record as it was offered. It follows the schema.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'r> {
    /// The contribution it is in.
    pub contribution: B256,
    /// Who gave it.
    pub contributor: Address,
    /// The order of its commitment's batch on chain. Records of one batch came at once.
    pub batch: u64,
    /// Where in the contribution, from 0.
    pub place: u32,
    /// What was given.
    pub record: &'r Record,
}

impl Offered<'_> {
    fn place(&self) -> RecordPlace {
        RecordPlace { contribution: self.contribution, contributor: self.contributor, place: self.place }
    }
}

/// What screening found.
#[derive(Clone, Debug, PartialEq)]
pub struct Screening {
    /// One for each offered record, in the order they were offered in.
    pub verdicts: Vec<Verdict>,
    /// Records that count as one, two or more a cluster.
    pub clusters: Vec<Cluster>,
    /// Classes of what is accepted.
    pub balance: Balance,
    /// Rulings that changed nothing.
    pub unused: Vec<UnusedRuling>,
    /// What validators said of what was held.
    heard: Vec<said::Heard>,
    /// Where each record was offered.
    places: Vec<RecordPlace>,
    /// The class of each, where there are classes.
    classes: Vec<Option<u32>>,
    class_names: Vec<String>,
    rules: ScreeningRules,
}

/// What the steps look at.
#[derive(Debug)]
struct Desk<'a, 'r> {
    schema: &'a Schema,
    rules: &'a ScreeningRules,
    offered: &'a [Offered<'r>],
    /// Hash of each offered record.
    hashes: Vec<B256>,
    /// Places among the offered records: by batch, then by hash.
    order: Vec<usize>,
    seed: u64,
}

impl<'a, 'r> Desk<'a, 'r> {
    fn new(schema: &'a Schema, rules: &'a ScreeningRules, offered: &'a [Offered<'r>]) -> Self {
        let hashes: Vec<B256> = offered.iter().map(|offered| offered.record.hash()).collect();
        let mut order: Vec<usize> = (0..offered.len()).collect();
        order.sort_unstable_by_key(|place| {
            let Offered { contribution, contributor, batch, place: within, .. } = offered[*place];
            (batch, hashes[*place], contributor, contribution, within, *place)
        });
        Self { schema, rules, offered, hashes, order, seed: chance::seed(offered) }
    }

    fn record(&self, place: usize) -> &'r Record {
        self.offered[place].record
    }

    fn class(&self, place: usize) -> Option<u32> {
        match self.schema.label(self.record(place)) {
            Some(LabelValue::Class(class)) => Some(class),
            _ => None,
        }
    }

    /// Of these places at most `most`, drawn by hash.
    fn sample(&self, places: &[usize], most: usize) -> Vec<usize> {
        let hashed = places.iter().map(|place| (*place, chance::short(&self.hashes[*place])));
        chance::sample(hashed, self.seed, most)
    }
}

/// Screens offered records. `held_out` are the records that gate and baseline use; they follow the schema, and so do the
/// offered ones. Time and memory grow with the records' bytes, whoever wrote them: searches for copies that cost more than
/// [`ScreeningRules::comparisons`] are stopped.
///
/// A record belongs to the earliest [`Offered::batch`] it was given in; inside one, contributors take turns.
pub fn screen(schema: &Schema, rules: &ScreeningRules, held_out: &[Record], offered: &[Offered<'_>]) -> Screening {
    let desk = Desk::new(schema, rules, offered);
    let mut screening = Screening {
        verdicts: vec![Verdict::plain(); offered.len()],
        clusters: Vec::new(),
        balance: Balance::default(),
        unused: Vec::new(),
        heard: Vec::new(),
        places: offered.iter().map(Offered::place).collect(),
        classes: (0..offered.len()).map(|place| desk.class(place)).collect(),
        class_names: match &schema.label {
            crate::schema::Label::Class { names } => names.clone(),
            _ => Vec::new(),
        },
        rules: rules.clone(),
    };
    copies::screen(&desk, held_out, &mut screening);
    coincident::screen(&desk, &mut screening);
    // What is no copy; copies shall not make themselves usual.
    let left: Vec<usize> =
        (desk.order.iter().copied()).filter(|place| screening.verdicts[*place].decision != Decision::Reject).collect();
    let space = space::Space::new(&desk, &left);
    outliers::screen(&desk, space.as_ref(), &left, &mut screening);
    doubt::screen(&desk, space.as_ref(), &left, &mut screening);
    personal::screen(&desk, &left, &mut screening);
    screening.count();
    screening
}

#[cfg(test)]
mod tests;
