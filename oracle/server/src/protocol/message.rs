//! The protocol's JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ProtocolError;

/// `GET /v2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerMetadata {
    /// `tributary`.
    pub name: String,
    /// Of this program.
    pub version: String,
    /// Which of the protocol's extensions are offered.
    pub extensions: Vec<String>,
}

/// `GET /v2/models/{model}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetadata {
    /// The model's asset id.
    pub name: String,
    /// The release that is served.
    pub versions: Vec<String>,
    /// `onnxruntime_onnx`.
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorMetadata>,
    /// What it gives.
    pub outputs: Vec<TensorMetadata>,
    /// Beyond the protocol: the weights' hash, where the model computes and where it was asked to.
    #[schema(value_type = Object)]
    pub parameters: Parameters,
}

/// A tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// `FP32`.
    pub datatype: String,
    /// Its dimensions; -1 is any number of records.
    pub shape: Vec<i64>,
}

/// Named values beside a message or a tensor: text, numbers, or true and false.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    /// Whether a parameter is true.
    pub fn flag(&self, name: &str) -> bool {
        self.said(name).unwrap_or(false)
    }

    /// A parameter that is true or false.
    pub fn said(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// A parameter that is a whole number, not negative.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// A parameter that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Adds a parameter.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `POST /v2/models/{model}/infer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferRequest {
    /// The client's name for the request; the answer repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `binary_data_output`, and `timeout` in microseconds.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Parameters,
    /// The model's inputs.
    pub inputs: Vec<InferInput>,
    /// Which outputs are wanted; none is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<RequestedOutput>,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferInput {
    /// The model's name for it.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// `FP32`.
    pub datatype: String,
    /// `binary_data_size`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Parameters,
    /// Numbers in row-major order, flat or nested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<f32>>)]
    pub data: Option<Value>,
}

impl InferInput {
    /// How many bytes behind the JSON are this input's.
    pub(super) fn binary_size(&self) -> Result<Option<usize>, ProtocolError> {
        let Some(size) = self.parameters.0.get("binary_data_size") else { return Ok(None) };
        let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
        match (size, &self.data) {
            (Some(size), None) => Ok(Some(size)),
            (Some(_), Some(_)) => Err(ProtocolError::Binary("an input has both `data` and `binary_data_size`")),
            (None, _) => Err(ProtocolError::Binary("`binary_data_size` is no number")),
        }
    }

    /// The numbers in `data`.
    pub(super) fn numbers(&self) -> Result<Vec<f32>, ProtocolError> {
        let mut numbers = Vec::new();
        flatten(self.data.as_ref().ok_or(ProtocolError::NoData)?, &mut numbers, 0)?;
        Ok(numbers)
    }
}

/// Deeper than any tensor.
const DEEPEST: usize = 16;

fn flatten(value: &Value, numbers: &mut Vec<f32>, depth: usize) -> Result<(), ProtocolError> {
    match value {
        Value::Array(values) if depth < DEEPEST => {
            values.iter().try_for_each(|value| flatten(value, numbers, depth + 1))
        }
        Value::Number(number) => {
            numbers.push(number.as_f64().unwrap_or(f64::NAN) as f32);
            Ok(())
        }
        other => Err(ProtocolError::Data(other.to_string().chars().take(32).collect())),
    }
}

/// How many numbers a shape holds: `[n, record…]`, or `[n, numbers of a record]`.
pub(super) fn numbers_of(shape: &[i64], record: &[usize]) -> Result<usize, ProtocolError> {
    let wrong = || ProtocolError::Shape { found: shape.to_vec(), expected: record.to_vec() };
    let sizes = shape.iter().map(|size| usize::try_from(*size).ok().filter(|size| *size > 0));
    let sizes: Vec<usize> = sizes.collect::<Option<_>>().ok_or_else(wrong)?;
    let (records, rest) = sizes.split_first().ok_or_else(wrong)?;
    let width: usize = record.iter().product();
    if rest != record && rest != [width] {
        return Err(wrong());
    }
    records.checked_mul(width).ok_or_else(wrong)
}

/// An output that is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestedOutput {
    /// The model's name for it.
    pub name: String,
    /// `binary_data`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Parameters,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferResponse {
    /// The model's asset id.
    pub model_name: String,
    /// The release that answered.
    pub model_version: String,
    /// The request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `receipt` (JSON, as text), `host_signature`, `salt`: the proof of service.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Parameters,
    /// The outputs.
    pub outputs: Vec<InferOutput>,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferOutput {
    /// The model's name for it.
    pub name: String,
    /// `FP32`.
    pub datatype: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// `binary_data_size`.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Parameters,
    /// Numbers in row-major order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<f32>>,
}
