//! Rows of a table that happen to be alike.
//!
//! Two people may well have the same age, ward and dose: equal rows of a table say little about copying. They are shown, and a
//! steward decides.

use std::collections::{BTreeSet, HashMap};

use super::{
    Desk, Screening,
    verdict::{Decision, Reason},
};
use crate::schema::Features;

/// Notes rows with equal features.
pub(super) fn screen(desk: &Desk<'_, '_>, screening: &mut Screening) {
    if !matches!(desk.schema.features, Features::Table { .. }) {
        return;
    }
    let mut rows: HashMap<&[u8], Vec<usize>> = HashMap::with_capacity(desk.order.len());
    for place in &desk.order {
        rows.entry(desk.schema.feature_bytes(desk.record(*place))).or_default().push(*place);
    }
    for places in rows.values().filter(|places| places.len() > 1) {
        let contributors: BTreeSet<_> = places.iter().map(|place| desk.offered[*place].contributor).collect();
        let mut labels: HashMap<&[u8], u32> = HashMap::new();
        for place in places {
            *labels.entry(desk.record(*place).bytes()).or_default() += 1;
        }
        for place in places {
            let note = Reason::Coincident {
                rows: u32::try_from(places.len()).unwrap_or(u32::MAX),
                same_label: labels.get(desk.record(*place).bytes()).copied().unwrap_or_default(),
                contributors: u32::try_from(contributors.len()).unwrap_or(u32::MAX),
            };
            screening.verdicts[*place].add(Decision::Accept, note);
        }
    }
}
