//! What must hold of a whole graph before anybody builds on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    graph::{Builder, Graph, GraphError, Signature},
    onnx::{OnnxError, proto::ValueInfoProto, tensor},
};

/// Checks types and dimensions of everything, and gives outputs theirs.
pub(super) fn finish(mut graph: Graph, outputs: &[ValueInfoProto]) -> Result<Graph, OnnxError> {
    // What follows by itself needs no declaration.
    let declared = std::mem::take(&mut graph.declared);
    let mut builder = Builder::extend(graph)?;
    let missing: BTreeMap<String, Signature> =
        declared.into_iter().filter(|(name, _)| builder.is_untold(name)).collect();
    if !missing.is_empty() {
        builder = Builder::extend(Graph { declared: missing, ..builder.finish() })?;
    }
    independent(&builder)?;
    let mut signatures = Vec::with_capacity(outputs.len());
    let mut names = BTreeSet::new();
    for value in outputs {
        let name = value.name.clone().unwrap_or_default();
        if !names.insert(name.clone()) {
            return Err(GraphError::Twice { value: name }.into());
        }
        let known = builder.known(&name)?;
        let said = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.elem_type).unwrap_or_default();
        if said != 0 && i64::from(said) != known.element.code() {
            let found = tensor::type_name(said);
            let reason = format!("it is {}, the file says {found}: export the model again", known.element);
            return Err(OnnxError::Signature { value: name, reason });
        }
        signatures.push(Signature { name, element: known.element, shape: known.shape.clone() });
    }
    Ok(Graph { outputs: signatures, ..builder.finish() })
}

/// Refuses operators that make one thing of all records.
fn independent(builder: &Builder) -> Result<(), GraphError> {
    let batched = |name: &String| builder.told(name).map(|known| known.shape.batch_axis().is_some());
    for node in &builder.graph().nodes {
        let looks_at_dimensions = matches!(node.op.as_str(), "Shape" | "Size" | "CastLike");
        if !looks_at_dimensions
            && node.inputs.iter().any(|name| batched(name) == Some(true))
            && node.outputs.iter().any(|name| batched(name) == Some(false))
        {
            return Err(GraphError::Refused {
                node: node.name.clone(),
                op: node.op.clone(),
                reason:
                    "it makes one of all the records of a batch: export the model in evaluation mode, without its loss"
                        .to_owned(),
            });
        }
    }
    Ok(())
}
