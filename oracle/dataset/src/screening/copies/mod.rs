//! Records that count as one.
//!
//! Records are taken batch by batch, inside a batch by hash, because there the chain gives nobody priority. Each is compared
//! with the first record of every cluster so far, and joins the earliest it is a copy of; else it begins a cluster. Being like
//! some *member* is not enough: chains of copies of copies would join records that have nothing in common.
//! Copies of equal features are found by hash and cost nothing.

mod chains;
mod grid;
mod principal;
mod shingles;
mod turns;

use std::collections::{BTreeMap, HashMap};

use tributary_sdk::B256;

use super::{
    Desk, Screening,
    verdict::{Cluster, Decision, Likeness, Reason, Verdict},
};
use crate::{Record, Schema, schema::Features};
use grid::Grid;
use shingles::Shingles;

/// What a search among kept records gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    /// No kept record is like it.
    Nothing,
    /// The earliest that is, and how like.
    Kept(u32, Likeness),
    /// The search cost more than it may.
    TooMany,
}

/// Kept records, found again by whatever is like them. They are numbered from 0.
trait Near<'r> {
    /// What is known of a record once it was read.
    type Key;

    fn key(&self, record: &'r Record) -> Self::Key;

    fn find(&mut self, key: &Self::Key) -> Found;

    fn keep(&mut self, key: Self::Key);
}

/// For rules by which only equal records are copies.
struct Nothing;

impl<'r> Near<'r> for Nothing {
    type Key = ();

    fn key(&self, _: &'r Record) {}

    fn find(&mut self, (): &()) -> Found {
        Found::Nothing
    }

    fn keep(&mut self, (): ()) {}
}

/// What a record turned out to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Group {
    HeldOut(Likeness),
    Of { group: u32, likeness: Likeness },
}

/// Groups, by the order of the desk.
#[derive(Debug, Default)]
struct Groups {
    of: Vec<Group>,
    /// How many groups there are.
    count: u32,
    /// Groups whose first record cost more to compare than it may, in order.
    unsearched: Vec<u32>,
}

/// Rejects what is held out and what is a copy; tells who keeps the record instead.
pub(super) fn screen(desk: &Desk<'_, '_>, held_out: &[Record], screening: &mut Screening) {
    let groups = gather_by_rule(desk, held_out);
    for (position, group) in groups.of.iter().enumerate() {
        if let Group::HeldOut(likeness) = *group {
            screening.verdicts[desk.order[position]].add(Decision::Reject, Reason::HeldOut { likeness });
        }
    }
    if matches!(desk.schema.features, Features::Table { .. }) {
        return;
    }
    cluster(desk, &groups, screening);
}

fn gather_by_rule(desk: &Desk<'_, '_>, held_out: &[Record]) -> Groups {
    let (schema, rules) = (desk.schema, desk.rules);
    let features = |record: &Record| tributary_sdk::keccak256(schema.feature_bytes(record));
    match &schema.features {
        Features::Image { .. } if rules.radius.is_some() => gather(desk, held_out, Grid::new(desk, held_out), features),
        Features::Text { .. } | Features::Tokens { .. } if rules.similarity > 0.0 => {
            gather(desk, held_out, Shingles::new(desk, held_out.len()), features)
        }
        _ => gather(desk, held_out, Nothing, Record::hash),
    }
}

/// `exact`: records for which it is equal are copies at once.
fn gather<'r, N: Near<'r>>(
    desk: &Desk<'_, 'r>,
    held_out: &'r [Record],
    mut near: N,
    exact: impl Fn(&Record) -> B256,
) -> Groups {
    let mut known: HashMap<B256, Group> = HashMap::with_capacity(held_out.len() + desk.order.len());
    let mut held = 0u32;
    for record in held_out {
        if known.insert(exact(record), Group::HeldOut(Likeness::Equal)).is_none() {
            near.keep(near.key(record));
            held += 1;
        }
    }
    let mut groups = Groups { of: Vec::with_capacity(desk.order.len()), ..Groups::default() };
    // The group that each kept record after the held-out ones began.
    let mut begun = Vec::new();
    for place in &desk.order {
        let record = desk.offered[*place].record;
        let hash = exact(record);
        // Equal features have equal answers: the earliest record like them does not change.
        let group = match known.get(&hash) {
            Some(group) => *group,
            None => {
                let key = near.key(record);
                let group = match near.find(&key) {
                    Found::Kept(kept, likeness) if kept < held => Group::HeldOut(likeness),
                    Found::Kept(kept, likeness) => Group::Of { group: begun[(kept - held) as usize], likeness },
                    found => {
                        let group = groups.count;
                        groups.count += 1;
                        if found == Found::TooMany {
                            groups.unsearched.push(group);
                        } else {
                            near.keep(key);
                            begun.push(group);
                        }
                        Group::Of { group, likeness: Likeness::Equal }
                    }
                };
                known.insert(hash, group);
                group
            }
        };
        groups.of.push(group);
    }
    groups
}

fn cluster(desk: &Desk<'_, '_>, groups: &Groups, screening: &mut Screening) {
    let mut sizes = vec![0u32; groups.count as usize];
    for group in &groups.of {
        if let Group::Of { group, .. } = group {
            sizes[*group as usize] += 1;
        }
    }
    // Most records are alone.
    let mut members: BTreeMap<u32, Vec<(usize, Likeness)>> = BTreeMap::new();
    for (place, group) in desk.order.iter().zip(&groups.of) {
        let Group::Of { group, likeness } = *group else { continue };
        if sizes[group as usize] > 1 {
            members.entry(group).or_default().push((*place, likeness));
        }
        if groups.unsearched.binary_search(&group).is_ok() {
            let reason = Reason::TooManyComparisons { most: desk.rules.comparisons };
            screening.verdicts[*place].add(Decision::Hold, reason);
        }
    }
    let mut turns = turns::Turns::default();
    for members in members.into_values() {
        let id = u32::try_from(screening.clusters.len()).unwrap_or(u32::MAX);
        let (kept, claimants) = turns.keeper(desk, &members);
        let labels = labels(desk.schema, members.iter().map(|(place, _)| desk.offered[*place].record));
        for (place, likeness) in &members {
            let verdict: &mut Verdict = &mut screening.verdicts[*place];
            if *place != kept {
                let reason = Reason::CopyOf { cluster: id, kept: desk.offered[kept].place(), likeness: *likeness };
                verdict.add(Decision::Reject, reason);
            } else if claimants > 1 {
                verdict.add(Decision::Accept, Reason::KeptByTurn { cluster: id, contributors: claimants });
            }
        }
        let members = members.into_iter().map(|(place, _)| place).collect();
        screening.clusters.push(Cluster { id, kept, members, claimants, labels });
    }
}

/// How many different labels there are.
fn labels<'r>(schema: &Schema, records: impl Iterator<Item = &'r Record>) -> u32 {
    let mut labels: Vec<&[u8]> = records
        .map(|record| &record.bytes()[schema.feature_bytes(record).len()..])
        .filter(|label| !label.is_empty())
        .collect();
    labels.sort_unstable();
    labels.dedup();
    u32::try_from(labels.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
