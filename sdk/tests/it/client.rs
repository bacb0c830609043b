//! The client where there is no host.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tributary_sdk::client::{self, Client, ClientError};

#[tokio::test]
async fn a_host_that_is_not_there_is_an_error_and_no_panic() {
    // Port 1 is nobody's. No TLS was set up either: the SDK brings its own.
    let refused = Client::connect("http://127.0.0.1:1").await;
    assert!(matches!(refused, Err(ClientError::Transport(_))), "{refused:?}");
    let refused = client::fetch("https://127.0.0.1:1/v1/batches/0x").await;
    assert!(matches!(refused, Err(ClientError::Transport(_))), "{refused:?}");
    let refused = client::fetch("no url at all").await;
    assert!(matches!(refused, Err(ClientError::Transport(_))), "{refused:?}");
}

/// A host that takes a request, answers it with `head`, and then a byte now and then, or never one.
async fn slow(head: &'static str, now_and_then: Option<Duration>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/host", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
        stream.write_all(head.as_bytes()).await.unwrap();
        while let Some(pause) = now_and_then {
            tokio::time::sleep(pause).await;
            if stream.write_all(b" ").await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    });
    url
}

#[tokio::test]
async fn a_host_that_says_nothing_or_hardly_anything_is_given_up_on() {
    let (millis, long) = (Duration::from_millis, Duration::from_secs(60));
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";
    let read = async |http: reqwest::Client, url: String| http.get(url).send().await?.bytes().await;
    for said in ["", head] {
        let silent = read(client::http_within(millis(200), long), slow(said, None).await).await;
        assert!(silent.as_ref().is_err_and(reqwest::Error::is_timeout), "{silent:?}");
    }
    let dripping = read(client::http_within(long, millis(400)), slow(head, Some(millis(20))).await).await;
    assert!(dripping.as_ref().is_err_and(reqwest::Error::is_timeout), "{dripping:?}");
    // Slow and not silent is waited for.
    let dripping = read(client::http_within(millis(300), millis(900)), slow(head, Some(millis(20))).await);
    let begun = Instant::now();
    assert!(dripping.await.is_err() && begun.elapsed() >= millis(800), "{:?}", begun.elapsed());
}

#[test]
fn an_authority_is_what_requests_name_the_host_by() {
    let same = |url: &str, expected: &str| assert_eq!(client::authority(url), expected, "{url}");
    same("http://127.0.0.1:8545/v1/batches/0x00", "127.0.0.1:8545");
    same("https://Models.Example/", "models.example");
    same("https://models.example:443", "models.example");
    same("http://models.example:443?x", "models.example:443");
    same("https://who:secret@models.example:8443/a", "models.example:8443");
    same("http://[::1]:80/", "[::1]");
    same("no url at all", "");
}
