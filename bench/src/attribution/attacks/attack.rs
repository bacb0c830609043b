//! What an attacker offers instead of, or beside, their honest records.

use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    super::normal::normal,
    community::{CONTRIBUTORS, Community, Entry, entries},
    screen::RADIUS,
};

/// Records that an attacker adds where the attack says how many.
const ADDED: usize = 200;
/// Honest records of the control.
const NEW: usize = 97;
const COPIES: usize = 10;

/// Ways to be paid more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// Every own record ten times.
    Duplicates,
    /// The same with a little noise.
    NearDuplicates,
    /// The same with noise that carries every copy just beyond the screening radius.
    BeyondRadius,
    /// Every own record beside itself moved by a pixel in each direction.
    Shifted,
    /// Every own record beside itself at nine contrasts.
    Contrast,
    /// Means of pairs of own records of one class.
    Mixed,
    /// Copies of others' records, offered after them.
    Stolen,
    /// Noise with random labels.
    Noise,
    /// Copies of others' records under wrong labels.
    Flipped,
    /// Own records under two identities, by chance.
    SplitRandomly,
    /// One identity for each class.
    SplitByClass,
    /// Records that help under one identity, those that harm under another.
    SplitBySign,
    /// One identity for each record.
    SplitToSingles,
    /// Noise under a second identity, so that the first stays clean.
    Laundering,
    /// The leaked held-out records.
    LeakedHeldOut,
    /// Noise, hidden behind the leaked held-out records.
    NoiseBehindLeak,
    /// Control: new honest records.
    Newcomer,
}

impl Attack {
    pub(super) const ALL: [Self; 17] = [
        Self::Duplicates,
        Self::NearDuplicates,
        Self::BeyondRadius,
        Self::Shifted,
        Self::Contrast,
        Self::Mixed,
        Self::Stolen,
        Self::Noise,
        Self::Flipped,
        Self::SplitRandomly,
        Self::SplitByClass,
        Self::SplitBySign,
        Self::SplitToSingles,
        Self::Laundering,
        Self::LeakedHeldOut,
        Self::NoiseBehindLeak,
        Self::Newcomer,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Duplicates => "duplicates x10",
            Self::NearDuplicates => "near-duplicates x10",
            Self::BeyondRadius => "copies x10 beyond the radius",
            Self::Shifted => "shifted copies",
            Self::Contrast => "copies in other contrasts",
            Self::Mixed => "mixed copies",
            Self::Stolen => "200 stolen records",
            Self::Noise => "200 of noise, random labels",
            Self::Flipped => "200 flipped labels",
            Self::SplitRandomly => "split in two, by chance",
            Self::SplitByClass => "split by class",
            Self::SplitBySign => "split by sign",
            Self::SplitToSingles => "split to single records",
            Self::Laundering => "laundering: noise apart",
            Self::LeakedHeldOut => "leaked held-out set",
            Self::NoiseBehindLeak => "noise behind leaked held-out",
            Self::Newcomer => "control: 97 honest new",
        }
    }

    /// What the community offers under this attack. Every identity from [`CONTRIBUTORS`] on is the attacker's too.
    /// `helps` says of every entry of the honest community whether its own score is positive.
    pub(super) fn offered(
        self,
        community: &Community,
        attacker: usize,
        helps: &[bool],
        rng: &mut ChaCha8Rng,
    ) -> Vec<Entry> {
        let mut all = community.entries.clone();
        let own = community.of(attacker);
        let others = || community.entries.iter().filter(|entry| entry.identity != attacker).cloned();
        let mut renamed = |identity: &mut dyn FnMut(usize, &Entry) -> usize| {
            for (place, entry) in all.iter_mut().enumerate().filter(|(_, entry)| entry.identity == attacker) {
                entry.identity = identity(place, entry);
            }
        };
        let added = match self {
            Self::Duplicates => copies(&own, |_| ()),
            Self::NearDuplicates => copies(&own, |features| {
                features.iter_mut().for_each(|value| *value += 0.03 * community.largest * normal(rng));
            }),
            Self::BeyondRadius => copies(&own, |features| beyond(features, rng)),
            Self::Shifted => own.iter().flat_map(shifted).collect(),
            Self::Contrast => (0..COPIES - 1)
                .flat_map(|step| own.iter().map(move |entry| scaled(entry, 0.5 + 0.05 * step as f64)))
                .collect(),
            Self::Mixed => mixed(&own, rng),
            Self::Stolen => picked(others().collect(), attacker, rng),
            Self::Noise => noise(community, attacker, rng),
            Self::Flipped => {
                let mut added = picked(others().collect(), attacker, rng);
                for entry in &mut added {
                    entry.label = (entry.label + rng.random_range(1..community.classes)) % community.classes;
                }
                added
            }
            Self::SplitRandomly => {
                renamed(&mut |_, _| if rng.random::<bool>() { CONTRIBUTORS } else { attacker });
                Vec::new()
            }
            Self::SplitByClass => {
                renamed(&mut |_, entry| CONTRIBUTORS + entry.label);
                Vec::new()
            }
            Self::SplitBySign => {
                renamed(&mut |place, _| if helps[place] { attacker } else { CONTRIBUTORS });
                Vec::new()
            }
            Self::SplitToSingles => {
                let mut next = CONTRIBUTORS;
                renamed(&mut |_, _| {
                    next += 1;
                    next
                });
                Vec::new()
            }
            Self::Laundering => noise(community, CONTRIBUTORS, rng),
            Self::LeakedHeldOut => entries(&community.held_out, attacker),
            Self::NoiseBehindLeak => {
                let leaked = entries(&community.held_out, attacker);
                leaked.into_iter().chain(noise(community, attacker, rng)).collect()
            }
            Self::Newcomer => entries(&community.unseen, attacker).into_iter().take(NEW).collect(),
        };
        all.extend(added.into_iter().map(|entry| rounded(entry, community.largest)));
        all
    }
}

/// Records hold whole numbers from 0 to the largest.
fn rounded(mut entry: Entry, largest: f64) -> Entry {
    entry.features.iter_mut().for_each(|value| *value = value.round().clamp(0.0, largest));
    entry
}

/// Nine more of each, changed.
fn copies(own: &[Entry], mut change: impl FnMut(&mut [f64])) -> Vec<Entry> {
    let mut copies: Vec<Entry> = (1..COPIES).flat_map(|_| own.iter().cloned()).collect();
    copies.iter_mut().for_each(|entry| change(&mut entry.features));
    copies
}

/// A random direction away from the ends of the scale, somewhat longer than the screening radius because rounding to grey
/// levels may shorten it; over half the pixels, so that copies stay apart from each other too.
fn beyond(features: &mut [f64], rng: &mut ChaCha8Rng) {
    let inwards = |value: &f64| if *value > 8.0 { -1.0 } else { 1.0 };
    let mut step = |value: &f64| if rng.random::<bool>() { normal(rng).abs() * inwards(value) } else { 0.0 };
    let direction: Vec<f64> = features.iter().map(&mut step).collect();
    let length = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
    for (value, step) in features.iter_mut().zip(direction) {
        *value += step / length * RADIUS * 1.2;
    }
}

/// A square image moved by one pixel, to four sides.
fn shifted(entry: &Entry) -> Vec<Entry> {
    let side = (entry.features.len() as f64).sqrt() as usize;
    let at = |row: Option<usize>, column: Option<usize>| match (row, column) {
        (Some(row), Some(column)) if row < side && column < side => entry.features[row * side + column],
        _ => 0.0,
    };
    let moved = |source: &dyn Fn(usize, usize) -> (Option<usize>, Option<usize>)| {
        let pixel = |place: usize| {
            let (row, column) = source(place / side, place % side);
            at(row, column)
        };
        Entry { features: (0..side * side).map(pixel).collect(), ..entry.clone() }
    };
    vec![
        moved(&|row, column| (row.checked_sub(1), Some(column))),
        moved(&|row, column| (Some(row + 1), Some(column))),
        moved(&|row, column| (Some(row), column.checked_sub(1))),
        moved(&|row, column| (Some(row), Some(column + 1))),
    ]
}

fn scaled(entry: &Entry, factor: f64) -> Entry {
    Entry { features: entry.features.iter().map(|value| value * factor).collect(), ..entry.clone() }
}

/// Nine means with another record of the same class for each record that has one.
fn mixed(own: &[Entry], rng: &mut ChaCha8Rng) -> Vec<Entry> {
    let mut mixed = Vec::new();
    for (place, entry) in own.iter().enumerate() {
        let same = |other: &usize| *other != place && own[*other].label == entry.label;
        let partners: Vec<usize> = (0..own.len()).filter(same).collect();
        for _ in 1..COPIES {
            let Some(partner) = partners.get(rng.random_range(0..partners.len().max(1))) else { break };
            let share = rng.random_range(0.3..0.7);
            let pairs = entry.features.iter().zip(&own[*partner].features);
            let features = pairs.map(|(a, b)| share * a + (1.0 - share) * b).collect();
            mixed.push(Entry { features, ..entry.clone() });
        }
    }
    mixed
}

fn picked(mut from: Vec<Entry>, identity: usize, rng: &mut ChaCha8Rng) -> Vec<Entry> {
    from.shuffle(rng);
    from.truncate(ADDED);
    from.iter_mut().for_each(|entry| entry.identity = identity);
    from
}

fn noise(community: &Community, identity: usize, rng: &mut ChaCha8Rng) -> Vec<Entry> {
    let width = community.usage.features().ncols();
    let mut one = || Entry {
        features: (0..width).map(|_| rng.random_range(0.0..=community.largest)).collect(),
        label: rng.random_range(0..community.classes),
        identity,
    };
    (0..ADDED).map(|_| one()).collect()
}

#[cfg(test)]
mod tests;
