//! The ledger: everything that is written, and how to wait for it.

use std::{fmt, path::Path, sync::Arc, thread::JoinHandle};

use redb::Database;
use tokio::sync::{mpsc, oneshot};
use tributary_sdk::{B256, U256, batch::ReceiptRow, sign_in::Credential};

use crate::{
    Access, ChainBinding, CommitStats, LedgerError, Outcome, Reservation, SealedEpoch,
    commits::Commits,
    open,
    writer::{self, Command},
};

/// Writes that may wait before callers are held back.
const QUEUE: usize = 4096;

/// Durable receipts of one data folder. Share it behind an `Arc`; dropping it finishes what waits.
///
/// A future that is dropped does not take its write back: once sent, a write happens.
pub struct Ledger {
    pub(crate) database: Arc<Database>,
    binding: ChainBinding,
    recovered: u64,
    commits: Arc<Commits>,
    /// `None` only while dropping.
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Ledger {
    /// Opens the ledger in `folder`, or makes a new one there, for the given chain.
    ///
    /// Requests that a crash left reserved are voided: their answers never left.
    ///
    /// Every page's checksum is verified, so it takes as long as reading the file takes. A file of format 1 is migrated.
    ///
    /// # Errors
    /// [`LedgerError::InUse`], [`LedgerError::NotWritable`], [`LedgerError::WrongChain`], [`LedgerError::OtherFormat`],
    /// [`LedgerError::NotAtRest`], [`LedgerError::Unreadable`], [`LedgerError::Storage`], [`LedgerError::NoThread`].
    pub fn open(folder: &Path, binding: ChainBinding) -> Result<Self, LedgerError> {
        let (database, recovered) = open::open(folder, binding)?;
        Self::start(database, binding, recovered)
    }

    /// Begins to write into an opened file.
    pub(crate) fn start(database: Database, binding: ChainBinding, recovered: u64) -> Result<Self, LedgerError> {
        if recovered > 0 {
            tracing::warn!(rows = recovered, "voided requests that were being served when the server last stopped");
        }
        let database = Arc::new(database);
        let (commands, mut waiting) = mpsc::channel(QUEUE);
        let commits = Arc::new(Commits::default());
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn({
                let (database, commits) = (Arc::clone(&database), Arc::clone(&commits));
                move || writer::serve(&database, &mut waiting, &commits)
            })
            .map_err(|error| LedgerError::NoThread { reason: error.to_string() })?;
        Ok(Self { database, binding, recovered, commits, commands: Some(commands), thread: Some(thread) })
    }

    /// The chain this ledger is for.
    #[must_use]
    pub fn binding(&self) -> ChainBinding {
        self.binding
    }

    /// Rows that opening found reserved and voided.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Commits since it was opened.
    #[must_use]
    pub fn commits(&self) -> CommitStats {
        self.commits.read()
    }

    /// Reserves a request before its model runs, and counts its units against its license.
    ///
    /// Every reservation must end in [`earn`](Self::earn) or [`void`](Self::void). Serve each request in a task of its
    /// own: a client that hangs up would otherwise cancel it half-way and leave it reserved until the next start.
    ///
    /// # Errors
    /// [`LedgerError::Conflict`] if the id stands for another request; [`LedgerError::QuotaExceeded`];
    /// [`LedgerError::NoUnits`]; [`LedgerError::Storage`]; [`LedgerError::Stopped`].
    pub async fn reserve(&self, reservation: Reservation) -> Result<Outcome, LedgerError> {
        self.write(|reply| Command::Reserve { reservation, reply }).await
    }

    /// Makes a reserved request earned, with its receipt and the answer's bytes. Send the answer after this returns.
    ///
    /// The answer is kept until the epoch is sealed, for a client whose connection broke. Earning the same receipt
    /// again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotReserved`], [`LedgerError::WrongReceipt`], [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn earn(&self, receipt: ReceiptRow, answer: Vec<u8>) -> Result<(), LedgerError> {
        let request_id = receipt.request.id;
        self.write(|reply| Command::Earn { request_id, receipt: Box::new(receipt), answer, input: None, reply }).await
    }

    /// As [`earn`](Self::earn), and keeps the input's bytes until [`forget_inputs`](Self::forget_inputs).
    ///
    /// # Errors
    /// As [`earn`](Self::earn).
    pub async fn earn_with_input(
        &self,
        receipt: ReceiptRow,
        answer: Vec<u8>,
        input: Vec<u8>,
    ) -> Result<(), LedgerError> {
        let request_id = receipt.request.id;
        let (receipt, input) = (Box::new(receipt), Some(input));
        self.write(|reply| Command::Earn { request_id, receipt, answer, input, reply }).await
    }

    /// Forgets the kept inputs of receipts in epochs before this one; how many there were. What the file held is written
    /// over as the file is used again.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn forget_inputs(&self, before: u64) -> Result<u64, LedgerError> {
        self.write(|reply| Command::ForgetInputs { before, reply }).await
    }

    /// Gives a reserved request back because it will not be answered. Voiding it again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotReserved`], [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn void(&self, request_id: B256) -> Result<(), LedgerError> {
        self.write(|reply| Command::Void { request_id, reply }).await
    }

    /// Closes the open epoch, which must be number `epoch` and ends with the second `period_end`: every earned row
    /// served by then gets it, and nothing can be earned with an earlier time afterwards.
    ///
    /// Sealing a sealed epoch again changes nothing and returns the same.
    ///
    /// # Errors
    /// [`LedgerError::EpochOrder`], [`LedgerError::PeriodOrder`], [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn seal(&self, epoch: u64, period_end: u64) -> Result<SealedEpoch, LedgerError> {
        self.write(|reply| Command::Seal { epoch, period_end, reply }).await
    }

    /// Remembers who may ask. The same sign-in again changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn sign_in(&self, access: Access) -> Result<(), LedgerError> {
        self.write(|reply| Command::SignIn { access: Box::new(access), reply }).await
    }

    /// Takes a credential's permission to ask under a license away, for good: signing the same credential in again does
    /// not bring it back. The first time stands. `false` if the license has no such key.
    ///
    /// # Errors
    /// [`LedgerError::Storage`], [`LedgerError::Stopped`].
    pub async fn revoke(&self, credential: Credential, license_id: U256, at: u64) -> Result<bool, LedgerError> {
        self.write(|reply| Command::Revoke { credential, license_id, at, reply }).await
    }

    async fn write<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, LedgerError>>) -> Command,
    ) -> Result<T, LedgerError> {
        let (reply, done) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or(LedgerError::Stopped)?;
        commands.send(command(reply)).await.map_err(|_| LedgerError::Stopped)?;
        done.await.map_err(|_| LedgerError::Stopped)?
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Without a sender the writer commits what waits and ends.
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's writer panicked");
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("binding", &self.binding).finish_non_exhaustive()
    }
}
