//! Each server has its turn, over and over, so that ratios hold on a machine that others use too.

use std::{process::Command, sync::Arc, time::Duration};

use eyre::{Result, ensure};

use super::{
    Arguments,
    load::{self, Answered},
    market::{Market, Model, Which},
    program::Server,
    question::{self, Question},
    receipts::Buyer,
    report,
};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Host,
    PlainSingle,
    PlainBatched,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Host, Self::PlainSingle, Self::PlainBatched];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Host => "host, receipts",
            Self::PlainSingle => "plain, single",
            Self::PlainBatched => "plain, batched",
        }
    }
}

/// One server at so many clients.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) model: &'static str,
    pub(super) clients: usize,
    pub(super) who: Who,
    /// Questions a second, round by round.
    pub(super) rates: Vec<f64>,
    /// Of all rounds, sorted.
    pub(super) latencies: Vec<Duration>,
    pub(super) used: Used,
}

/// What a server has used: core time, and what its ledger has written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) core_seconds: f64,
    pub(super) commits: u64,
    pub(super) writes: u64,
}

impl Used {
    fn add(&mut self, before: Self, after: Self) {
        self.core_seconds += after.core_seconds - before.core_seconds;
        self.commits += after.commits - before.commits;
        self.writes += after.writes - before.writes;
    }
}

/// The servers of one model.
struct Servers<'m> {
    market: &'m Market,
    model: &'m Model,
    buyer: Buyer,
    host: Server,
    single: Server,
    batched: Server,
}

/// Measures one model at every number of clients.
pub(super) async fn model(market: &Market, model: &Model, arguments: &Arguments) -> Result<Vec<Cell>> {
    let servers = Servers::start(market, model, arguments).await?;
    report::heading(model);
    let mut cells = Vec::new();
    for clients in &arguments.clients {
        let found = servers.at(*clients, arguments).await?;
        report::rows(&found);
        cells.extend(found);
    }
    servers.host.stop()?;
    Ok(cells)
}

/// How many questions a turn has: enough for a second or so on a small machine.
fn questions(which: Which, clients: usize) -> usize {
    match which {
        Which::Digits => (60 * clients).clamp(200, 6_000),
        Which::Encoder => (2 * clients).clamp(20, 512),
    }
}

impl<'m> Servers<'m> {
    async fn start(market: &'m Market, model: &'m Model, arguments: &Arguments) -> Result<Self> {
        let batch = arguments.max_batch.to_string();
        let host = market.serve(model, &[("TRIBUTARY_MAX_BATCH", batch.clone())])?;
        let plain = |passes: &str| {
            let mut command = Command::new(std::env::current_exe()?);
            let onnx = model.folder.join("release/model.onnx");
            command.arg("plain-host").arg("--model").arg(onnx).args(["--passes", passes, "--max-batch", &batch]);
            Server::start(&mut command)
        };
        let (single, batched) = (plain("single")?, plain("batched")?);
        let buyer = Buyer::sign_in(market, model, host.url()).await?;
        Ok(Self { market, model, buyer, host, single, batched })
    }

    fn server(&self, who: Who) -> &Server {
        match who {
            Who::Host => &self.host,
            Who::PlainSingle => &self.single,
            Who::PlainBatched => &self.batched,
        }
    }

    async fn used(&self, who: Who) -> Result<Used> {
        let server = self.server(who);
        let (commits, writes) = match who {
            Who::Host => (
                server.counted("tributary_ledger_commits_total").await?,
                server.counted("tributary_ledger_writes_total").await?,
            ),
            Who::PlainSingle | Who::PlainBatched => (0, 0),
        };
        Ok(Used { core_seconds: server.core_seconds()?, commits, writes })
    }

    async fn at(&self, clients: usize, arguments: &Arguments) -> Result<Vec<Cell>> {
        let cell = |who| Cell {
            model: self.model.which.name(),
            clients,
            who,
            rates: Vec::new(),
            latencies: Vec::new(),
            used: Used::default(),
        };
        let mut cells = Who::ALL.map(cell);
        for round in 0..=arguments.rounds {
            for cell in &mut cells {
                let before = self.used(cell.who).await?;
                let answered = self.turn(cell.who, clients, arguments).await?;
                // The first one warms up.
                if round > 0 {
                    cell.rates.push(answered.rate());
                    cell.latencies.extend(&answered.latencies);
                    cell.used.add(before, self.used(cell.who).await?);
                }
            }
        }
        cells.iter_mut().for_each(|cell| cell.latencies.sort_unstable());
        Ok(cells.into())
    }

    async fn turn(&self, who: Who, clients: usize, arguments: &Arguments) -> Result<Answered> {
        let (asset, form, records) = (self.model.asset, arguments.form, &self.market.split.test);
        let count = questions(self.model.which, clients);
        if who != Who::Host {
            let questions = Arc::new(question::plain(asset, form, records, count));
            return load::drive(self.server(who).authority(), clients, &questions).await;
        }
        let session = &self.buyer.session;
        let questions = question::signed(&self.market.chain, session, asset, form, records, count).await?;
        let questions: Arc<Vec<Question>> = Arc::new(questions);
        let before = self.buyer.counted(self.market).await?;
        let answered = load::drive(self.host.authority(), clients, &questions).await?;
        let counted = self.buyer.counted(self.market).await? - before;
        ensure!(counted == count as u64, "{count} questions were answered, the ledger counts {counted}");
        for (place, answer) in &answered.kept {
            self.buyer.check(&questions[*place], answer).await?;
        }
        Ok(answered)
    }
}
