//! What an operator's monitoring reads: figures of a host, in the text format of OpenMetrics.
//!
//! | file | what it holds |
//! |---|---|
//! | `families` | every figure: its name, its meaning, where it comes from; the page and the reference both follow from it |
//! | `snapshot` | what is read for one page |
//! | `traffic` | requests, counted as they are answered |

mod families;
mod snapshot;
mod traffic;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::Registry,
};
use tributary_submission::Submitter;

pub(crate) use traffic::{Code, Traffic, count};

use crate::host::Host;
use families::{FAMILIES, Kind};
use snapshot::Snapshot;

/// What the page is sent as.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures as they are now. The chain is asked for its part, and left out if it does not answer soon.
pub(crate) async fn page(host: &Host, submitter: Option<&Submitter>, traffic: &Traffic) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("tributary");
    registry.register_collector(Box::new(Snapshot::take(host, submitter, traffic).await));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

/// Names, kinds, labels and meanings, as a table in Markdown.
pub fn reference() -> String {
    let mut table = String::from("| name | kind | labels | meaning |\n|---|---|---|---|\n");
    for family in FAMILIES {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let suffix = if family.kind == Kind::Counter { "_total" } else { "" };
        let labels = family.labels.join("`, `");
        let labels = if labels.is_empty() { "–".into() } else { format!("`{labels}`") };
        table += &format!("| `tributary_{}{suffix}` | {kind} | {labels} | {} |\n", family.name, family.meaning);
    }
    table
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in FAMILIES {
            let samples = (family.samples)(self);
            if samples.is_empty() {
                continue;
            }
            let mut metric = encoder.encode_descriptor(family.name, family.meaning, None, family.kind.into())?;
            for sample in samples {
                let labels: Vec<(&str, String)> = family.labels.iter().copied().zip(sample.labels).collect();
                match labels.is_empty() {
                    true => sample.value.encode(&mut metric)?,
                    false => sample.value.encode(&mut metric.encode_family(&labels)?)?,
                }
            }
        }
        Ok(())
    }
}
