//! Small records for the tests of this crate.

use crate::{
    Record, Schema,
    field::Field,
    schema::{Features, Label, Task},
};

/// Images of two values, in so many classes.
pub(crate) fn images(classes: u8) -> Schema {
    Schema {
        task: Task::Classification,
        features: Features::Image { channels: 1, height: 1, width: 2, largest: 255 },
        label: Label::Class { names: (0..classes).map(|class| class.to_string()).collect() },
    }
}

/// Its values, then its class.
pub(crate) fn image(schema: &Schema, values: &[i64]) -> Record {
    let fields: Vec<Field<'_>> = values.iter().map(|value| Field::Whole(*value)).collect();
    schema.record(&fields).unwrap()
}
