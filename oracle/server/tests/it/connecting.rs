//! The proxy that signs, between clients that are slow or wrong and a host that is slow to answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tributary_sdk::{api::ErrorBody, client};
use tributary_server::{
    connect::Proxy,
    http::{Listening, Patience},
};

use crate::{
    http,
    studio::{Buyer, Studio, image},
    town::{Town, run},
};

/// How long a session lasts, in seconds.
const SESSION: u64 = 3_600;

/// A proxy that signs for a buyer at the host at `url`; it stops with the tests.
async fn connect(studio: &Studio, url: &str, buyer: &Buyer, patience: Patience) -> String {
    let lasts = Duration::from_secs(SESSION);
    let proxy = Proxy::open(&studio.town().chain, url, buyer.key.clone(), buyer.license, lasts).await.unwrap();
    let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap().with_patience(patience);
    let url = listening.url();
    tokio::spawn(listening.forward(proxy, 1 << 20, std::future::pending()));
    url
}

/// A question about a test image, by the proxy at `url`.
async fn ask(studio: &Studio, url: &str, place: usize) -> Value {
    let tensor = json!({"name": "features", "shape": [1, 64], "datatype": "FP32", "data": image(place)});
    let url = format!("{url}/v2/models/{}/infer", studio.model.version.asset);
    http::post(&url, json!({"inputs": [tensor]}).to_string()).await.ok()
}

/// Sends a request's bytes and keeps the connection open; the refusal that came back.
async fn refused(url: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    // The proxy may have hung up already: what it said before is what counts.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut said = Vec::new();
    let read = async {
        // Until the JSON of the refusal is whole: the connection may be kept.
        while !said.ends_with(b"}") {
            if stream.read_buf(&mut said).await.unwrap_or_default() == 0 {
                break;
            }
        }
    };
    timeout(Duration::from_secs(20), read).await.expect("the proxy waits for ever");
    let said = String::from_utf8(said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {said}"));
    let error: ErrorBody = serde_json::from_str(body).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), error.code)
}

#[test]
fn the_proxy_waits_for_no_body_for_ever_and_says_what_is_wrong_with_one() {
    run(async {
        let studio = Studio::new(Town::shared().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let patience =
            Patience { head: Duration::from_secs(10), body: Duration::from_millis(300), ..Patience::default() };
        let url = connect(&studio, &serving.url, &buyer, patience).await;
        let head = format!("POST /v2/models/{}/infer HTTP/1.1\r\nhost: h\r\n", studio.model.version.asset);
        let chunked = "transfer-encoding: chunked\r\n\r\n5\r\n{\"inp\r\n";
        for (rest, status, code) in [
            ("content-length: 100\r\n\r\n{\"inputs\": [", 408, "slow_body"),
            (chunked, 408, "slow_body"),
            (&format!("{chunked}no length\r\n"), 400, "bad_body"),
            ("content-length: 2000000\r\n\r\n", 413, "body_too_large"),
            (
                &format!("transfer-encoding: chunked\r\n\r\n100001\r\n{}\r\n", " ".repeat(0x10_0001)),
                413,
                "body_too_large",
            ),
            ("content-length: 2\r\n\r\n[]", 400, "bad_body"),
        ] {
            assert_eq!(refused(&url, &format!("{head}{rest}")).await, (status, code.into()), "{:.80}", rest);
        }
        ask(&studio, &url, 1).await;
        serving.stop().await;
    });
}

/// A host that, as long as it is told to, does not say who it is.
#[derive(Clone)]
struct Reticent {
    host: String,
    silent: watch::Receiver<bool>,
    waiting: Arc<AtomicUsize>,
}

async fn pass(State(through): State<Reticent>, request: Request) -> (StatusCode, HeaderMap, Bytes) {
    let Reticent { host, mut silent, waiting } = through;
    if request.uri().path() == "/v1/host" && *silent.borrow() {
        waiting.fetch_add(1, Ordering::SeqCst);
        silent.wait_for(|silent| !silent).await.unwrap();
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let request = client::http().request(parts.method, format!("{host}{}", parts.uri));
    let answer = request.headers(parts.headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap())
}

#[test]
fn a_host_that_is_slow_to_sign_in_holds_up_nobody_whose_session_lasts() {
    run(async {
        let studio = Studio::new(Town::start().await).await;
        let (serving, buyer) = (studio.serve().await, studio.buyer().await);
        let (tell, silent) = watch::channel(false);
        let waiting = Arc::<AtomicUsize>::default();
        let reticent = Reticent { host: serving.url.clone(), silent, waiting: Arc::clone(&waiting) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let between = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(reticent);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = connect(&studio, &between, &buyer, Patience::default()).await;
        ask(&studio, &url, 0).await;

        // Less than a tenth of the session is left: the next question begins to sign in again.
        studio.town().advance(SESSION - SESSION / 20).await;
        tell.send(true).unwrap();
        let first = ask(&studio, &url, 1);
        let meanwhile = async {
            while waiting.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            for place in 2..5 {
                let answered = timeout(Duration::from_secs(20), ask(&studio, &url, place)).await;
                answered.expect("a question waits for another's sign-in");
            }
            tell.send(false).unwrap();
        };
        tokio::join!(first, meanwhile);
        assert_eq!(waiting.load(Ordering::SeqCst), 1, "one question signs in for all");
        serving.stop().await;
    });
}
