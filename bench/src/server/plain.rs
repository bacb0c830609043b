//! The alternatives: axum and ONNX Runtime without licenses, ledger and receipts, for the same bodies.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use eyre::{ContextCompat, Result, ensure, eyre};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime};
use tributary_attribution::onnx;
use tributary_factory::model::{FEATURES, LOGITS};
use tributary_runtime::{Model, ModelOptions, OnnxRuntime, Session, SessionOptions};
use tributary_sdk::api::tensor_bytes;

const JSON_LENGTH: &str = "inference-header-content-length";

/// How a plain server computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Passes {
    /// A pass for each request, one after another.
    Single,
    /// Whoever waits shares a pass, by the queue that the host uses too.
    Batched,
}

/// A server of one ONNX file, without its sketch.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The ONNX file.
    #[arg(long)]
    model: PathBuf,
    /// How it computes.
    #[arg(long)]
    passes: Passes,
    /// Most records in a pass.
    #[arg(long, default_value_t = 32)]
    max_batch: usize,
}

enum Engine {
    Single(Arc<Mutex<Session>>),
    Batched(Model),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let runtime = OnnxRuntime::load(None)?;
    // Nothing that only the sketch needs is left: ONNX Runtime drops what no output depends on.
    let mut graph = onnx::decode(&std::fs::read(&arguments.model)?)?;
    graph.outputs.retain(|output| output.name == LOGITS);
    let onnx = onnx::encode(&graph);
    let engine = match arguments.passes {
        Passes::Single => {
            Engine::Single(Arc::new(Mutex::new(Session::open(&runtime, &onnx, &SessionOptions::default())?)))
        }
        Passes::Batched => {
            let options = ModelOptions { max_batch: arguments.max_batch, ..ModelOptions::default() };
            Engine::Batched(Model::load(&runtime, onnx, options)?)
        }
    };
    runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let router = Router::new().route("/v2/models/{model}/infer", post(infer)).with_state(Arc::new(engine));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("serving url=\"http://{}\"", listener.local_addr()?);
        Ok(axum::serve(listener, router).await?)
    })
}

async fn infer(State(engine): State<Arc<Engine>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&engine, &headers, &body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    parameters: Value,
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<usize>,
    data: Option<Vec<f32>>,
}

async fn answer(engine: &Engine, headers: &HeaderMap, body: &Bytes) -> Result<Response> {
    let (json, tensor) = match headers.get(JSON_LENGTH) {
        Some(length) => {
            body.split_at_checked(length.to_str()?.parse()?).wrap_err("the JSON is shorter than it says")?
        }
        None => (&body[..], &[][..]),
    };
    let question: Question = serde_json::from_slice(json)?;
    let [Input { name, shape, data }] =
        <[Input; 1]>::try_from(question.inputs).map_err(|_| eyre!("one input, please"))?;
    ensure!(name == FEATURES, "there is no input {name}");
    let features = match data {
        Some(data) => data,
        None => tensor.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    };
    let logits = match engine {
        Engine::Batched(model) => {
            model.run(features, None).await?.outputs.take(LOGITS).wrap_err("the model has no logits")?
        }
        Engine::Single(session) => {
            let session = Arc::clone(session);
            tokio::task::spawn_blocking(move || pass(&session, shape, features)).await??
        }
    };
    let is_binary = question.parameters["binary_data_output"].as_bool().unwrap_or_default();
    let mut output = json!({ "name": LOGITS, "datatype": "FP32", "shape": [1, logits.len()] });
    let mut tensor = Vec::new();
    if is_binary {
        tensor = tensor_bytes(&logits);
        output["parameters"] = json!({ "binary_data_size": tensor.len() });
    } else {
        output["data"] = json!(logits);
    }
    let mut bytes = serde_json::to_vec(&json!({ "model_name": "plain", "model_version": "1", "outputs": [output] }))?;
    let length = HeaderValue::from(bytes.len());
    bytes.append(&mut tensor);
    let mut response = bytes.into_response();
    if is_binary {
        response.headers_mut().insert(HeaderName::from_static(JSON_LENGTH), length);
    }
    Ok(response)
}

fn pass(session: &Mutex<Session>, shape: Vec<usize>, features: Vec<f32>) -> Result<Vec<f32>> {
    let [records, width] = <[usize; 2]>::try_from(shape).map_err(|_| eyre!("two dimensions, please"))?;
    let features = Array2::from_shape_vec((records, width), features)?;
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let outputs = session.run(&[(FEATURES, features.into())], &[LOGITS])?;
    Ok(outputs.into_iter().next().wrap_err("the model has no logits")?.into_raw_vec_and_offset().0)
}
