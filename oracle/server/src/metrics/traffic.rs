//! Requests, counted as they are answered.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
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

/// What was asked for, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    method: &'static str,
    code: &'static str,
}

/// Durations by route and outcome.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    answered: RwLock<BTreeMap<String, BTreeMap<Outcome, Histogram>>>,
}

impl Traffic {
    fn answered(&self, route: &str, outcome: Outcome, begun: Instant) {
        let took = begun.elapsed().as_secs_f64();
        // All but the first of their kind only read: no request waits for another's to be counted.
        let known = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(route).and_then(|outcomes| outcomes.get(&outcome)) {
            return histogram.observe(took);
        }
        drop(known);
        let mut answered = self.answered.write().unwrap_or_else(PoisonError::into_inner);
        let outcomes = answered.entry(route.to_owned()).or_default();
        outcomes.entry(outcome).or_insert_with(|| Histogram::new(BOUNDS)).observe(took);
    }

    pub(super) fn figures(&self) -> Vec<(Vec<String>, Buckets)> {
        let answered = self.answered.read().unwrap_or_else(PoisonError::into_inner);
        let figures = answered.iter().flat_map(|(route, outcomes)| {
            outcomes.iter().map(move |(Outcome { method, code }, histogram)| {
                (vec![(*method).to_owned(), route.clone(), (*code).to_owned()], Buckets::from(histogram))
            })
        });
        figures.collect()
    }
}

/// Counts a request when it is answered. Routes and methods that are not ours count as one each: there is no end to them.
pub(crate) async fn count(Shared(traffic): Shared<Arc<Traffic>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
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
    traffic.answered(route.as_ref().map_or("other", MatchedPath::as_str), Outcome { method, code }, begun);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_and_what_came_of_it_count_apart() {
        let traffic = Traffic::default();
        let begun = Instant::now();
        for code in ["ok", "ok", "draining"] {
            traffic.answered("/livez", Outcome { method: "GET", code }, begun);
        }
        let labels: Vec<Vec<String>> = traffic.figures().into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(labels, [["GET", "/livez", "draining"], ["GET", "/livez", "ok"]]);
    }
}
