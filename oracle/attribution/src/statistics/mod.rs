//! How attribution is judged: by whether the scores rank retrained models as the models themselves do.

mod bootstrap;
mod lds;
mod rank;

pub use bootstrap::{Interval, RESAMPLES, bootstrap};
pub use lds::{Datamodelling, lds, subset_sums};
pub use rank::spearman;
