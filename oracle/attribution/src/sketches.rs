//! Sketches of many records, computed by the very graph that serves.

use ndarray::{Array1, Array2, ArrayView2, Ix2};
use tributary_runtime::{OnnxRuntime, Session, SessionOptions};
use tributary_sdk::{sketch::Sketch, table::ContributorTable};

use crate::{
    AttributionError,
    compile::{LABEL, SKETCH},
    graph::Graph,
    onnx,
    records::Records,
};

/// Records in one pass.
const BLOCK: usize = 256;

/// An attributed graph in ONNX Runtime.
#[derive(Debug)]
pub struct Sketches {
    session: Session,
    /// Dimensions of the label input, if the target takes labels.
    label_rank: Option<usize>,
}

impl Sketches {
    /// Opens what [`crate::compile()`] made.
    ///
    /// # Errors
    /// [`AttributionError::Runtime`].
    pub fn open(runtime: &OnnxRuntime, graph: &Graph, options: &SessionOptions) -> Result<Self, AttributionError> {
        let label_rank = graph.inputs.iter().find(|input| input.name == LABEL).map(|input| input.shape.rank());
        Ok(Self { session: Session::open(runtime, &onnx::encode(graph), options)?, label_rank })
    }

    /// Sketches `[n, k]` of what the model serves for these records.
    ///
    /// # Errors
    /// [`AttributionError::Runtime`], [`AttributionError::NotFinite`].
    pub fn served(&mut self, records: &Records) -> Result<Array2<f32>, AttributionError> {
        self.run(records, false)
    }

    /// Sketches `[n, k]` of the records' labels.
    ///
    /// # Errors
    /// As [`Sketches::served`].
    pub fn of_labels(&mut self, records: &Records) -> Result<Array2<f32>, AttributionError> {
        self.run(records, true)
    }

    fn run(&mut self, records: &Records, labelled: bool) -> Result<Array2<f32>, AttributionError> {
        let label_rank = self.label_rank.filter(|_| labelled);
        let mut rows: Option<Array2<f32>> = None;
        for from in (0..records.len()).step_by(BLOCK) {
            let (mut inputs, labels) = records.part(from, from + BLOCK, label_rank.unwrap_or_default());
            if label_rank.is_some() {
                inputs.push((LABEL, labels.tensor()));
            }
            let outputs = self.session.run(&inputs, &[SKETCH])?;
            for output in outputs {
                let shape = output.shape().to_vec();
                let part = output.into_dimensionality::<Ix2>().map_err(|_| AttributionError::OutputShape(shape))?;
                if part.iter().any(|value| !value.is_finite()) {
                    return Err(AttributionError::NotFinite("a sketch"));
                }
                rows = Some(match rows {
                    None => part,
                    Some(mut rows) => {
                        let mismatch = |_| AttributionError::OutputShape(part.shape().to_vec());
                        rows.append(ndarray::Axis(0), part.view()).map_err(mismatch)?;
                        rows
                    }
                });
            }
        }
        rows.ok_or(AttributionError::NoRecords("sketched"))
    }
}

/// Sketches as settlement gets them, `[n]`, each with what one unit of its values is worth.
///
/// # Errors
/// [`AttributionError::NotFinite`].
pub fn quantised(sketches: ArrayView2<'_, f32>) -> Result<Vec<(Sketch, f64)>, AttributionError> {
    let quantise = |sketch: ndarray::ArrayView1<'_, f32>| {
        let largest = sketch.iter().fold(0f64, |largest, value| largest.max(f64::from(value.abs())));
        let values: Vec<f32> = sketch.to_vec();
        let quantised = Sketch::quantise(&values).map_err(|_| AttributionError::NotFinite("a sketch"))?;
        Ok((quantised, largest / f64::from(i16::MAX)))
    };
    sketches.outer_iter().map(quantise).collect()
}

/// Scores as settlement computes them, `[n, contributors]`, in units that differ from sketch to sketch.
///
/// # Errors
/// [`AttributionError::NotFinite`], [`AttributionError::Table`].
pub fn settled_scores(
    sketches: ArrayView2<'_, f32>,
    table: &ContributorTable,
) -> Result<Array2<f64>, AttributionError> {
    let mut scores = Array2::zeros((sketches.nrows(), table.rows().len()));
    for ((sketch, _), mut row) in quantised(sketches)?.into_iter().zip(scores.outer_iter_mut()) {
        row.iter_mut().zip(table.scores(&sketch)?).for_each(|(to, score)| *to = score as f64);
    }
    Ok(scores)
}

/// Influence totals over sketches along the integer path that settlement takes: every sketch rounded to 16 bits,
/// multiplied with the integer table, and scaled back to the target's unit, `[contributors]`.
///
/// # Errors
/// [`AttributionError::NotFinite`], [`AttributionError::Table`].
pub fn integer_totals(
    sketches: ArrayView2<'_, f32>,
    table: &ContributorTable,
    unit: f64,
) -> Result<Array1<f64>, AttributionError> {
    let mut totals = Array1::zeros(table.rows().len());
    for (sketch, scale) in quantised(sketches)? {
        for (total, score) in totals.iter_mut().zip(table.scores(&sketch)?) {
            *total += score as f64 * scale * unit;
        }
    }
    Ok(totals)
}
