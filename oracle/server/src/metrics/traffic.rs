//! Requests, counted as they are answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State as Shared},
    http::Method,
    middleware::Next,
    response::Response,
};
use tributary_runtime::Histogram;

use super::families::Buckets;

/// Upper bounds, in seconds.
const BOUNDS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Why a request was refused, on its way to be counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code(pub(crate) &'static str);

/// Method, route and code.
type Labels = (&'static str, String, &'static str);

/// Durations by what was asked and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    answered: Mutex<BTreeMap<Labels, Arc<Histogram>>>,
}

impl Traffic {
    fn answered(&self, labels: Labels, begun: Instant) {
        let histogram = {
            let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answered.entry(labels).or_insert_with(|| Arc::new(Histogram::new(BOUNDS))))
        };
        histogram.observe(begun.elapsed().as_secs_f64());
    }

    pub(super) fn figures(&self) -> Vec<(Vec<String>, Buckets)> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = answered.iter().map(|((method, route, code), histogram)| {
            (vec![(*method).to_owned(), route.clone(), (*code).to_owned()], Buckets::from(histogram.as_ref()))
        });
        figures.collect()
    }
}

/// Counts a request when it is answered. Routes and methods that are not ours count as one each: there is no end to them.
pub(crate) async fn count(Shared(traffic): Shared<Arc<Traffic>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    };
    let response = next.run(request).await;
    let code = match response.extensions().get::<Code>() {
        Some(Code(code)) => code,
        None if response.status().is_success() || response.status().is_redirection() => "ok",
        None => "other",
    };
    traffic.answered((method, route, code), begun);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_and_what_came_of_it_count_apart() {
        let traffic = Traffic::default();
        let begun = Instant::now();
        traffic.answered(("GET", "/livez".into(), "ok"), begun);
        traffic.answered(("GET", "/livez".into(), "ok"), begun);
        traffic.answered(("GET", "/livez".into(), "draining"), begun);
        let labels: Vec<Vec<String>> = traffic.figures().into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(labels, [["GET", "/livez", "draining"], ["GET", "/livez", "ok"]]);
    }
}
