//! Factored projections for models whose whole gradient is too long: each layer's leading Kronecker eigendirections.

use ndarray::{Array2, Array4, ArrayD, ArrayView1, Ix2, Ix4};
use tributary_runtime::{OnnxRuntime, SessionOptions};

use super::{
    LayerReduction, Reduction,
    fisher::measure,
    session::{Kind, LossSession, Measured},
};
use crate::{
    AttributionError,
    curvature::{
        classes::Expectation,
        kronecker::{Factors, LayerMoments, plan},
    },
    gradient::{Layout, Term},
    graph::Graph,
    records::Records,
    targets::Target,
};

/// One term of a parameter's gradient among the measurements.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Two measurements: what belongs to the parameter's rows, then what to its columns.
    Outer { rows: usize, columns: usize },
    /// One measurement: a parameter that is no matrix, as a layer with one input that is always 1.
    Direct { columns: usize },
}

/// The reduction to at most `budget` features in all, from factors measured over `records` and the model's own answers.
/// Parameters used more than once add up their factors.
///
/// # Errors
/// [`AttributionError::Features`] if a layer is too wide or the budget too small, and as [`super::gauss_newton`].
#[expect(clippy::too_many_arguments, reason = "a model, data and how to measure; none of them belong together")]
pub fn kronecker_reduction(
    runtime: &OnnxRuntime,
    model: &Graph,
    target: Target,
    parameters: &[String],
    records: &Records,
    denominator: usize,
    expectation: Expectation,
    budget: usize,
    options: &SessionOptions,
) -> Result<Reduction, AttributionError> {
    let mut places: Vec<(usize, Place)> = Vec::new();
    let mut session = LossSession::open(runtime, model, target, parameters, options, |builder, gradients| {
        let mut measured: Vec<Measured> = Vec::new();
        for (parameter, gradient) in gradients.iter().enumerate() {
            for term in &gradient.terms {
                match term {
                    Term::Outer { activation, error, layout } => {
                        let (activation, error) = (activation.value(builder)?, error.value(builder)?);
                        let at = [(activation, Kind::Activation), (error, Kind::Gradient)]
                            .map(|(value, kind)| measurement(&mut measured, &value, kind));
                        let (rows, columns) = match layout {
                            Layout::InOut => (at[0], at[1]),
                            Layout::OutIn => (at[1], at[0]),
                        };
                        places.push((parameter, Place::Outer { rows, columns }));
                    }
                    Term::Direct { value } => {
                        let columns = measurement(&mut measured, value, Kind::Gradient);
                        places.push((parameter, Place::Direct { columns }));
                    }
                }
            }
        }
        Ok(measured)
    })?;

    let mut moments: Vec<Option<LayerMoments>> = vec![None; parameters.len()];
    measure(&mut session, records, denominator, expectation, &mut |measured, weights| {
        for (parameter, place) in &places {
            let (rows, columns) = factors(measured, *place)?;
            let factors = Factors { activation: rows.view(), error: columns.view() };
            add(&mut moments[*parameter], factors, weights)?;
        }
        Ok(())
    })?;
    let bases = moments.into_iter().flatten().map(LayerMoments::finish).collect::<Result<Vec<_>, _>>()?;
    let projections = plan(&bases, budget)?;
    let layer = |(parameter, projection): (&String, crate::curvature::kronecker::LayerProjection)| {
        // All directions are the same in any basis, so in the one they come in.
        let some = |directions: Array2<f64>| (!directions.is_square()).then_some(directions);
        (parameter.clone(), LayerReduction { rows: some(projection.input), columns: some(projection.output) })
    };
    Ok(parameters.iter().zip(projections).map(layer).collect())
}

/// Where a value is among the measurements; it is added if it is new.
fn measurement(measured: &mut Vec<Measured>, value: &str, kind: Kind) -> usize {
    if let Some(place) = measured.iter().position(|known| known.value == value) {
        return place;
    }
    measured.push(Measured { value: value.to_owned(), kind });
    measured.len() - 1
}

/// Factors of the parameter's rows and columns, `[n, groups, positions, …]` each.
fn factors(measured: &[ArrayD<f32>], place: Place) -> Result<(Array4<f32>, Array4<f32>), AttributionError> {
    let of = |place: usize| measured.get(place).ok_or(AttributionError::NoOutput);
    let shaped = |values: &ArrayD<f32>| {
        let refused = |_| AttributionError::OutputShape(values.shape().to_vec());
        values.clone().into_dimensionality::<Ix4>().map_err(refused)
    };
    match place {
        Place::Outer { rows, columns } => Ok((shaped(of(rows)?)?, shaped(of(columns)?)?)),
        Place::Direct { columns } => {
            let values = of(columns)?;
            let refused = |_| AttributionError::OutputShape(values.shape().to_vec());
            let values: Array2<f32> = values.clone().into_dimensionality::<Ix2>().map_err(refused)?;
            let (records, width) = values.dim();
            let shape = |_| AttributionError::OutputShape(vec![records, width]);
            let columns = values.into_shape_with_order((records, 1, 1, width)).map_err(shape)?;
            Ok((Array4::ones((records, 1, 1, 1)), columns))
        }
    }
}

fn add(
    moments: &mut Option<LayerMoments>,
    factors: Factors<'_, f32>,
    weights: ArrayView1<'_, f64>,
) -> Result<(), AttributionError> {
    let ((_, groups, _, rows), (.., columns)) = (factors.activation.dim(), factors.error.dim());
    match moments {
        Some(moments) => moments.add(factors, weights),
        None => {
            let mut first = LayerMoments::new(groups, rows, columns)?;
            first.add(factors, weights)?;
            *moments = Some(first);
            Ok(())
        }
    }
}
