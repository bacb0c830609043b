//! EK-FAC influence (George et al. 2018; Grosse et al. 2023): curvature layer by layer, its eigenvalues measured.

use eyre::Result;
use ndarray::{Array2, ArrayView1};
use tributary_attribution::curvature::kronecker::{self, EkFac, LayerMoments};

use super::{
    subject::{Factors, Model},
    task::Task,
};

/// Scores of the task's records for its queries' `classes`, `[queries, n]`.
pub(super) fn scores(model: &dyn Model, task: &Task, classes: &[usize], damping: f64) -> Result<Array2<f64>> {
    let (training, n) = (task.training.features().view(), task.training.len());
    let of_queries = model.factors(task.queries.features().view(), classes)?;
    let weights = model.fisher_weights(&task.training, n)?;

    let empty = |layer: &Factors| {
        let (_, groups, _, inputs) = layer.activation.dim();
        LayerMoments::new(groups, inputs, layer.error.dim().3)
    };
    let mut moments = of_queries.iter().map(empty).collect::<Result<Vec<_>, _>>()?;
    over_classes(model, task, &weights, |layer, factors, weights| Ok(moments[layer].add(factors, weights)?))?;
    let bases = moments.into_iter().map(LayerMoments::finish).collect::<Result<Vec<_>, _>>()?;
    let mut layers: Vec<EkFac> = bases.into_iter().map(EkFac::new).collect();
    over_classes(model, task, &weights, |layer, factors, weights| Ok(layers[layer].add(factors, weights)?))?;

    let of_records = model.factors(training, task.training.labels())?;
    let mut scores = Array2::zeros((classes.len(), n));
    for ((layer, queries), records) in layers.iter().zip(&of_queries).zip(&of_records) {
        let (queries, records) = (layer.whiten(borrowed(queries), damping)?, layer.whiten(borrowed(records), damping)?);
        scores += &queries.dot(&records.t());
    }
    Ok(scores * &(model.loss_slopes(&task.training)? / -(n as f64)))
}

/// Shows every layer's factors of all training records for one class after the other, with the classes' weights.
fn over_classes(
    model: &dyn Model,
    task: &Task,
    weights: &Array2<f64>,
    mut show: impl FnMut(usize, kronecker::Factors<'_, f32>, ArrayView1<'_, f64>) -> Result<()>,
) -> Result<()> {
    for (class, weights) in weights.columns().into_iter().enumerate() {
        let classes = vec![class; task.training.len()];
        for (layer, factors) in model.factors(task.training.features().view(), &classes)?.iter().enumerate() {
            show(layer, borrowed(factors), weights)?;
        }
    }
    Ok(())
}

fn borrowed(factors: &Factors) -> kronecker::Factors<'_, f32> {
    kronecker::Factors { activation: factors.activation.view(), error: factors.error.view() }
}
