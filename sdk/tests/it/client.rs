//! The client where there is no host.

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
