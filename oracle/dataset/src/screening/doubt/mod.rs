//! Labels that a model of the other records contradicts.
//!
//! Records are dealt into folds by the hash of their features, whoever gave them. For each fold a ridge regression on the
//! other folds' records predicts it: on random Fourier features of images and tables, on hashed n-grams of text and tokens.
//! Classes are doubted by confident learning (Northcutt, Jiang & Chuang 2021): a record counts as another class if its
//! probability is at least what records of that class have on average. Its score must also be clearly higher than the given
//! one's, and the model must be right about most records: else it knows nothing to doubt by. Numbers are doubted where the residual is an outlier.

mod embedding;
mod ridge;

use std::collections::BTreeMap;

use faer::Mat;
use tributary_sdk::keccak256;

use super::{
    Desk, Screening, chance,
    robust::{Spread, thousandths},
    space::Space,
    verdict::{Decision, Reason},
};
use crate::{LabelValue, schema::Label};
use embedding::Embedding;
use ridge::Ridge;

/// Records a model learns from, at most.
const MOST_TRAINED: usize = 50_000;
/// Records a fold needs on average.
const FEWEST_A_FOLD: usize = 20;
/// Records taken at once.
const BATCH: usize = 2048;
/// What scores are multiplied by before they are made probabilities.
const SHARPNESS: f64 = 10.0;
/// Where a model agrees with fewer labels than this share, it doubts none.
const LEAST_AGREEMENT: f64 = 0.75;
/// Numbers farther from the middle than this, in robust standard deviations, teach no more.
const FARTHEST: f64 = 8.0;

/// Holds records with doubted labels among those at these places.
pub(super) fn screen(desk: &Desk<'_, '_>, space: Option<&Space<'_>>, places: &[usize], screening: &mut Screening) {
    let folds = desk.rules.folds as usize;
    if folds < 2 || places.len() < folds * FEWEST_A_FOLD {
        return;
    }
    match &desk.schema.label {
        Label::Class { names } => classes(desk, space, places, names, screening),
        Label::Number { .. } => numbers(desk, space, places, screening),
        Label::None => (),
    }
}

fn classes(
    desk: &Desk<'_, '_>,
    space: Option<&Space<'_>>,
    places: &[usize],
    names: &[String],
    screening: &mut Screening,
) {
    // Of a class with hardly any records nothing can be learnt.
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    places.iter().filter_map(|place| desk.class(*place)).for_each(|class| *counts.entry(class).or_default() += 1);
    let least = 2 * desk.rules.folds as usize;
    let columns: BTreeMap<u32, usize> = counts
        .into_iter()
        .filter(|(_, count)| *count >= least)
        .enumerate()
        .map(|(at, (class, _))| (class, at))
        .collect();
    if columns.len() < 2 {
        return;
    }
    let column = |place: usize| desk.class(place).and_then(|class| columns.get(&class).copied());
    let places: Vec<usize> = places.iter().copied().filter(|place| column(*place).is_some()).collect();
    let name =
        |at: usize| columns.keys().nth(at).and_then(|class| names.get(*class as usize)).cloned().unwrap_or_default();
    let target = |place: usize, row: &mut [f64]| column(place).into_iter().for_each(|at| row[at] = 1.0);
    // First how sure the model is of each class where it is given, then who is more like another.
    let mut sure = vec![(0.0, 0.0); columns.len()];
    let mut closest: Vec<(usize, Vec<f32>)> = Vec::with_capacity(places.len());
    let mut agreed = 0;
    predict(desk, space, &places, columns.len(), target, |place, scores| {
        let Some(given) = column(place) else { return };
        let probabilities = probabilities(scores);
        sure[given].0 += probabilities[given];
        sure[given].1 += 1.0;
        agreed += usize::from(scores.iter().all(|score| *score <= scores[given]));
        // Another class is not suggested unless its score is higher by the margin.
        let suggested = |(at, score): (usize, &f64)| score - scores[given] >= desk.rules.margin && at != given;
        if scores.iter().enumerate().any(suggested) {
            let open = scores.iter().enumerate().zip(&probabilities);
            let open = open.map(|(score, probability)| if suggested(score) { *probability as f32 } else { -1.0 });
            let mut open: Vec<f32> = open.collect();
            open[given] = probabilities[given] as f32;
            closest.push((place, open));
        }
    });
    if (agreed as f64) < LEAST_AGREEMENT * places.len() as f64 {
        return;
    }
    let thresholds: Vec<f64> = sure.into_iter().map(|(sum, count): (f64, f64)| sum / count.max(1.0)).collect();
    for (place, probabilities) in closest {
        let Some(given) = column(place) else { continue };
        let probability = |at: usize| f64::from(probabilities[at]);
        let confident = (0..probabilities.len()).filter(|at| probability(*at) >= thresholds[*at]);
        let Some(suggested) = confident.max_by(|a, b| probability(*a).total_cmp(&probability(*b)).then(b.cmp(a)))
        else {
            continue;
        };
        if suggested != given {
            let reason = Reason::LabelDoubt {
                given: name(given),
                given_probability: thousandths(probability(given)),
                suggested: name(suggested),
                suggested_probability: thousandths(probability(suggested)),
            };
            screening.verdicts[place].add(Decision::Hold, reason);
        }
    }
}

/// Probabilities by the scores of a one-hot regression, sharpened: most records are clear cases, and the few others pull a
/// class's average below them.
fn probabilities(scores: &[f64]) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| ((score - highest) * SHARPNESS).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn numbers(desk: &Desk<'_, '_>, space: Option<&Space<'_>>, places: &[usize], screening: &mut Screening) {
    let threshold = desk.rules.outlier;
    if threshold <= 0.0 {
        return;
    }
    let number = |place: usize| match desk.schema.label(desk.record(place)) {
        Some(LabelValue::Number(number)) => number,
        _ => 0.0,
    };
    let spread = Spread::of(places.iter().map(|place| number(*place)).collect());
    let target = |place: usize, row: &mut [f64]| row[0] = spread.score(number(place)).clamp(-FARTHEST, FARTHEST);
    let mut residuals = Vec::with_capacity(places.len());
    predict(desk, space, places, 1, target, |place, predicted| {
        residuals.push((place, spread.score(number(place)) - predicted[0]));
    });
    let usual = Spread::of(residuals.iter().map(|(_, residual)| *residual).collect());
    for (place, residual) in residuals {
        let score = usual.score(residual).abs();
        if score > threshold {
            let reason = Reason::FarFromPredicted { score: thousandths(score), threshold };
            screening.verdicts[place].add(Decision::Hold, reason);
        }
    }
}

/// Predicts each record from those of the other folds. `target` writes what is to be learnt of a record into a row of zeros,
/// `predicted` hears of each record once.
fn predict(
    desk: &Desk<'_, '_>,
    space: Option<&Space<'_>>,
    places: &[usize],
    targets: usize,
    target: impl Fn(usize, &mut [f64]),
    mut predicted: impl FnMut(usize, &[f64]),
) {
    let mut folds: Vec<Vec<usize>> = vec![Vec::new(); desk.rules.folds as usize];
    for place in places {
        let hash = chance::short(&keccak256(desk.schema.feature_bytes(desk.record(*place))));
        let fold = chance::mix(hash ^ desk.seed) % folds.len() as u64;
        folds[fold as usize].push(*place);
    }
    let embedding = Embedding::new(desk, space, places);
    let taught = folds.iter().map(|fold| {
        let mut sums = Ridge::new(embedding.width(), targets);
        for batch in desk.sample(fold, MOST_TRAINED / folds.len()).chunks(BATCH) {
            let mut wanted = Mat::zeros(batch.len(), targets);
            let mut row = vec![0.0; targets];
            for (at, place) in batch.iter().enumerate() {
                row.fill(0.0);
                target(*place, &mut row);
                row.iter().enumerate().for_each(|(column, value)| wanted[(at, column)] = *value);
            }
            sums.learn(&embedding.of(batch), &wanted);
        }
        sums
    });
    let taught: Vec<Ridge> = taught.collect();
    let mut all = Ridge::new(embedding.width(), targets);
    taught.iter().for_each(|sums| all.add(sums));
    for (fold, own) in folds.iter().zip(&taught) {
        let Some(weights) = all.weights_without(own) else { continue };
        for batch in fold.chunks(BATCH) {
            let scores = embedding.of(batch) * &weights;
            for (at, place) in batch.iter().enumerate() {
                let scores: Vec<f64> = (0..targets).map(|column| scores[(at, column)]).collect();
                predicted(*place, &scores);
            }
        }
    }
}
