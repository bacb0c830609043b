//! A way to the node that fails when it is told to. The node behind it is real. The host's tests use it as well.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// No answer, ever.
    Silence,
    /// `null`, whatever was asked.
    Null,
    /// Too many requests.
    Busy,
    /// The node gets the call, and its answer is lost.
    LostAnswer,
    /// This in the answer's place.
    Instead(Value),
    /// The node is not asked, and says this.
    Refusal(&'static str),
    /// The node gets the call, and says this.
    TakenAnd(&'static str),
}

type Orders = Arc<Mutex<Vec<(&'static str, Fault, usize)>>>;

/// A proxy that is told which calls of which method to fail.
#[derive(Clone)]
pub(crate) struct Proxy {
    orders: Orders,
    node: Arc<Mutex<String>>,
    client: reqwest::Client,
    pub(crate) url: String,
}

impl Proxy {
    pub(crate) async fn before(node: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self {
            orders: Orders::default(),
            node: Arc::new(Mutex::new(node.to_owned())),
            client: reqwest::Client::new(),
            url,
        };
        let app = Router::new().fallback(serve).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        proxy
    }

    /// Fails the next `times` calls of a method; of all methods, if it is `*`.
    pub(crate) fn fail(&self, method: &'static str, fault: Fault, times: usize) {
        self.orders.lock().unwrap().push((method, fault, times));
    }

    /// How many failures were ordered and have not happened.
    pub(crate) fn left(&self) -> usize {
        self.orders.lock().unwrap().iter().map(|order| order.2).sum()
    }

    pub(crate) fn heal(&self) {
        self.orders.lock().unwrap().clear();
    }

    /// From now on another node is behind it.
    pub(crate) fn lead_to(&self, node: &str) {
        *self.node.lock().unwrap() = node.to_owned();
    }

    fn order(&self, called: &str) -> Option<Fault> {
        let mut orders = self.orders.lock().unwrap();
        let found = orders.iter_mut().find(|(method, _, times)| *times > 0 && (*method == "*" || *method == called))?;
        found.2 -= 1;
        Some(found.1.clone())
    }
}

async fn serve(State(proxy): State<Proxy>, body: Bytes) -> Response {
    let call: Value = serde_json::from_slice(&body).unwrap();
    let fault = proxy.order(call["method"].as_str().unwrap());
    match fault {
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Busy) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some(Fault::Null) => return answer(&json!({ "jsonrpc": "2.0", "id": call["id"], "result": null })),
        Some(Fault::Instead(result)) => {
            return answer(&json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }));
        }
        Some(Fault::Refusal(message)) => return refusal(&call, message),
        Some(Fault::LostAnswer | Fault::TakenAnd(_)) | None => {}
    }
    let node = proxy.node.lock().unwrap().clone();
    let request = proxy.client.post(node).header(header::CONTENT_TYPE, "application/json").body(body);
    let text: Value = request.send().await.unwrap().json().await.unwrap();
    match fault {
        Some(Fault::LostAnswer) => StatusCode::BAD_GATEWAY.into_response(),
        Some(Fault::TakenAnd(message)) => refusal(&call, message),
        _ => answer(&text),
    }
}

fn refusal(call: &Value, message: &str) -> Response {
    answer(&json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": -32000, "message": message } }))
}

fn answer(text: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}
