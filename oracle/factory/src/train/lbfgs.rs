//! L-BFGS (Nocedal & Wright, *Numerical Optimization*, algorithm 7.5) with the line search of Hager & Zhang (2005): close
//! to the minimum, where values computed in `f32` differ by rounding alone, slopes decide. Deterministic; the only state
//! is the point and a short memory of steps.

use std::collections::VecDeque;

use ndarray::Array1;

use crate::FactoryError;

/// Remembered steps.
const MEMORY: usize = 50;
/// A step must decrease the value by this share of what its slope promises.
const DECREASE: f64 = 1e-4;
/// A step must leave at most this share of the slope.
const FLATTEN: f64 = 0.9;
/// Values that differ by less than this share are equal: rounding could be all there is between them.
const NOISE: f64 = 1e-6;
/// Trials in one line search.
const TRIALS: usize = 40;

#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// Ends when no entry of the gradient is larger.
    pub(super) tolerance: f64,
    pub(super) most_steps: usize,
}

/// One step of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which step, from 1.
    pub iteration: usize,
    /// The objective after it.
    pub loss: f64,
    /// Largest entry of the gradient after it.
    pub gradient_norm: f64,
    /// Training ends at this gradient.
    pub tolerance: f64,
}

/// A point with what is known of the objective there.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    pub(super) point: Array1<f64>,
    pub(super) value: f64,
    pub(super) gradient: Array1<f64>,
}

/// A minimisation between two steps: all that the next ones depend on.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) at: Evaluated,
    pub(super) memory: Memory,
    /// Value and largest entry of the gradient after every step.
    pub(super) curve: Vec<[f64; 2]>,
}

impl State {
    /// Before the first step. The objective may move a point to the nearest one that it can evaluate.
    pub(super) fn start(
        objective: impl FnOnce(&mut Array1<f64>) -> Result<(f64, Array1<f64>), FactoryError>,
        mut point: Array1<f64>,
    ) -> Result<Self, FactoryError> {
        let (value, gradient) = objective(&mut point)?;
        Ok(Self { at: Evaluated { point, value, gradient }, memory: Memory::default(), curve: Vec::new() })
    }

    /// Steps taken.
    pub(super) const fn iterations(&self) -> usize {
        self.curve.len()
    }

    /// The steps so far.
    pub(super) fn steps(&self, tolerance: f64) -> Vec<Progress> {
        let step = |(iteration, [loss, gradient_norm]): (usize, &[f64; 2])| Progress {
            iteration,
            loss: *loss,
            gradient_norm: *gradient_norm,
            tolerance,
        };
        (1..).zip(&self.curve).map(step).collect()
    }

    /// Largest entry of the gradient.
    pub(super) fn gradient_norm(&self) -> f64 {
        largest(&self.at.gradient)
    }

    /// Goes one step down. Nothing at the tolerance, after the most steps, or where no step decreases the value further;
    /// the caller judges by the gradient.
    pub(super) fn step(
        &mut self,
        mut objective: impl FnMut(&mut Array1<f64>) -> Result<(f64, Array1<f64>), FactoryError>,
        options: Options,
    ) -> Result<Option<Progress>, FactoryError> {
        let mut evaluate = |mut point: Array1<f64>| {
            let (value, gradient) = objective(&mut point)?;
            Ok(Evaluated { point, value, gradient })
        };
        let Options { tolerance, most_steps } = options;
        while self.gradient_norm() > tolerance && self.iterations() < most_steps {
            let direction = self.memory.direction(&self.at.gradient);
            let first = if self.memory.is_empty() { (1.0 / self.gradient_norm()).min(1.0) } else { 1.0 };
            if let Some(next) = line_search(&mut evaluate, &self.at, &direction, first)? {
                self.memory.remember(&self.at, &next);
                self.at = next;
                let (loss, gradient_norm) = (self.at.value, self.gradient_norm());
                self.curve.push([loss, gradient_norm]);
                return Ok(Some(Progress { iteration: self.iterations(), loss, gradient_norm, tolerance }));
            }
            // Rounding may have spoilt the memory: once more from the plain gradient, then no step is left.
            if self.memory.is_empty() {
                break;
            }
            self.memory = Memory::default();
        }
        Ok(None)
    }
}

fn largest(gradient: &Array1<f64>) -> f64 {
    gradient.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

#[derive(Clone, Debug, Default)]
pub(super) struct Memory(pub(super) VecDeque<Step>);

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) moved: Array1<f64>,
    pub(super) turned: Array1<f64>,
    pub(super) curvature: f64,
}

impl Memory {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn remember(&mut self, from: &Evaluated, to: &Evaluated) {
        let (moved, turned) = (&to.point - &from.point, &to.gradient - &from.gradient);
        let curvature = moved.dot(&turned);
        if curvature > 0.0 {
            if self.0.len() == MEMORY {
                self.0.pop_front();
            }
            self.0.push_back(Step { moved, turned, curvature });
        }
    }

    /// The two-loop recursion: minus the inverse curvature, as far as remembered, times the gradient.
    fn direction(&self, gradient: &Array1<f64>) -> Array1<f64> {
        let mut direction = -gradient;
        let mut shares = Vec::with_capacity(self.0.len());
        for step in self.0.iter().rev() {
            let share = step.moved.dot(&direction) / step.curvature;
            direction.scaled_add(-share, &step.turned);
            shares.push(share);
        }
        if let Some(last) = self.0.back() {
            direction *= last.curvature / last.turned.dot(&last.turned);
        }
        for (step, share) in self.0.iter().zip(shares.into_iter().rev()) {
            let other = step.turned.dot(&direction) / step.curvature;
            direction.scaled_add(share - other, &step.moved);
        }
        direction
    }
}

/// One trial of a line search: how far, and value and slope there.
#[derive(Clone, Copy, Debug)]
struct Trial {
    length: f64,
    value: f64,
    slope: f64,
}

/// A point along `direction` that fulfils the Wolfe conditions or, within the noise of the value, their counterpart in
/// slopes; failing that, the best decrease found; `None` if there is none.
fn line_search(
    evaluate: &mut impl FnMut(Array1<f64>) -> Result<Evaluated, FactoryError>,
    from: &Evaluated,
    direction: &Array1<f64>,
    first: f64,
) -> Result<Option<Evaluated>, FactoryError> {
    let origin = Trial { length: 0.0, value: from.value, slope: from.gradient.dot(direction) };
    if origin.slope >= 0.0 {
        return Ok(None);
    }
    let most = origin.value + NOISE * origin.value.abs();
    // The search goes on between a point from which the way leads down and one beyond the bottom, once there is one.
    let (mut low, mut high): (Trial, Option<Trial>) = (origin, None);
    let mut best: Option<Evaluated> = None;
    let mut length = first;
    for _ in 0..TRIALS {
        let mut point = from.point.clone();
        point.scaled_add(length, direction);
        let there = evaluate(point)?;
        let trial = Trial { length, value: there.value, slope: there.gradient.dot(direction) };
        let decreases = trial.value <= origin.value + DECREASE * length * origin.slope;
        let level = trial.value <= most && trial.slope <= (2.0 * DECREASE - 1.0) * origin.slope;
        if (decreases || level) && trial.slope >= FLATTEN * origin.slope {
            return Ok(Some(there));
        }
        if trial.value < best.as_ref().map_or(origin.value, |best| best.value) {
            best = Some(there);
        }
        if trial.slope < 0.0 && trial.value <= most {
            low = trial;
        } else {
            high = Some(trial);
        }
        length = match high {
            None => 2.0 * length,
            Some(high) => between(low, high),
        };
    }
    Ok(best)
}

/// The minimum of the cubic through both ends, kept off the ends.
fn between(low: Trial, high: Trial) -> f64 {
    let width = high.length - low.length;
    let d1 = low.slope + high.slope - 3.0 * (low.value - high.value) / (low.length - high.length);
    let d2 = (d1 * d1 - low.slope * high.slope).sqrt().copysign(width);
    let cubic = high.length - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2.0 * d2);
    let share = (cubic - low.length) / width;
    low.length + width * if share.is_finite() { share.clamp(0.1, 0.9) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn minimise(
        mut objective: impl FnMut(&mut Array1<f64>) -> Result<(f64, Array1<f64>), FactoryError>,
        start: Array1<f64>,
        options: Options,
        mut on_step: impl FnMut(Progress),
    ) -> State {
        let mut state = State::start(&mut objective, start).unwrap();
        while let Some(progress) = state.step(&mut objective, options).unwrap() {
            on_step(progress);
        }
        state
    }

    fn rosenbrock(x: &mut Array1<f64>) -> Result<(f64, Array1<f64>), FactoryError> {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        Ok((a * a + 100.0 * b * b, array![-2.0 * a - 400.0 * x[0] * b, 200.0 * b]))
    }

    #[test]
    fn it_finds_the_bottom_of_a_bent_valley() {
        let options = Options { tolerance: 1e-9, most_steps: 200 };
        let mut steps = Vec::new();
        let minimum = minimise(rosenbrock, array![-1.2, 1.0], options, |step| steps.push(step));
        assert!((&minimum.at.point - &array![1.0, 1.0]).iter().all(|d| d.abs() < 1e-8), "{minimum:?}");
        assert!(minimum.iterations() < 60);
        assert_eq!(steps.len(), minimum.iterations());
        assert!(steps.windows(2).all(|pair| pair[1].loss <= pair[0].loss));
    }

    #[test]
    fn rounding_does_not_stop_it() {
        // A stiff bowl, value and gradient computed as if in single precision and the point rounded to it.
        let bowl = |x: &mut Array1<f64>| {
            x.mapv_inplace(|value| f64::from(value as f32));
            let stiff = |i: usize| 10f64.powi(i as i32 - 4);
            let terms = x.iter().enumerate().map(|(i, x)| 0.5 * stiff(i) * (x - 1.0).powi(2));
            let value = f64::from((5.0 + terms.sum::<f64>()) as f32);
            let slopes = x.iter().enumerate().map(|(i, x)| f64::from((stiff(i) * (x - 1.0)) as f32)).collect();
            Ok((value, slopes))
        };
        let options = Options { tolerance: 1e-6, most_steps: 500 };
        let minimum = minimise(bowl, Array1::zeros(6), options, |_| ());
        assert!(minimum.gradient_norm() <= 1e-6, "{minimum:?}");
    }

    #[test]
    fn it_stops_where_told_and_where_nothing_decreases() {
        let few = Options { tolerance: 1e-9, most_steps: 3 };
        assert_eq!(minimise(rosenbrock, array![-1.2, 1.0], few, |_| ()).iterations(), 3);
        // A gradient that lies: no step decreases the value.
        let lying = |x: &mut Array1<f64>| Ok((x.dot(x), -&*x));
        let minimum = minimise(lying, array![1.0], few, |_| ());
        assert_eq!((minimum.iterations(), minimum.gradient_norm()), (0, 1.0));
    }
}
