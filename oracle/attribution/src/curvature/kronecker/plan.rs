//! How many directions each layer gets.

use ndarray::{Array2, Axis, Slice};

use super::Eigenbases;
use crate::AttributionError;

/// A layer's projections: the projected gradient is `inputᵀ (Σ_p a_p δ_pᵀ) output`, `groups · r · s` numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerProjection {
    /// Groups that share the projections.
    pub groups: usize,
    /// Leading directions of the inputs, `[in, r]`.
    pub input: Array2<f64>,
    /// Leading directions of the errors, `[out, s]`.
    pub output: Array2<f64>,
    /// Share of the layer's curvature that they hold.
    pub mass: f64,
}

impl LayerProjection {
    /// Numbers the layer takes in a record's features.
    pub fn features(&self) -> usize {
        self.groups * self.input.ncols() * self.output.ncols()
    }
}

/// Picks leading directions for every layer so that all together have at most `budget` numbers a record.
///
/// Every layer gets one of each; then, as long as one fits, the direction that holds the most curvature for each number
/// it costs is added, of equal ones that of the earlier layer, inputs first.
///
/// # Errors
/// [`AttributionError::NoRecords`] without layers, [`AttributionError::Features`] if not even one direction each fits.
pub fn plan(layers: &[Eigenbases], budget: usize) -> Result<Vec<LayerProjection>, AttributionError> {
    if layers.is_empty() {
        return Err(AttributionError::NoRecords("layers'"));
    }
    let mut used: usize = layers.iter().map(|layer| layer.groups).sum();
    if used > budget {
        return Err(AttributionError::Features { found: used, limit: budget });
    }
    let mut ranks: Vec<Rank<'_>> = layers.iter().map(Rank::new).collect();
    loop {
        let mut best: Option<(f64, usize, Side)> = None;
        for (place, rank) in ranks.iter().enumerate() {
            for side in [Side::Input, Side::Output] {
                let Some((mass, cost)) = rank.gain(side) else { continue };
                let worth = mass / cost as f64;
                if used + cost <= budget && best.is_none_or(|(most, ..)| worth > most) {
                    best = Some((worth, place, side));
                }
            }
        }
        let Some((_, place, side)) = best else { break };
        if let Some(rank) = ranks.get_mut(place) {
            used += rank.gain(side).map_or(0, |(_, cost)| cost);
            rank.grow(side);
        }
    }
    Ok(ranks.into_iter().map(Rank::finish).collect())
}

#[derive(Clone, Copy)]
enum Side {
    Input,
    Output,
}

/// A layer's directions so far.
struct Rank<'a> {
    layer: &'a Eigenbases,
    inputs: usize,
    outputs: usize,
    /// Σ of the eigenvalues taken.
    input_mass: f64,
    output_mass: f64,
}

impl<'a> Rank<'a> {
    fn new(layer: &'a Eigenbases) -> Self {
        let first = |values: &ndarray::Array1<f64>| values.first().copied().unwrap_or(0.0);
        let (input_mass, output_mass) = (first(&layer.input_values), first(&layer.output_values));
        Self { layer, inputs: 1, outputs: 1, input_mass, output_mass }
    }

    /// What one more direction holds, over all groups, and what it costs. Nothing if there is none.
    fn gain(&self, side: Side) -> Option<(f64, usize)> {
        let groups = self.layer.groups;
        let (value, mass, others) = match side {
            Side::Input => (self.layer.input_values.get(self.inputs)?, self.output_mass, self.outputs),
            Side::Output => (self.layer.output_values.get(self.outputs)?, self.input_mass, self.inputs),
        };
        Some((groups as f64 * value * mass, groups * others))
    }

    fn grow(&mut self, side: Side) {
        let next = |values: &ndarray::Array1<f64>, rank| values.get(rank).copied().unwrap_or(0.0);
        match side {
            Side::Input => {
                self.input_mass += next(&self.layer.input_values, self.inputs);
                self.inputs += 1;
            }
            Side::Output => {
                self.output_mass += next(&self.layer.output_values, self.outputs);
                self.outputs += 1;
            }
        }
    }

    fn finish(self) -> LayerProjection {
        let leading = |vectors: &Array2<f64>, rank: usize| {
            vectors.slice_axis(Axis(1), Slice::from(..rank.min(vectors.ncols()))).to_owned()
        };
        let whole = self.layer.input_values.sum() * self.layer.output_values.sum();
        LayerProjection {
            groups: self.layer.groups,
            input: leading(&self.layer.input, self.inputs),
            output: leading(&self.layer.output, self.outputs),
            mass: if whole > 0.0 { (self.input_mass * self.output_mass / whole).min(1.0) } else { 1.0 },
        }
    }
}
