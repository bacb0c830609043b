//! Headers that say how long an answer took, in milliseconds, under the names that Text Embeddings Inference gives them.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tributary_runtime::Timing;

/// The headers of an answer to a question that arrived then.
pub(super) fn headers(arrived: Instant, timing: Option<Timing>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut say = |name: &'static str, text: String| {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say("x-total-time", millis(arrived.elapsed()));
    if let Some(Timing { queued, computed, batch }) = timing {
        say("x-queue-time", millis(queued));
        say("x-inference-time", millis(computed));
        say("x-batch-size", batch.to_string());
    }
    headers
}

fn millis(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}
