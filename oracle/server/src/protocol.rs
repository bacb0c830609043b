//! The Open Inference Protocol v2 over REST, with its extension for binary tensors, as Triton and KServe clients speak it.
//!
//! Here it is only read and written: whose question it is and what it costs, others decide.

mod binary;
mod error;
mod message;

pub use error::ProtocolError;
pub use message::{
    InferInput, InferOutput, InferRequest, InferResponse, ModelMetadata, Parameters, RequestedOutput, ServerMetadata,
    TensorMetadata,
};

use std::time::Duration;

/// The header that says how many of the body's bytes are JSON; the rest is tensors.
pub const JSON_LENGTH: &str = "inference-header-content-length";
/// The header that carries a signed request, base64 of the JSON of [`Signature`], beside a body of the protocol.
pub const SIGNED_REQUEST: &str = "tributary-request";

use serde::{Deserialize, Serialize};
use tributary_sdk::{B256, Bytes, typed_data::InferenceRequest};

/// What a session key says about the body it comes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signature {
    /// What is asked, as signed.
    pub request: InferenceRequest,
    /// The session key's EIP-712 signature of it.
    pub signature: Bytes,
    /// Of its input commitment.
    pub salt: B256,
}

impl Signature {
    /// For the header.
    pub fn to_header(&self) -> Result<String, ProtocolError> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let json = serde_json::to_vec(self).map_err(|error| ProtocolError::Json(error.to_string()))?;
        Ok(STANDARD.encode(json))
    }

    /// From the header.
    pub fn from_header(text: &str) -> Result<Self, ProtocolError> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let json = STANDARD.decode(text.trim()).map_err(|error| ProtocolError::Signature(error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| ProtocolError::Signature(error.to_string()))
    }
}

/// The one tensor of a question, whatever form it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The client's name for the question.
    pub id: Option<String>,
    /// Row-major.
    pub features: Vec<f32>,
    /// Which outputs are wanted; none is all.
    pub outputs: Vec<RequestedOutput>,
    /// Whether outputs are wanted as bytes unless they say otherwise.
    pub binary: bool,
    /// How long the client waits, in the protocol's microseconds.
    pub timeout: Option<Duration>,
}

/// Reads a body; `json_length` is the header [`JSON_LENGTH`]. `input` and `record` are the model's input and the shape of
/// one record.
pub fn read(body: &[u8], json_length: Option<&str>, input: &str, record: &[usize]) -> Result<Asked, ProtocolError> {
    let (json, tensors) = binary::split(body, json_length)?;
    let request: InferRequest = serde_json::from_slice(json).map_err(|error| ProtocolError::Json(error.to_string()))?;
    let [given] = request.inputs.as_slice() else {
        return Err(ProtocolError::Inputs { found: request.inputs.len(), expected: input.to_owned() });
    };
    if given.name != input {
        return Err(ProtocolError::UnknownInput { found: given.name.clone(), expected: input.to_owned() });
    }
    if given.datatype != "FP32" {
        return Err(ProtocolError::Datatype { found: given.datatype.clone() });
    }
    let count = message::numbers_of(&given.shape, record)?;
    let features = match given.binary_size()? {
        Some(size) => binary::numbers(tensors, size)?,
        None if tensors.is_empty() => given.numbers()?,
        None => return Err(ProtocolError::Binary("bytes follow the JSON, but no input says `binary_data_size`")),
    };
    if features.len() != count {
        return Err(ProtocolError::Length { found: features.len(), expected: count });
    }
    Ok(Asked {
        features,
        binary: request.parameters.flag("binary_data_output"),
        timeout: request.parameters.number("timeout").map(Duration::from_micros),
        outputs: request.outputs,
        id: request.id,
    })
}

/// A body, and where its JSON ends if tensors follow as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// For the header [`JSON_LENGTH`].
    pub json_length: Option<usize>,
}

/// Writes an answer of one output, `[n, …]`, in the form that was asked for.
pub fn write(
    asked: &Asked,
    mut response: InferResponse,
    name: &str,
    shape: Vec<u64>,
    numbers: &[f32],
) -> Result<Body, ProtocolError> {
    let wanted = asked.outputs.iter().find(|output| output.name == name);
    if let Some(unknown) = asked.outputs.iter().find(|output| output.name != name) {
        return Err(ProtocolError::UnknownOutput { found: unknown.name.clone(), expected: name.to_owned() });
    }
    if wanted.is_some_and(|output| output.parameters.number("classification").is_some_and(|classes| classes > 0)) {
        return Err(ProtocolError::Classification);
    }
    let binary = wanted.and_then(|output| output.parameters.said("binary_data")).unwrap_or(asked.binary);
    let mut output = InferOutput {
        name: name.to_owned(),
        datatype: "FP32".into(),
        shape,
        parameters: Parameters::default(),
        data: None,
    };
    let mut tensors = Vec::new();
    if binary {
        tensors = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        output.parameters.set("binary_data_size", tensors.len().into());
    } else {
        output.data = Some(numbers.to_vec());
    }
    response.outputs = vec![output];
    let mut bytes = serde_json::to_vec(&response).map_err(|error| ProtocolError::Json(error.to_string()))?;
    let json_length = binary.then_some(bytes.len());
    bytes.append(&mut tensors);
    Ok(Body { bytes, json_length })
}

/// Reads an answer's JSON, and the numbers of one of its outputs.
pub fn read_answer(
    body: &[u8],
    json_length: Option<&str>,
    name: &str,
) -> Result<(InferResponse, Vec<f32>), ProtocolError> {
    let (json, tensors) = binary::split(body, json_length)?;
    let response: InferResponse =
        serde_json::from_slice(json).map_err(|error| ProtocolError::Json(error.to_string()))?;
    let output = response.outputs.iter().find(|output| output.name == name);
    let output = output.ok_or_else(|| ProtocolError::NoOutput(name.to_owned()))?;
    let numbers = match (&output.data, output.parameters.number("binary_data_size")) {
        (Some(numbers), _) => numbers.clone(),
        (None, Some(size)) => binary::numbers(tensors, usize::try_from(size).unwrap_or(usize::MAX))?,
        (None, None) => return Err(ProtocolError::NoOutput(name.to_owned())),
    };
    Ok((response, numbers))
}

#[cfg(test)]
mod tests;
