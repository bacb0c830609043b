//! What durable, signed receipts cost: the host beside plain servers of the same model.
//!
//! Every part is a process of its own: the embedded chain, the host (`tributary serve` in a data folder that commands
//! made), the plain servers, and this process, which asks. All speak the Open Inference Protocol with the same bodies.
//!
//! | module | what it holds |
//! |---|---|
//! | `market` | a chain with a community, two published models and licenses, made by commands |
//! | `encoder` | the larger model: a transformer encoder, attributed and written as a release |
//! | `program` | the program's commands and servers as processes, and what the system says of them |
//! | `plain` | the alternatives: axum and ONNX Runtime without a ledger, one record a pass or in batches |
//! | `question`, `wire`, `load` | requests as bytes, signed beforehand; a connection; clients that ask one after another |
//! | `receipts` | that every answer was counted and its receipt is the host's |
//! | `measure`, `report` | cells in turn; the table |
//! | `soak` | ten minutes of all of it, and whether the host's memory stays flat |

mod encoder;
mod load;
mod market;
mod measure;
pub(crate) mod plain;
mod program;
mod question;
mod receipts;
mod report;
pub(crate) mod soak;
mod wire;

use std::{fs, path::PathBuf};

use eyre::{Result, WrapErr};
use tokio::runtime;

use market::{Market, Which};
use question::Form;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    data: PathBuf,
    /// Models: `digits` (650 numbers), `encoder` (19 million).
    #[arg(long, value_delimiter = ',', default_value = "digits,encoder")]
    models: Vec<Which>,
    /// How many clients ask at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    clients: Vec<usize>,
    /// How tensors travel.
    #[arg(long, default_value = "binary")]
    form: Form,
    /// How often each server has its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Most records in a pass, of the host and of the plain server that batches.
    #[arg(long, default_value_t = 32)]
    max_batch: usize,
    /// Where the figures go.
    #[arg(long, default_value = "bench/results/server.json")]
    results: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // One thread asks: the cores are the servers'.
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(measured(arguments))
}

async fn measured(arguments: &Arguments) -> Result<()> {
    let mut market = Market::open(&arguments.data).await?;
    let mut cells = Vec::new();
    for which in &arguments.models {
        let model = market.model(*which).await?;
        cells.extend(measure::model(&market, &model, arguments).await?);
    }
    let results = report::json(&cells, arguments);
    fs::write(&arguments.results, format!("{results:#}\n"))
        .wrap_err_with(|| format!("cannot write {}", arguments.results.display()))?;
    println!("\nfigures in {}", arguments.results.display());
    Ok(())
}
