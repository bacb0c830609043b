use ndarray::{Array1, Array2};

use super::{super::lbfgs, Vectors};

pub(super) fn vectors(state: &lbfgs::State) -> Vectors {
    let mut vectors = Vectors::default();
    vectors.keep_f64("value", [state.at.value]);
    vectors.keep_f64("curve", state.curve.iter().flatten().copied());
    vectors.keep_f64("point", state.at.point.iter().copied());
    vectors.keep_f64("gradient", state.at.gradient.iter().copied());
    let steps = &state.memory.0;
    vectors.keep_f64("memory/curvature", steps.iter().map(|step| step.curvature));
    vectors.keep_f64("memory/moved", steps.iter().flat_map(|step| step.moved.iter().copied()));
    vectors.keep_f64("memory/turned", steps.iter().flat_map(|step| step.turned.iter().copied()));
    vectors
}

pub(super) fn of(vectors: &Vectors) -> Option<lbfgs::State> {
    let &[value] = vectors.f64("value")?.as_slice() else { return None };
    let curve = vectors.f64("curve")?.as_chunks().0.to_vec();
    let (point, gradient) = (Array1::from(vectors.f64("point")?), Array1::from(vectors.f64("gradient")?));
    let curvature = vectors.f64("memory/curvature")?;
    let rows = |name| Array2::from_shape_vec((curvature.len(), point.len()), vectors.f64(name)?).ok();
    let (moved, turned) = (rows("memory/moved")?, rows("memory/turned")?);
    let rows = moved.outer_iter().zip(turned.outer_iter()).zip(&curvature);
    let steps = rows.map(|((moved, turned), curvature)| lbfgs::Step {
        moved: moved.to_owned(),
        turned: turned.to_owned(),
        curvature: *curvature,
    });
    let memory = lbfgs::Memory(steps.collect());
    let fits = gradient.len() == point.len();
    fits.then_some(lbfgs::State { at: lbfgs::Evaluated { point, value, gradient }, memory, curve })
}
