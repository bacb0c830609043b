//! Records and what can be done with them before anybody trains.

mod csv;
mod likeness;
pub mod partition;
mod record;
mod split;

pub use csv::Dataset;
pub use likeness::Likeness;
pub use record::{Record, Schema, records_hash};
pub use split::{Split, SplitSizes};
