//! Records as models read them: named inputs of one row a record, and what the right answer was.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayD, ArrayView1, Axis, Ix2, Ix3, Slice};
use tributary_runtime::Tensor;

use crate::{AttributionError, targets::Target};

/// One input of a model over many records, `[n, …]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Real numbers.
    F32(ArrayD<f32>),
    /// Integers, such as tokens.
    I64(ArrayD<i64>),
}

impl Column {
    /// How many records it holds; a number without dimensions holds none.
    pub fn len(&self) -> usize {
        let shape = match self {
            Self::F32(values) => values.shape(),
            Self::I64(values) => values.shape(),
        };
        shape.first().copied().unwrap_or(0)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_finite(&self) -> bool {
        match self {
            Self::F32(values) => values.iter().all(|value| value.is_finite()),
            Self::I64(_) => true,
        }
    }

    /// All of it as a session takes it.
    pub fn tensor(&self) -> Tensor<'_> {
        self.rows(0..self.len())
    }

    fn rows(&self, rows: Range<usize>) -> Tensor<'_> {
        let rows = Slice::from(rows);
        match self {
            Self::F32(values) => Tensor::from(values.slice_axis(Axis(0), rows)),
            Self::I64(values) => Tensor::from(values.slice_axis(Axis(0), rows)),
        }
    }

    fn select(&self, places: &[usize]) -> Self {
        match self {
            Self::F32(values) => Self::F32(values.select(Axis(0), places)),
            Self::I64(values) => Self::I64(values.select(Axis(0), places)),
        }
    }

    fn block(&self, start: usize, end: usize) -> Self {
        let slice = Slice::from(start..end);
        match self {
            Self::F32(values) => Self::F32(values.slice_axis(Axis(0), slice).to_owned()),
            Self::I64(values) => Self::I64(values.slice_axis(Axis(0), slice).to_owned()),
        }
    }
}

/// What the right answers are, by kind of target.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// One class a record, `[n]`.
    Classes(Vec<usize>),
    /// One number a record, `[n]`.
    Values(Vec<f32>),
    /// Which labels apply, 0 or 1, `[n, labels]`.
    Several(Array2<f32>),
    /// The next token at every position, −1 where nothing is asked, `[n, positions]`.
    Tokens(Array2<i64>),
}

impl Labels {
    /// How many records are labelled.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
            Self::Several(bits) => bits.nrows(),
            Self::Tokens(tokens) => tokens.nrows(),
        }
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// That a target can use them with an output of this many classes, labels or tokens.
    ///
    /// # Errors
    /// [`AttributionError::Labels`], [`AttributionError::Label`].
    pub fn check(&self, target: Target, classes: usize) -> Result<(), AttributionError> {
        let other = |found| Err(AttributionError::Labels { target, found });
        let beyond = |record, label| AttributionError::Label { record, label, classes };
        match (target, self) {
            (Target::Margin, Self::Classes(labels)) => match labels.iter().position(|label| *label >= classes) {
                Some(record) => Err(beyond(record, labels[record])),
                None => Ok(()),
            },
            (Target::Regression, Self::Values(values)) => match values.iter().all(|value| value.is_finite()) {
                true => Ok(()),
                false => Err(AttributionError::NotFinite("a label")),
            },
            (Target::MultiLabel, Self::Several(bits)) if bits.ncols() == classes => {
                match bits.iter().all(|bit| *bit == 0.0 || *bit == 1.0) {
                    true => Ok(()),
                    false => other("labels that are neither 0 nor 1"),
                }
            }
            (Target::Sequence, Self::Tokens(tokens)) => {
                let out = tokens.indexed_iter().find(|(_, token)| usize::try_from(**token).is_ok_and(|t| t >= classes));
                match out {
                    Some(((record, _), token)) => Err(beyond(record, usize::try_from(*token).unwrap_or_default())),
                    None => Ok(()),
                }
            }
            (_, Self::Classes(_)) => other("one class a record"),
            (_, Self::Values(_)) => other("one number a record"),
            (_, Self::Several(_)) => other("several labels a record"),
            (_, Self::Tokens(_)) => other("a token a position"),
        }
    }

    /// What an output `[n, …]` serves: the largest logit, the first of equals; labels whose logit is positive; the number.
    ///
    /// # Errors
    /// [`AttributionError::OutputShape`].
    pub fn served(target: Target, output: ArrayD<f32>) -> Result<Self, AttributionError> {
        let shape = output.shape().to_vec();
        let other = |_| AttributionError::OutputShape(shape);
        let largest = |row: ArrayView1<'_, f32>| {
            let larger = |best: (usize, f32), (place, logit): (usize, &f32)| match *logit > best.1 {
                true => (place, *logit),
                false => best,
            };
            row.iter().enumerate().fold((0, f32::NEG_INFINITY), larger).0
        };
        Ok(match target {
            Target::Margin => {
                let logits = output.into_dimensionality::<Ix2>().map_err(other)?;
                Self::Classes(logits.outer_iter().map(largest).collect())
            }
            Target::Regression => Self::Values(output.iter().copied().collect()),
            Target::MultiLabel => {
                let logits = output.into_dimensionality::<Ix2>().map_err(other)?;
                Self::Several(logits.mapv(|logit| f32::from(u8::from(logit > 0.0))))
            }
            Target::Sequence => {
                let logits = output.into_dimensionality::<Ix3>().map_err(other)?;
                Self::Tokens(logits.map_axis(Axis(2), |row| largest(row) as i64))
            }
        })
    }

    /// As a graph takes them whose label input has this many dimensions.
    pub fn to_column(&self, rank: usize) -> Column {
        match self {
            Self::Classes(classes) => {
                Column::I64(classes.iter().map(|class| *class as i64).collect::<Array1<_>>().into_dyn())
            }
            Self::Values(values) => {
                let mut column = Array1::from(values.clone()).into_dyn();
                while column.ndim() < rank {
                    let last = Axis(column.ndim());
                    column.insert_axis_inplace(last);
                }
                Column::F32(column)
            }
            Self::Several(bits) => Column::F32(bits.clone().into_dyn()),
            Self::Tokens(tokens) => Column::I64(tokens.clone().into_dyn()),
        }
    }

    fn select(&self, places: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(places.iter().map(|place| classes[*place]).collect()),
            Self::Values(values) => Self::Values(places.iter().map(|place| values[*place]).collect()),
            Self::Several(bits) => Self::Several(bits.select(Axis(0), places)),
            Self::Tokens(tokens) => Self::Tokens(tokens.select(Axis(0), places)),
        }
    }
}

/// Labelled records. Every column has a row a record and its numbers are finite by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    inputs: Vec<(String, Column)>,
    labels: Labels,
}

impl Records {
    /// Takes a model's inputs by name and the labels.
    ///
    /// # Errors
    /// [`AttributionError::LabelCount`], [`AttributionError::NotFinite`].
    pub fn new(inputs: Vec<(String, Column)>, labels: Labels) -> Result<Self, AttributionError> {
        for (_, column) in &inputs {
            if column.len() != labels.len() {
                return Err(AttributionError::LabelCount { features: column.len(), labels: labels.len() });
            }
            if !column.is_finite() {
                return Err(AttributionError::NotFinite("a record"));
            }
        }
        Ok(Self { inputs, labels })
    }

    /// The model's inputs.
    pub fn inputs(&self) -> &[(String, Column)] {
        &self.inputs
    }

    /// The right answers.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The same records with other labels.
    ///
    /// # Errors
    /// [`AttributionError::LabelCount`].
    pub fn relabelled(&self, labels: Labels) -> Result<Self, AttributionError> {
        if labels.len() != self.len() {
            return Err(AttributionError::LabelCount { features: self.len(), labels: labels.len() });
        }
        Ok(Self { inputs: self.inputs.clone(), labels })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The records at these places, in this order. Places beyond the end are left out.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let places: Vec<usize> = places.iter().copied().filter(|place| *place < self.len()).collect();
        let inputs = self.inputs.iter().map(|(name, column)| (name.clone(), column.select(&places))).collect();
        Self { inputs, labels: self.labels.select(&places) }
    }

    /// The inputs of the records `from..to`, read where they lie, and their labels for a graph whose label input has
    /// `label_rank` dimensions. Records beyond the end are left out.
    pub fn part(&self, from: usize, to: usize, label_rank: usize) -> (Vec<(&str, Tensor<'_>)>, Column) {
        let rows = from.min(self.len())..to.min(self.len());
        let inputs = self.inputs.iter().map(|(name, column)| (name.as_str(), column.rows(rows.clone()))).collect();
        let places: Vec<usize> = rows.collect();
        (inputs, self.labels.select(&places).to_column(label_rank))
    }

    /// The records in blocks of at most `size`, each with the place of its first record.
    pub fn blocks(&self, size: usize) -> impl Iterator<Item = (usize, Self)> + '_ {
        (0..self.len()).step_by(size.max(1)).map(move |start| {
            let end = (start + size.max(1)).min(self.len());
            let places: Vec<usize> = (start..end).collect();
            let inputs = self.inputs.iter().map(|(name, column)| (name.clone(), column.block(start, end))).collect();
            (start, Self { inputs, labels: self.labels.select(&places) })
        })
    }
}
