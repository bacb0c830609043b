//! Rewrites an ONNX file so that it also returns the gradients of its weights, record by record.
//!
//! `cargo run --release -p tributary-attribution --example gradients -- model.onnx gradients.onnx`
//!
//! The first output gets a cotangent as the input `cotangent`; each weight's gradient is the output
//! `gradient:<weight>`, `[batch, numbers]`. `bench/python/gradients.py` compares them with PyTorch's.

use std::{env, error::Error, fs};

use tributary_attribution::{
    gradient::{parameters, per_record, reverse},
    graph::{Builder, Element, Signature},
    onnx,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = env::args().skip(1);
    let (Some(from), Some(to)) = (files.next(), files.next()) else {
        return Err("give the model's file and the file to write".into());
    };
    let graph = onnx::decode(&fs::read(from)?)?;
    let weights = parameters(&graph);
    let Some(output) = graph.outputs.first().map(|output| output.name.clone()) else {
        return Err("the model has no output".into());
    };
    let mut builder = Builder::extend(graph)?;
    let shape = builder.shape(&output)?.clone();
    let cotangent = builder.input(Signature { name: "cotangent".to_owned(), element: Element::F32, shape })?;
    for gradient in reverse(&mut builder, &[(&output, &cotangent)], &weights)? {
        let value = per_record(&mut builder, &gradient)?;
        builder.output_as(&value, &format!("gradient:{}", gradient.parameter))?;
    }
    fs::write(to, onnx::encode(&builder.finish()))?;
    Ok(())
}
