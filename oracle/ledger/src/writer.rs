//! The one thread that writes: it takes everything that waits into one commit, then answers.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use redb::Database;
use tokio::sync::{mpsc, oneshot};
use tributary_sdk::{B256, U256, batch::ReceiptRow, sign_in::Credential};

use crate::{
    Access, LedgerError, Outcome, Reservation, SealedEpoch, access,
    commits::Commits,
    epochs,
    moment::{Moment, Write},
    requests,
    tables::Tables,
};

/// Most writes in one commit: the first to come waits for all of them.
const GROUP: usize = 512;
/// What part of the last commit's time the next one waits for more writes at most.
const PATIENCE: u32 = 4;
/// How often it looks whether they have come.
const LOOK_EVERY: Duration = Duration::from_micros(200);

type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// A write, and who waits for it.
pub(crate) enum Command {
    Reserve { reservation: Reservation, reply: Reply<Outcome> },
    Earn { request_id: B256, receipt: Box<ReceiptRow>, answer: Vec<u8>, input: Option<Vec<u8>>, reply: Reply<()> },
    ForgetInputs { before: u64, reply: Reply<u64> },
    Void { request_id: B256, reply: Reply<()> },
    Seal { epoch: u64, period_end: u64, reply: Reply<SealedEpoch> },
    SignIn { access: Box<Access>, reply: Reply<()> },
    Revoke { credential: Credential, license_id: U256, at: u64, reply: Reply<bool> },
}

/// Sends one caller's result once the commit is known to have succeeded, or its error if it has not.
type Answer = Box<dyn FnOnce(Option<&LedgerError>) + Send>;

/// Serves commands until every sender is gone and nothing waits.
pub(crate) fn serve(database: &Arc<Database>, commands: &mut mpsc::Receiver<Command>, commits: &Commits) {
    let mut group = Vec::with_capacity(GROUP);
    let mut last = Last { writes: 1, took: Duration::ZERO };
    while commands.blocking_recv_many(&mut group, GROUP) > 0 {
        last.gather(commands, &mut group);
        let begun = Instant::now();
        let mut answers = Vec::with_capacity(group.len());
        let writes: Vec<Write> = group.iter().map(Write::from).collect();
        let failure = commit(database, &writes, group.drain(..), &mut answers).err();
        commits.count(answers.len(), failure.is_some(), begun.elapsed());
        if let Some(error) = &failure {
            tracing::error!(%error, writes = answers.len(), "a commit failed");
        }
        last = Last { writes: answers.len(), took: begun.elapsed() };
        for answer in answers {
            answer(failure.as_ref());
        }
        group.clear();
    }
}

/// The last commit: a commit costs nearly the same however many writes it has, and whoever was answered by the last one
/// often writes again at once, as a reservation is followed by its receipt.
struct Last {
    writes: usize,
    took: Duration,
}

impl Last {
    /// Waits until as many writes have come as the last commit had, but no longer than a part of what it took. Who is
    /// alone waits for nobody.
    fn gather(&self, commands: &mut mpsc::Receiver<Command>, group: &mut Vec<Command>) {
        let (begun, most) = (Instant::now(), self.took.checked_div(PATIENCE).unwrap_or_default());
        while group.len() < self.writes.min(GROUP) && begun.elapsed() < most {
            thread::sleep(LOOK_EVERY);
            while group.len() < GROUP
                && let Ok(command) = commands.try_recv()
            {
                group.push(command);
            }
        }
    }
}

fn commit(
    database: &Database,
    writes: &[Write],
    commands: impl Iterator<Item = Command>,
    answers: &mut Vec<Answer>,
) -> Result<(), LedgerError> {
    let begun = database.begin_write().map_err(LedgerError::from);
    let mut transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => {
            answers.extend(commands.map(|command| refuse(command, error.clone())));
            return Err(error);
        }
    };
    transaction.set_two_phase_commit(true);
    {
        let mut tables = match Tables::open(&transaction) {
            Ok(tables) => tables,
            Err(error) => {
                answers.extend(commands.map(|command| refuse(command, error.clone())));
                return Err(error);
            }
        };
        let mut broken = None;
        for command in commands {
            let (answer, storage) = apply(&mut tables, command);
            answers.push(answer);
            broken = broken.or(storage);
        }
        // Half of a write may be in the tables: nothing of this group may be kept.
        if let Some(error) = broken {
            return Err(error);
        }
    }
    writes.iter().for_each(|write| Moment::Decided(*write).reached());
    transaction.commit()?;
    writes.iter().for_each(|write| Moment::Durable(*write).reached());
    Ok(())
}

/// Performs a write; also returns the error if it may have been left half done.
fn apply(tables: &mut Tables<'_>, command: Command) -> (Answer, Option<LedgerError>) {
    match command {
        Command::Reserve { reservation, reply } => later(requests::reserve(tables, &reservation), reply),
        Command::Earn { request_id, receipt, answer, input, reply } => {
            later(requests::earn(tables, request_id, &receipt, &answer, input.as_deref()), reply)
        }
        Command::ForgetInputs { before, reply } => later(requests::forget_inputs(tables, before), reply),
        Command::Void { request_id, reply } => later(requests::void(tables, request_id), reply),
        Command::Seal { epoch, period_end, reply } => later(epochs::seal(tables, epoch, period_end), reply),
        Command::SignIn { access, reply } => later(access::sign_in(tables, &access), reply),
        Command::Revoke { credential, license_id, at, reply } => {
            later(access::revoke(tables, credential, license_id, at), reply)
        }
    }
}

fn later<T: Send + 'static>(result: Result<T, LedgerError>, reply: Reply<T>) -> (Answer, Option<LedgerError>) {
    let broken = match &result {
        Err(error @ (LedgerError::Storage { .. } | LedgerError::Overflow { .. })) => Some(error.clone()),
        _ => None,
    };
    let answer = move |failure: Option<&LedgerError>| {
        let result = match failure {
            Some(failure) => Err(failure.clone()),
            None => result,
        };
        // A caller that went away no longer wants to know; the row is durable all the same.
        let _ = reply.send(result);
    };
    (Box::new(answer), broken)
}

fn refuse(command: Command, error: LedgerError) -> Answer {
    match command {
        Command::Reserve { reply, .. } => later(Err(error), reply).0,
        Command::Seal { reply, .. } => later(Err(error), reply).0,
        Command::Revoke { reply, .. } => later(Err(error), reply).0,
        Command::ForgetInputs { reply, .. } => later(Err(error), reply).0,
        Command::Earn { reply, .. } | Command::Void { reply, .. } | Command::SignIn { reply, .. } => {
            later(Err(error), reply).0
        }
    }
}
