//! Requests of the Open Inference Protocol as bytes, signed before the clock starts: clients have machines of their own.

use base64::{Engine, engine::general_purpose::STANDARD};
use eyre::Result;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tributary_chain::Chain;
use tributary_dataset::{Record, Schema};
use tributary_factory::model::FEATURES;
use tributary_sdk::{
    AssetId, B256,
    api::{Infer, tensor_bytes},
    client::Session,
};

/// How tensors travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// As bytes behind the JSON.
    Binary,
    /// As numbers in the JSON.
    Json,
}

impl Form {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
        }
    }
}

/// A request about one record.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// The signed request's id, of a plain server nothing.
    pub(super) id: Option<B256>,
    pub(super) bytes: Vec<u8>,
}

/// Questions about records, one after another, over and over.
pub(super) fn plain(asset: AssetId, form: Form, records: &[Record], count: usize) -> Vec<Question> {
    let bytes = |record| http(asset, form, &features(record), None);
    records.iter().cycle().take(count).map(|record| Question { id: None, bytes: bytes(record) }).collect()
}

/// The same, each signed by the session's key as of the chain's newest block.
pub(super) async fn signed(
    chain: &Chain,
    session: &Session,
    asset: AssetId,
    form: Form,
    records: &[Record],
    count: usize,
) -> Result<Vec<Question>> {
    let now = chain.head().await?.timestamp;
    let mut rng = StdRng::from_os_rng();
    let mut word = || B256::from(rng.random::<[u8; 32]>());
    let mut questions = Vec::with_capacity(count);
    for record in records.iter().cycle().take(count) {
        let infer = session.request(asset, features(record), word(), word(), now)?;
        let Infer { request, signature, salt, features } = infer;
        let proof = json!({ "request": request, "signature": signature, "salt": salt }).to_string();
        let bytes = http(asset, form, &features, Some(&STANDARD.encode(proof)));
        questions.push(Question { id: Some(request.id), bytes });
    }
    Ok(questions)
}

fn features(record: &Record) -> Vec<f32> {
    Schema::digits().numbers(record).into_iter().map(|value| value as f32).collect()
}

fn http(asset: AssetId, form: Form, features: &[f32], proof: Option<&str>) -> Vec<u8> {
    let mut input = json!({ "name": FEATURES, "shape": [1, features.len()], "datatype": "FP32" });
    let (binary, mut tensor) = (form == Form::Binary, Vec::new());
    if binary {
        tensor = tensor_bytes(features);
        input["parameters"] = json!({ "binary_data_size": tensor.len() });
    } else {
        input["data"] = json!(features);
    }
    let body = json!({ "parameters": { "binary_data_output": binary }, "inputs": [input] }).to_string();
    let mut head = format!("POST /v2/models/{asset}/infer HTTP/1.1\r\nhost: bench\r\n");
    head += &format!("content-length: {}\r\n", body.len() + tensor.len());
    if binary {
        head += &format!("inference-header-content-length: {}\r\n", body.len());
    }
    if let Some(proof) = proof {
        head += &format!("tributary-request: {proof}\r\n");
    }
    [head.as_bytes(), b"\r\n", body.as_bytes(), &tensor].concat()
}
