//! A collector of traces, for programs that are built with them.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};

use crate::program::Program;

/// How a span's name begins in OTLP's protobuf: field 5, whose length follows.
const NAME: u8 = 5 << 3 | 2;

/// Takes what programs send, over HTTP.
pub(crate) struct Collector(Arc<Mutex<Vec<u8>>>);

impl Collector {
    /// Starts one, where these programs then send to.
    pub(crate) async fn start(program: &mut Program) -> Self {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let take = async |State(sent): State<Arc<Mutex<Vec<u8>>>>, body: Bytes| sent.lock().unwrap().extend(body);
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&sent));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        program.set("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", listener.local_addr().unwrap()));
        // A process that is killed has sent what is older than this, in milliseconds.
        program.set("OTEL_BSP_SCHEDULE_DELAY", "10".into());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(sent)
    }

    /// Every step of an answer was sent, and no secret.
    pub(crate) fn check(&self, program: &Program) {
        let sent = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&sent);
        assert!(text.contains("tributary"), "no service among {} bytes", sent.len());
        for name in ["answer", "admit", "reserve", "pass", "earn", "close"] {
            // As a span's field 5, its name: the words alone are in what spans carry as well.
            let field = [&[NAME, name.len() as u8], name.as_bytes()].concat();
            assert!(sent.windows(field.len()).any(|bytes| bytes == field), "no `{name}` among {} bytes", sent.len());
        }
        program.check_secrets(&text);
    }
}
