//! A model's parameters as one vector.

use std::ops::Range;

use ndarray::{Array1, ArrayViewD, IxDyn};
use tributary_attribution::graph::{Data, Graph, Tensor};

use crate::{FactoryError, model::Model};

/// Where each parameter lies in the vector: row-major, one after the other in the model's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(Vec<Place>);

/// One parameter of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name in the graph.
    pub name: String,
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// Its numbers in the vector.
    pub range: Range<usize>,
}

impl Layout {
    /// Of a model's parameters.
    ///
    /// # Errors
    /// [`FactoryError::NoParameter`] for a name that is no `f32` constant of the graph.
    pub fn of(model: &Model) -> Result<Self, FactoryError> {
        let mut places = Vec::with_capacity(model.parameters.len());
        let mut start = 0;
        for name in &model.parameters {
            let tensor = (model.graph.constants.get(name).filter(|tensor| tensor.floats().is_some()))
                .ok_or_else(|| FactoryError::NoParameter { name: name.clone() })?;
            let range = start..start + tensor.len();
            start = range.end;
            places.push(Place { name: name.clone(), dims: tensor.dims().to_vec(), range });
        }
        Ok(Self(places))
    }

    /// The parameters, in their order in the vector.
    pub fn places(&self) -> &[Place] {
        &self.0
    }

    /// How many numbers they are together.
    pub fn len(&self) -> usize {
        self.0.last().map_or(0, |place| place.range.end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector of a graph that has these parameters, `[parameters]`.
    ///
    /// # Errors
    /// [`FactoryError::NoParameter`] for one that is missing or has another shape.
    pub fn read(&self, graph: &Graph) -> Result<Array1<f64>, FactoryError> {
        let mut vector = Array1::zeros(self.len());
        for place in &self.0 {
            let values = (graph.constants.get(&place.name).filter(|tensor| tensor.dims() == place.dims))
                .and_then(Tensor::floats)
                .ok_or_else(|| FactoryError::NoParameter { name: place.name.clone() })?;
            for (to, from) in vector.iter_mut().skip(place.range.start).zip(values) {
                *to = f64::from(*from);
            }
        }
        Ok(vector)
    }

    /// `graph` with the vector's numbers, rounded to `f32`, as its constants.
    ///
    /// # Errors
    /// [`FactoryError::ParameterCount`].
    pub fn write(&self, vector: &Array1<f64>, graph: &Graph) -> Result<Graph, FactoryError> {
        self.check(vector.len())?;
        let mut graph = graph.clone();
        for place in &self.0 {
            let values = vector.iter().skip(place.range.start).take(place.range.len());
            let values = values.map(|value| *value as f32).collect();
            let tensor = Tensor::new(place.dims.clone(), Data::F32(values))
                .ok_or_else(|| FactoryError::NoParameter { name: place.name.clone() })?;
            graph.constants.insert(place.name.clone(), tensor);
        }
        Ok(graph)
    }

    /// The vector's parts by name and shape, as a session takes them.
    pub(super) fn views<'a>(&'a self, vector: &'a [f32]) -> Result<Vec<(&'a str, ArrayViewD<'a, f32>)>, FactoryError> {
        self.check(vector.len())?;
        let view = |place: &'a Place| {
            let numbers = vector.get(place.range.clone()).unwrap_or_default();
            ArrayViewD::from_shape(IxDyn(&place.dims), numbers)
                .map(|view| (place.name.as_str(), view))
                .map_err(|_| FactoryError::NoParameter { name: place.name.clone() })
        };
        self.0.iter().map(view).collect()
    }

    pub(super) fn check(&self, found: usize) -> Result<(), FactoryError> {
        match self.len() {
            expected if expected == found => Ok(()),
            expected => Err(FactoryError::ParameterCount { expected, found }),
        }
    }
}
