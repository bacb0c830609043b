//! Requests as bytes, for what the client would never send.

use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;
use tributary_sdk::{api::ErrorBody, client};

/// A status and a JSON body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) async fn send(method: Method, url: &str, token: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let mut request = client::http().request(method, url).body(body);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    read(url, request.send().await.unwrap()).await
}

/// Posts what the host refuses before it has all come. Whoever is still writing then may not hear why: they ask again.
pub(crate) async fn post_too_much(url: &str, body: Vec<u8>) -> Answer {
    for _ in 0..20 {
        match client::http().post(url).body(body.clone()).send().await {
            Err(error) if error.is_request() => {}
            other => return read(url, other.unwrap()).await,
        }
    }
    panic!("{url} never said what was wrong");
}

async fn read(url: &str, answer: reqwest::Response) -> Answer {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/json", "{status} from {url}");
    Answer { status, body: answer.json().await.unwrap() }
}

pub(crate) async fn get(url: &str) -> Answer {
    send(Method::GET, url, None, "").await
}

pub(crate) async fn post(url: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(Method::POST, url, None, body).await
}

impl Answer {
    /// Asserts a refusal: its status, its code, and that it says something to people.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        let error: ErrorBody = serde_json::from_value(self.body.clone()).unwrap();
        assert_eq!((self.status, error.code.as_str()), (status, code), "{}", error.message);
        assert!(error.message.len() > 10, "`{}` says nothing", error.message);
        assert_eq!(self.body.as_object().unwrap().len(), 2, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}
