//! A host under load for minutes: answers with receipts, sign-ins, epochs that are closed, attested and posted. It fails
//! where the host's memory grows, or where a question is not answered.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eyre::{Result, ensure, eyre};
use tokio::{runtime, task::JoinSet, time::sleep};
use tributary_chain::{Chain, anvil};
use tributary_dataset::Record;
use tributary_sdk::{AssetId, client::Session};

use super::{
    market::{Market, Model, WINDOW, Which},
    program::{OPERATOR_TOKEN, Server},
    question::{self, Form},
    receipts::Buyer,
    wire::Connection,
};

const DAY: u64 = 24 * 60 * 60;
/// Between two looks at the host's memory.
const LOOK: Duration = Duration::from_millis(500);
/// Between two sign-ins.
const SIGN_IN: Duration = Duration::from_secs(1);

/// How long and how hard.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The digits, as CSV.
    #[arg(long, default_value = "demo/digits.csv")]
    data: PathBuf,
    /// Minutes of load.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many clients ask at once.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Questions a second, of all clients together.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds between two epochs' ends.
    #[arg(long, default_value_t = 30)]
    epoch: u64,
    /// By how much memory may grow, in percent: the mean of the last third over that of the middle third, and the line of
    /// least squares through both.
    #[arg(long, default_value_t = 10.0)]
    growth: f64,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    /// Signed before an epoch ended and asked after it: signed again.
    stale: AtomicU64,
    signed_in: AtomicU64,
    epochs: AtomicU64,
    done: AtomicBool,
}

impl Counts {
    fn add(count: &AtomicU64) {
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn read(count: &AtomicU64) -> u64 {
        count.load(Ordering::Relaxed)
    }

    fn goes_on(&self) -> bool {
        !self.done.load(Ordering::Relaxed)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(soak(arguments))
}

async fn soak(arguments: &Arguments) -> Result<()> {
    let mut market = Market::open(&arguments.data).await?;
    let model = market.model(Which::Digits).await?;
    let market = Arc::new(market);
    let server = market.serve(&model, &[])?;
    let buyer = Buyer::sign_in(&market, &model, server.url()).await?;
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    for _ in 0..arguments.clients {
        let client = Client {
            chain: market.chain.clone(),
            session: buyer.session.clone(),
            asset: model.asset,
            records: market.split.test.clone(),
            connection: Connection::open(server.authority()).await?,
            every: Duration::from_secs(1) * arguments.clients / arguments.rate.max(1),
        };
        tasks.spawn(client.ask(Arc::clone(&counts)));
    }
    tasks.spawn(sign_in(Arc::clone(&market), buyer.clone(), Arc::clone(&counts)));
    tasks.spawn(settle(
        Arc::clone(&market),
        model,
        buyer,
        server.url().to_owned(),
        arguments.epoch,
        Arc::clone(&counts),
    ));

    let memory = watch(&server, arguments.minutes, &counts, &mut tasks).await?;
    counts.done.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    server.stop()?;
    let (answered, stale) = (Counts::read(&counts.answered), Counts::read(&counts.stale));
    let (signed_in, epochs) = (Counts::read(&counts.signed_in), Counts::read(&counts.epochs));
    println!("{answered} answers with receipts, {stale} signed again, {signed_in} sign-ins, {epochs} epochs posted");
    ensure!(epochs > 1, "the soak is too short: only {epochs} epochs were posted");
    memory.check(arguments.growth)
}

/// Samples the host's memory until the time is over, or until a task fails.
async fn watch(server: &Server, minutes: f64, counts: &Counts, tasks: &mut JoinSet<Result<()>>) -> Result<Memory> {
    let (began, length) = (Instant::now(), Duration::from_secs_f64(minutes * 60.0));
    let mut memory = Memory::default();
    let mut told = 0;
    while began.elapsed() < length {
        sleep(LOOK).await;
        if let Some(ended) = tasks.try_join_next() {
            return Err(ended?.err().unwrap_or_else(|| eyre!("a client ended early")));
        }
        let (seconds, bytes) = (began.elapsed().as_secs_f64(), server.resident()?);
        memory.samples.push((seconds, bytes as f64));
        if seconds as u64 / 30 > told {
            told = seconds as u64 / 30;
            let (answers, epochs) = (Counts::read(&counts.answered), Counts::read(&counts.epochs));
            println!("{seconds:>5.0} s  {:>6.1} MB  {answers:>7} answers  {epochs:>3} epochs", bytes as f64 / 1e6);
        }
    }
    Ok(memory)
}

/// One client, at a pace of its own.
struct Client {
    chain: Chain,
    session: Session,
    asset: AssetId,
    records: Vec<Record>,
    connection: Connection,
    every: Duration,
}

impl Client {
    async fn ask(mut self, counts: Arc<Counts>) -> Result<()> {
        let mut place = 0;
        while counts.goes_on() {
            let (began, from) = (Instant::now(), place % self.records.len());
            let record = &self.records[from..=from];
            let questions = question::signed(&self.chain, &self.session, self.asset, Form::Binary, record, 1).await?;
            for question in &questions {
                let answer = self.connection.ask(&question.bytes).await?;
                let body = String::from_utf8_lossy(&answer.body);
                match answer.status {
                    200 => Counts::add(&counts.answered),
                    409 if body.contains("stale_request") => Counts::add(&counts.stale),
                    other => return Err(eyre!("{other}: {body}")),
                }
            }
            place += 1;
            sleep(self.every.saturating_sub(began.elapsed())).await;
        }
        Ok(())
    }
}

/// Signs keys in, one after another.
async fn sign_in(market: Arc<Market>, buyer: Buyer, counts: Arc<Counts>) -> Result<()> {
    while counts.goes_on() {
        buyer.sign_another_in(&market).await?;
        Counts::add(&counts.signed_in);
        sleep(SIGN_IN).await;
    }
    Ok(())
}

/// Closes epochs, has them attested and posted, and lets their windows pass.
async fn settle(
    market: Arc<Market>,
    model: Model,
    buyer: Buyer,
    url: String,
    seconds: u64,
    counts: Arc<Counts>,
) -> Result<()> {
    loop {
        for _ in 0..seconds {
            sleep(Duration::from_secs(1)).await;
            if !counts.goes_on() {
                return Ok(());
            }
        }
        // A part of the fee is earned meanwhile.
        anvil::advance(&market.chain, DAY).await?;
        buyer.client.close_epoch(model.asset, OPERATOR_TOKEN).await?;
        let (others, url) = (Arc::clone(&market), url.clone());
        // Commands block: the clients go on meanwhile.
        let posting = tokio::task::spawn_blocking(move || {
            for attestor in &others.attestors {
                others.program.run(attestor, &["attest", "--host", &url, "--once"])?;
            }
            others.program.run(&others.host, &["epoch", "post", "--host", &url])
        });
        posting.await??;
        anvil::advance(&market.chain, WINDOW).await?;
        Counts::add(&counts.epochs);
    }
}

/// Bytes that the host held, by seconds.
#[derive(Debug, Default)]
struct Memory {
    samples: Vec<(f64, f64)>,
}

impl Memory {
    /// The first third is the host's to fill its caches. In the other two, neither may the last third's mean be above the
    /// middle one's, nor the line of least squares rise from its begin to its end, by more than `growth` percent.
    fn check(&self, growth: f64) -> Result<()> {
        let third = self.samples.len() / 3;
        let (middle, last) = (&self.samples[third..2 * third], &self.samples[2 * third..]);
        let (before, after) = (mean(middle), mean(last));
        let (means, line) = (100.0 * (after / before - 1.0), 100.0 * rise(&self.samples[third..]) / before);
        println!(
            "memory: {:.1} MB in the middle third, {:.1} MB in the last ({means:+.1} %); least squares {line:+.1} %; at most \
             {growth} % are allowed",
            before / 1e6,
            after / 1e6
        );
        ensure!(means <= growth && line <= growth, "the host's memory grows");
        Ok(())
    }
}

fn mean(samples: &[(f64, f64)]) -> f64 {
    samples.iter().map(|(_, bytes)| bytes).sum::<f64>() / samples.len() as f64
}

/// By how much the line of least squares rises from the first sample to the last.
fn rise(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let (time, bytes) = (samples.iter().map(|(seconds, _)| seconds).sum::<f64>() / count, mean(samples));
    let (mut across, mut along) = (0.0, 0.0);
    for (seconds, held) in samples {
        across += (seconds - time) * (held - bytes);
        along += (seconds - time).powi(2);
    }
    let length = samples.last().map_or(0.0, |(last, _)| last - samples[0].0);
    across / along * length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: impl Fn(f64) -> f64) -> Memory {
        Memory { samples: (0..600).map(f64::from).map(|second| (second, bytes(second))).collect() }
    }

    #[test]
    fn memory_that_is_flat_after_its_first_third_passes() {
        memory(|second| 1e8 * (second / 200.0).min(1.0)).check(10.0).unwrap();
        memory(|second| 1e8 + 2e7 * (second / 30.0).sin()).check(10.0).unwrap();
    }

    #[test]
    fn memory_that_grows_fails_however_slowly_it_began() {
        assert!(memory(|second| 1e8 + 5e4 * second).check(10.0).is_err());
        assert!(memory(|second| 1e8 + 2e5 * (second - 400.0).max(0.0)).check(10.0).is_err());
    }
}
