//! The program's log, on standard error: text for people or a JSON object a line for programs; and traces, where they are
//! built in.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, Layer, Registry, filter, layer::SubscriberExt, util::SubscriberInitExt};

/// Which events are logged, as `tracing_subscriber` reads it.
const FILTER: &str = "TRIBUTARY_LOG";
/// Spans of its calls show the nodes' URLs, and those may carry API keys: it is never heard below this.
const NODES: &str = "alloy_transport_http=info";
/// How a line looks.
const FORMAT: &str = "TRIBUTARY_LOG_FORMAT";
/// Where traces are sent: the variables of OpenTelemetry's specification.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The log or the traces cannot be had as they are asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoggingError {
    /// A filter that does not parse.
    #[error("TRIBUTARY_LOG is no filter, such as `info,tributary_ledger=debug`: {0}")]
    Filter(#[source] filter::ParseError),
    /// A format nobody knows.
    #[error("TRIBUTARY_LOG_FORMAT is `{0}`: it is `text` or `json`")]
    Format(String),
    /// Traces that this program cannot send.
    #[cfg(not(feature = "otlp"))]
    #[error("{0} is set, and this program was built without traces: build it with --features otlp, or unset it")]
    NotBuiltIn(&'static str),
    /// Traces that cannot be sent there.
    #[cfg(feature = "otlp")]
    #[error(
        "traces cannot be sent: OTEL_EXPORTER_OTLP_ENDPOINT, or another of its variables, is not what it has to be"
    )]
    Endpoint(#[from] opentelemetry_otlp::ExporterBuildError),
}

type Output = Box<dyn Layer<Registry> + Send + Sync>;

/// Begins to log. Keep what it returns until the program ends: what was not sent yet is sent then.
pub(crate) fn begin(level: &str) -> Result<Option<traces::Sending>, LoggingError> {
    let asked = std::env::var(FILTER).ok().filter(|asked| !asked.is_empty());
    let filter = filter(asked.as_deref().unwrap_or(level)).map_err(LoggingError::Filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines: Output = match std::env::var(FORMAT).as_deref() {
        Err(_) | Ok("" | "text") => lines.with_ansi(stderr().is_terminal()).with_filter(filter).boxed(),
        Ok("json") => lines.json().flatten_event(true).with_filter(filter).boxed(),
        Ok(other) => return Err(LoggingError::Format(other.to_owned())),
    };
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut layers = vec![lines];
    let sending = match ENDPOINTS.iter().find(is_set) {
        None => None,
        Some(name) => {
            let (layer, sending) = traces::layer(name)?;
            layers.push(layer);
            Some(sending)
        }
    };
    tracing_subscriber::registry().with(layers).init();
    Ok(sending)
}

fn filter(asked: &str) -> Result<EnvFilter, filter::ParseError> {
    Ok(EnvFilter::try_new(asked)?.add_directive(NODES.parse()?))
}

#[cfg(feature = "otlp")]
mod traces {
    //! Spans to a collector: OTLP over HTTP, in protobuf.

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::SpanExporter;
    use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
    use tracing_subscriber::{EnvFilter, Layer};

    use super::{LoggingError, Output};

    /// Our own spans: what libraries do inside them is theirs.
    const SPANS: &str = "tributary_server=info,tributary_submission=info,tributary_ledger=info,tributary_runtime=info";

    /// Sends what is left when it is dropped.
    pub(crate) struct Sending(SdkTracerProvider);

    impl Drop for Sending {
        fn drop(&mut self) {
            if let Err(error) = self.0.shutdown() {
                eprintln!("the last traces were not sent: {error}");
            }
        }
    }

    pub(super) fn layer(_variable: &str) -> Result<(Output, Sending), LoggingError> {
        // Makes this process's TLS known to whoever opens connections.
        drop(tributary_sdk::client::http());
        // The exporter reads the variables itself, headers and timeouts with them.
        let exporter = SpanExporter::builder().with_http().build()?;
        let resource = Resource::builder().with_service_name("tributary").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tributary"));
        Ok((layer.with_filter(EnvFilter::new(SPANS)).boxed(), Sending(provider)))
    }
}

#[cfg(not(feature = "otlp"))]
mod traces {
    use super::{LoggingError, Output};

    /// Nothing is ever sent.
    pub(crate) enum Sending {}

    pub(super) fn layer(variable: &'static str) -> Result<(Output, Sending), LoggingError> {
        Err(LoggingError::NotBuiltIn(variable))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::fmt::format::FmtSpan;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// All that is logged while a node is asked that is not there.
    fn logged(filter: EnvFilter) -> String {
        let lines = Lines::default();
        let to = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_span_events(FmtSpan::FULL).with_writer(move || to.clone());
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tracing::subscriber::with_default(subscriber, || {
            runtime.block_on(tributary_chain::Chain::connect("http://127.0.0.1:9/v3/an-api-key")).unwrap_err();
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn nodes_urls_are_not_logged_whatever_is_asked_for() {
        assert!(
            logged(EnvFilter::new("trace")).contains("an-api-key"),
            "nobody would log it: is the filter still needed?"
        );
        for asked in ["trace", "debug", "info,alloy_transport_http=trace"] {
            let logged = logged(filter(asked).unwrap());
            assert!(!logged.contains("an-api-key"), "{asked}: {logged}");
        }
        assert!(filter("tributary=loud").is_err());
    }
}
