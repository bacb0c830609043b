//! What contributors are worth to half-coalitions, from models that were really trained on some.
//!
//! Checkpoints are trained on random half-coalitions in complementary pairs, so that every contributor is in one of each
//! pair and out of the other. At each, every contributor's influence is computed exactly: how the margin moves per unit of
//! the contributor's weight. Out of a coalition that derivative is large, because the model has not learnt from the
//! contributor yet; within, it is small, because it has. What joining really adds lies between: it is the integral of the
//! derivative over the weight from 0 to 1. For a derivative that falls as `1/(1 + aε)²`, as Newton's step has it along
//! one direction, that integral is the geometric mean of both ends. So both means are brought to the geometric mean of
//! their sizes, contributor by contributor, and averaged. Nothing here looks at what judges the scores.

use eyre::Result;
use ndarray::{Array2, Axis, Zip};
use tributary_attribution::curvature::DampedCurvature;

use super::{
    evidence::by_owner,
    subject::{Model, Subject},
    task::Task,
    truth::Trials,
};

/// Seed of the half-coalitions that checkpoints are trained on; truth uses another.
const COALITION_SEED: u64 = 21;

/// Contributors' influence, averaged over checkpoints.
#[derive(Debug)]
pub(super) struct Averaged {
    /// On the training records' margins, `[n, contributors]`.
    pub(super) at_training: Array2<f64>,
    /// On the queries' margins, `[queries, contributors]`.
    pub(super) at_queries: Array2<f64>,
}

impl Averaged {
    /// Trains and attributes `count` checkpoints, each from its own start; `of_training` and `of_queries` are the classes
    /// whose margins are asked about.
    pub(super) fn new(
        task: &Task,
        subject: &dyn Subject,
        (of_training, of_queries): (&[usize], &[usize]),
        count: usize,
        first_start: u64,
    ) -> Result<Self> {
        let denominator = task.training.len();
        let trials = Trials::complementary(task, count, COALITION_SEED);
        let sides = |rows: usize| [(); 2].map(|()| Array2::<f64>::zeros((rows, task.contributors)));
        let (mut at_training, mut at_queries) = (sides(denominator), sides(of_queries.len()));
        for ((places, kept), start) in trials.places().iter().zip(&trials.kept).zip(first_start..) {
            let half = task.training.select(places);
            let model = subject.train(&half, denominator, start)?;
            // The curvature of half the data is half as large: damping stays in proportion.
            let curvature =
                DampedCurvature::new(&model.curvature(&half, denominator)?, subject.damping(denominator) / 2.0)?;
            let effects = model.loss_gradients(&task.training)? / -(denominator as f64);
            let solved = curvature.solve(&by_owner(&effects, &task.owners, task.contributors));
            let influence = |records, classes| influence(model.as_ref(), records, classes, &solved);
            add(&mut at_training, &influence(&task.training, of_training)?, kept);
            add(&mut at_queries, &influence(&task.queries, of_queries)?, kept);
        }
        let ratios = ratios(&at_training);
        let share = 2.0 / trials.kept.len().max(1) as f64;
        Ok(Self { at_training: join(at_training, &ratios) * share, at_queries: join(at_queries, &ratios) * share })
    }
}

fn influence(
    model: &dyn Model,
    records: &crate::attribution::labelled::LabelledRecords,
    classes: &[usize],
    solved: &Array2<f64>,
) -> Result<Array2<f64>> {
    Ok(model.margin_gradients(records.features().view(), classes)?.dot(&solved.t()))
}

/// Adds a checkpoint's influence to the side, out (0) or in (1), that each contributor was on.
fn add(sides: &mut [Array2<f64>; 2], influence: &Array2<f64>, kept: &[bool]) {
    for (contributor, kept) in kept.iter().enumerate() {
        let mut column = sides[usize::from(*kept)].column_mut(contributor);
        column += &influence.column(contributor);
    }
}

/// Per contributor, how large influence is from within, relative to from without.
fn ratios([out, within]: &[Array2<f64>; 2]) -> Vec<f64> {
    let size = |column: ndarray::ArrayView1<'_, f64>| column.dot(&column).sqrt();
    let ratio = |(within, out)| match size(within) / size(out) {
        ratio if ratio.is_finite() && ratio > 0.0 => ratio,
        _ => 1.0,
    };
    within.axis_iter(Axis(1)).zip(out.axis_iter(Axis(1))).map(ratio).collect()
}

fn join([out, within]: [Array2<f64>; 2], ratios: &[f64]) -> Array2<f64> {
    let mut joined = Array2::zeros(out.raw_dim());
    for (contributor, ratio) in ratios.iter().enumerate() {
        Zip::from(joined.column_mut(contributor))
            .and(out.column(contributor))
            .and(within.column(contributor))
            .for_each(|joined, out, within| *joined = 0.5 * (out * ratio.sqrt() + within / ratio.sqrt()));
    }
    joined
}
