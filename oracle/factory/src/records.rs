//! A dataset's records as models read them.

use ndarray::{ArrayD, Axis};
use tributary_attribution::{AttributionError, Column, Labels, OwnedRecords, Records, targets::Target};
use tributary_dataset::{
    LabelValue, PermittedSnapshot, Record, Schema,
    schema::{ColumnKind, Features, Label},
};
use tributary_sdk::Address;

use crate::{
    FactoryError,
    model::{FEATURES, InputScaling, Inputs},
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

/// Who owns each record of a permitted snapshot.
pub fn owners(data: &PermittedSnapshot<'_>) -> Vec<Address> {
    data.snapshot().records().map(|(_, owner)| owner).collect()
}

/// The records at these places of a permitted snapshot with their owners, as attribution takes them.
///
/// # Errors
/// As [`labelled`].
pub fn owned(data: &PermittedSnapshot<'_>, places: &[usize]) -> Result<OwnedRecords, FactoryError> {
    let owners = owners(data);
    let owners: Vec<Address> = places.iter().filter_map(|place| owners.get(*place).copied()).collect();
    Ok(OwnedRecords::new(permitted(data)?.select(places), &owners)?)
}

/// What a model of these records learns to say.
///
/// # Errors
/// [`FactoryError::NotTrainable`] for records without a label.
pub fn target(schema: &Schema) -> Result<Target, FactoryError> {
    match schema.label {
        Label::Class { .. } => Ok(Target::Margin),
        Label::Number { .. } => Ok(Target::Regression),
        Label::None => Err(FactoryError::NotTrainable("its records have no label")),
    }
}

/// The scaling that a network of images starts with: features onto `[−1, 1]`.
pub fn scaling(schema: &Schema) -> InputScaling {
    match schema.features {
        Features::Image { largest, .. } => InputScaling::centred(0.0, f64::from(largest)),
        _ => InputScaling { shift: 0.0, scale: 1.0 },
    }
}

/// How a new model takes records like these: an image's values onto `[−1, 1]`; a table's numbers, each column with a mean
/// of 0 and a deviation of 1 over these records, its categories name by name.
pub fn inputs(schema: &Schema, records: &Records) -> Inputs {
    let Features::Table { columns } = &schema.features else { return scaling(schema).into() };
    let categories = columns.iter().enumerate().filter_map(|(place, column)| match &column.kind {
        ColumnKind::Category { names } => Some((place, names.len())),
        _ => None,
    });
    let numbers = match records.inputs() {
        [(_, Column::F32(numbers))] => numbers.view(),
        _ => return scaling(schema).into(),
    };
    let scaling = numbers.axis_iter(Axis(1)).map(|column| {
        let count = column.len().max(1) as f64;
        let mean = column.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let variance = column.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
        // A column in which nothing differs says nothing: any scale will do.
        InputScaling { shift: mean, scale: if variance > 0.0 { variance.sqrt().recip() } else { 1.0 } }
    });
    Inputs::columns(scaling.collect(), categories.collect())
}
