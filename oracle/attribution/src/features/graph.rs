use crate::{AttributionError, graph::Graph};

/// The output that is attributed: the first.
pub(crate) fn attributed_output(model: &Graph) -> Result<String, AttributionError> {
    model.outputs.first().map(|output| output.name.clone()).ok_or(AttributionError::NoOutput)
}
