//! The moments that the crates name, and how a process is stopped at one: by listening to its log.

use std::{
    collections::BTreeSet,
    fmt,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::process;

/// When a process is killed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Blow {
    /// The n-th time that it comes to a moment.
    At(String, usize),
    /// When it has lived this long.
    After(Duration),
    /// When it has served this long.
    Served(Duration),
}

/// Every moment that the crates name.
pub(crate) fn all() -> BTreeSet<String> {
    let ledger = tributary_ledger::MOMENTS.iter().map(|moment| format!("tributary_ledger {moment:?}"));
    let submission = tributary_submission::MOMENTS.iter().map(|moment| format!("tributary_submission {moment:?}"));
    let server = tributary_server::moment::MOMENTS.iter().map(|moment| format!("tributary_server {moment:?}"));
    ledger.chain(submission).chain(server).collect()
}

/// Those that every start comes to.
pub(crate) fn of_opening() -> Vec<String> {
    use tributary_ledger::{Moment::*, Write};
    use tributary_server::moment::Moment::*;
    let ledger = [Decided(Write::Recovery), Durable(Write::Recovery)].map(|of| format!("tributary_ledger {of:?}"));
    let server = [HostOpened, ClerkOpened].map(|of| format!("tributary_server {of:?}"));
    [ledger, server].concat()
}

/// Tells every moment on standard output. At one of them the thread that came to it goes no further, and says so; at
/// another one the disk is full from then on.
pub(crate) struct Listener {
    stop_at: Option<(String, usize)>,
    times: AtomicUsize,
    full_at: Option<String>,
    is_full: AtomicBool,
}

impl Listener {
    pub(crate) fn new(blow: Option<Blow>, full_at: Option<String>) -> Self {
        let stop_at = match blow {
            Some(Blow::At(moment, time)) => Some((moment, time)),
            Some(Blow::After(_) | Blow::Served(_)) | None => None,
        };
        Self { stop_at, times: AtomicUsize::new(0), full_at, is_full: AtomicBool::new(false) }
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(of) = event.metadata().target().strip_suffix("::moment") else { return };
        let mut name = Name(String::new());
        event.record(&mut name);
        let moment = format!("{of} {}", name.0);
        println!("\nat {moment}");
        if self.full_at.as_ref() == Some(&moment) && !self.is_full.swap(true, Ordering::Relaxed) {
            process::keep_files_to(std::process::id(), "0");
        }
        if let Some((wanted, time)) = &self.stop_at
            && *wanted == moment
            && self.times.fetch_add(1, Ordering::Relaxed) + 1 == *time
        {
            println!("\nstopped");
            loop {
                std::thread::park();
            }
        }
    }
}

/// An event's moment.
struct Name(String);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "moment" {
            self.0 = format!("{value:?}");
        }
    }
}
