use super::{
    super::{Epoch, validation::Validated},
    Vectors,
};

/// Numbers that are kept of an epoch.
const EPOCH: usize = 6;

/// A descent between two steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescentState {
    /// Steps taken.
    pub(in crate::train) step: usize,
    /// Losses of the epoch so far.
    pub(in crate::train) loss: f64,
    /// `[parameters]`.
    pub(in crate::train) parameters: Vec<f32>,
    /// What the optimiser remembers, each `[parameters]`.
    pub(in crate::train) moments: Vec<Vec<f32>>,
    /// The point of the lowest validation loss.
    pub(in crate::train) best: Option<Kept>,
    /// Points kept on the way.
    pub(in crate::train) kept: Vec<Kept>,
    /// Epochs done.
    pub(in crate::train) epochs: Vec<Epoch>,
}

/// A point on the way.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::train) struct Kept {
    pub(in crate::train) epoch: usize,
    pub(in crate::train) loss: f64,
    pub(in crate::train) parameters: Vec<f32>,
}

impl DescentState {
    /// Before the first step, `[parameters]`.
    #[must_use]
    pub fn start(parameters: Vec<f32>) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.step
    }
}

impl DescentState {
    pub(super) fn vectors(&self) -> Vectors {
        let mut vectors = Vectors::default();
        vectors.keep_f64("progress", [self.step as f64, self.loss]);
        vectors.keep_f32("parameters", &self.parameters);
        for (number, moment) in self.moments.iter().enumerate() {
            vectors.keep_f32(&format!("moment{number}"), moment);
        }
        for (number, kept) in self.kept.iter().enumerate() {
            vectors.keep_point(&format!("kept{number}"), kept);
        }
        if let Some(best) = &self.best {
            vectors.keep_point("best", best);
        }
        let numbers = |epoch: &Epoch| {
            let Validated { loss, accuracy } = epoch.validation.unwrap_or(Validated { loss: 0.0, accuracy: None });
            let validated = f64::from(u8::from(epoch.validation.is_some()));
            [epoch.epoch as f64, epoch.rate, epoch.loss, validated, loss, accuracy.unwrap_or(f64::NAN)]
        };
        vectors.keep_f64("epochs", self.epochs.iter().flat_map(numbers));
        vectors
    }

    pub(super) fn of(vectors: &Vectors) -> Option<Self> {
        let &[step, loss] = vectors.f64("progress")?.as_slice() else { return None };
        let epoch = |numbers: &[f64]| {
            let &[epoch, rate, loss, validated, value, accuracy] = numbers else { return None };
            let accuracy = Some(accuracy).filter(|share| !share.is_nan());
            let validation = (validated > 0.0).then_some(Validated { loss: value, accuracy });
            Some(Epoch { epoch: epoch as usize, rate, loss, validation })
        };
        let best = match vectors.holds("best/about") {
            true => Some(vectors.point("best")?),
            false => None,
        };
        Some(Self {
            step: step as usize,
            loss,
            parameters: vectors.f32("parameters")?,
            moments: (0..).map_while(|number| vectors.f32(&format!("moment{number}"))).collect(),
            best,
            kept: (0..).map_while(|number| vectors.point(&format!("kept{number}"))).collect(),
            epochs: vectors.f64("epochs")?.chunks(EPOCH).map(epoch).collect::<Option<_>>()?,
        })
    }
}
