//! The Gauss-Newton matrix of the training loss over features: for outputs that are probabilities, the true Fisher
//! information, which is an expectation over the model's own answers and never over the labels.
//!
//! `G = 1/N Σ_i E_{y ~ model(x_i)} [∇loss(x_i, y) ∇loss(x_i, y)ᵀ]`. One pass a class computes it exactly; with many
//! classes, or sequences, answers are drawn from the model instead. For regression the expectation is the gradient of the
//! output itself; for several labels at once they are independent, and flipping one at a time computes it exactly.

use ndarray::{Array1, Array2, ArrayD, ArrayView1, Axis, Ix2};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    Features,
    engine::rows,
    session::{Kind, LossSession},
};
use crate::{
    AttributionError,
    curvature::{
        Accumulator,
        classes::{Expectation, MOST_EXACT, terms},
    },
    records::{Labels, Records},
    targets::Target,
};

/// Drawn answers a record where there are too many to go through.
const DRAWS: usize = 8;

/// How the expectation is taken where nobody says otherwise: exactly over a few classes and over several labels, drawn for
/// many classes and for sequences, whose answers nobody can go through.
pub fn usual_expectation(target: Target, classes: usize, seed: u64) -> Expectation {
    match target {
        Target::Margin if classes > MOST_EXACT => Expectation::Sampled { draws: DRAWS, seed },
        Target::Sequence => Expectation::Sampled { draws: DRAWS, seed },
        Target::Margin | Target::MultiLabel | Target::Regression => Expectation::Exact,
    }
}

/// Takes measurements `[n, …]` and their weights `[n]`.
pub(super) type Take<'t> = &'t mut dyn FnMut(&[ArrayD<f32>], ArrayView1<'_, f64>) -> Result<(), AttributionError>;

/// Hands weighted measurements of the expectation to `take`: for features φ, `Σ weight · φφᵀ` is the matrix.
pub(super) fn measure(
    session: &mut LossSession,
    records: &Records,
    denominator: usize,
    expectation: Expectation,
    take: Take<'_>,
) -> Result<(), AttributionError> {
    let share = 1.0 / denominator.max(1) as f64;
    for (start, block) in records.blocks(session.block()) {
        let outputs = session.outputs(&block)?;
        match (session.target(), expectation) {
            (Target::Margin, _) => {
                let probabilities = softmax(&rows(outputs)?);
                let expectation = match expectation {
                    Expectation::Exact => Expectation::Exact,
                    // Another seed each block, or equal places in all blocks would draw equal answers.
                    Expectation::Sampled { draws, seed } => {
                        Expectation::Sampled { draws, seed: seed.wrapping_add(start as u64) }
                    }
                };
                let terms = terms(probabilities.view(), denominator, expectation)?;
                for terms in terms.chunks(session.block()) {
                    let places: Vec<usize> = terms.iter().map(|term| term.record).collect();
                    let classes = Labels::Classes(terms.iter().map(|term| term.class).collect());
                    let pass = session.run_as(&block.select(&places), &classes)?;
                    let weights: Array1<f64> = terms.iter().map(|term| term.weight).collect();
                    take(&pass.measured, weights.view())?;
                }
            }
            (Target::Regression, _) => one_off(session, &block, &outputs, share, take)?,
            (Target::MultiLabel, Expectation::Exact) => label_by_label(session, &block, outputs, share, take)?,
            (Target::Sequence, Expectation::Exact) => return Err(AttributionError::Unbounded),
            (Target::MultiLabel | Target::Sequence, Expectation::Sampled { draws, seed }) => {
                for draw in 0..draws {
                    let labels = drawn(session.target(), &block, &outputs, |place| {
                        let mut rng = ChaCha8Rng::seed_from_u64(seed);
                        rng.set_stream(((start + place) as u64).wrapping_mul(draws as u64).wrapping_add(draw as u64));
                        rng
                    })?;
                    let pass = session.run_as(&block, &labels)?;
                    take(&pass.measured, Array1::from_elem(block.len(), share / draws as f64).view())?;
                }
            }
        }
    }
    Ok(())
}

/// The matrix itself, `[width, width]`.
///
/// # Errors
/// As [`Features::run_as`], and [`AttributionError::Features`].
pub fn gauss_newton(
    features: &mut Features,
    records: &Records,
    denominator: usize,
    expectation: Expectation,
) -> Result<Array2<f64>, AttributionError> {
    let mut sum = Accumulator::new(features.width())?;
    measure(features.session(), records, denominator, expectation, &mut |measured, weights| {
        measured.iter().try_for_each(|features| {
            let refused = |_| AttributionError::OutputShape(features.shape().to_vec());
            sum.add(features.view().into_dimensionality::<Ix2>().map_err(refused)?, weights)
        })
    })?;
    Ok(sum.finish())
}

/// The loss of a wrong answer by one has the gradient of the output.
fn one_off(
    session: &mut LossSession,
    block: &Records,
    outputs: &ArrayD<f32>,
    share: f64,
    take: Take<'_>,
) -> Result<(), AttributionError> {
    let answers: Vec<f32> = outputs.iter().map(|output| output - 1.0).collect();
    let weights: Array1<f64> =
        outputs.iter().zip(&answers).map(|(output, answer)| share / f64::from(output - answer).powi(2)).collect();
    let pass = session.run_as(block, &Labels::Values(answers))?;
    take(&pass.measured, weights.view())
}

/// Two answers that differ in one label differ by that label's gradient.
fn label_by_label(
    session: &mut LossSession,
    block: &Records,
    outputs: ArrayD<f32>,
    share: f64,
    take: Take<'_>,
) -> Result<(), AttributionError> {
    let logits = rows(outputs)?;
    let none = session.run_as(block, &Labels::Several(Array2::zeros(logits.raw_dim())))?;
    for (label, column) in logits.columns().into_iter().enumerate() {
        let mut answers = Array2::zeros(logits.raw_dim());
        answers.column_mut(label).fill(1.0);
        let mut one = session.run_as(block, &Labels::Several(answers))?.measured;
        for ((one, none), of) in one.iter_mut().zip(&none.measured).zip(session.measured()) {
            if of.kind == Kind::Gradient {
                one.zip_mut_with(none, |one, none| *one = none - *one);
            }
        }
        let weights: Array1<f64> = column
            .iter()
            .map(|logit| {
                let p = 1.0 / (1.0 + (-f64::from(*logit)).exp());
                p * (1.0 - p) * share
            })
            .collect();
        take(&one, weights.view())?;
    }
    Ok(())
}

/// Answers as the model would give them.
fn drawn(
    target: Target,
    block: &Records,
    outputs: &ArrayD<f32>,
    rng: impl Fn(usize) -> ChaCha8Rng,
) -> Result<Labels, AttributionError> {
    let other = || AttributionError::Labels { target, found: "other labels" };
    match (target, block.labels()) {
        (Target::MultiLabel, _) => {
            let mut answers = rows(outputs.clone())?;
            for (place, mut row) in answers.outer_iter_mut().enumerate() {
                let mut rng = rng(place);
                row.mapv_inplace(|logit| f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-logit).exp()))));
            }
            Ok(Labels::Several(answers))
        }
        (Target::Sequence, Labels::Tokens(asked)) => {
            let mut answers = asked.clone();
            for (place, (mut row, logits)) in answers.outer_iter_mut().zip(outputs.outer_iter()).enumerate() {
                let mut rng = rng(place);
                let logits = logits.into_dimensionality::<Ix2>().map_err(|_| other())?;
                let probabilities = softmax(&logits.to_owned());
                for (token, p) in row.iter_mut().zip(probabilities.outer_iter()) {
                    let drawn = pick(p.iter().copied(), rng.random()) as i64;
                    // Where nothing was asked nothing is answered.
                    if *token >= 0 {
                        *token = drawn;
                    }
                }
            }
            Ok(Labels::Tokens(answers))
        }
        _ => Err(other()),
    }
}

/// Where a number between 0 and 1 falls among probabilities.
fn pick(probabilities: impl Iterator<Item = f64>, at: f64) -> usize {
    let (mut sum, mut last) = (0.0, 0);
    for (class, p) in probabilities.enumerate() {
        sum += p;
        last = class;
        if at < sum {
            break;
        }
    }
    last
}

fn softmax(logits: &Array2<f32>) -> Array2<f64> {
    let mut probabilities = logits.mapv(f64::from);
    for mut row in probabilities.axis_iter_mut(Axis(0)) {
        let largest = row.fold(f64::NEG_INFINITY, |largest, value| largest.max(*value));
        row.mapv_inplace(|value| (value - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|value| value / sum);
    }
    probabilities
}
