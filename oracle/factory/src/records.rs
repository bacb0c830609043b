//! A dataset's records as models read them.

use ndarray::ArrayD;
use tributary_attribution::{AttributionError, Column, Labels, OwnedRecords, Records};
use tributary_dataset::{LabelValue, PermittedSnapshot, Record, Schema, schema::Features};
use tributary_sdk::Address;

use crate::{
    FactoryError,
    model::{FEATURES, InputScaling},
};

/// Records of tables and images with their labels, features `[n, width]`.
///
/// # Errors
/// [`FactoryError::NotTrainable`] for records without a class or a number to learn, and for text and tokens.
pub fn labelled<'r>(schema: &Schema, records: impl IntoIterator<Item = &'r Record>) -> Result<Records, FactoryError> {
    if !matches!(schema.features, Features::Table { .. } | Features::Image { .. }) {
        return Err(FactoryError::NotTrainable("text and tokens need a model of sequences"));
    }
    let (mut features, mut classes, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for record in records {
        features.extend(schema.numbers(record).into_iter().map(|number| number as f32));
        match schema.label(record) {
            Some(LabelValue::Class(class)) => classes.push(class as usize),
            Some(LabelValue::Number(value)) => values.push(value as f32),
            None => return Err(FactoryError::NotTrainable("its records have no label")),
        }
        count += 1;
    }
    let features = ArrayD::from_shape_vec(vec![count, schema.features.fields()], features)
        .map_err(|_| AttributionError::NotFinite("the schema's width"))?;
    let labels = if schema.classes().is_some() { Labels::Classes(classes) } else { Labels::Values(values) };
    Ok(Records::new(vec![(FEATURES.to_owned(), Column::F32(features))], labels)?)
}

/// The records of a permitted snapshot as training takes them.
///
/// # Errors
/// As [`labelled`].
pub fn permitted(data: &PermittedSnapshot<'_>) -> Result<Records, FactoryError> {
    labelled(data.snapshot().schema(), data.snapshot().records().map(|(record, _)| record))
}

/// The records of a permitted snapshot with their owners, as attribution takes them.
///
/// # Errors
/// As [`labelled`].
pub fn owned(data: &PermittedSnapshot<'_>) -> Result<OwnedRecords, FactoryError> {
    let owners: Vec<Address> = data.snapshot().records().map(|(_, owner)| owner).collect();
    Ok(OwnedRecords::new(permitted(data)?, &owners)?)
}

/// The scaling that a network of images starts with: features onto `[−1, 1]`.
pub fn scaling(schema: &Schema) -> InputScaling {
    match schema.features {
        Features::Image { largest, .. } => InputScaling::centred(0.0, f64::from(largest)),
        _ => InputScaling { shift: 0.0, scale: 1.0 },
    }
}
