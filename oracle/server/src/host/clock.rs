//! The chain's time, which is the only time that counts: licenses, epochs and receipts all use it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;
use tributary_chain::{Chain, ChainError, anvil};

/// A head this young is used again.
const FRESH: Duration = Duration::from_secs(1);
/// How often a closing epoch looks for the next block.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Clock {
    chain: Chain,
    state: Mutex<State>,
    /// The last second of the open epoch while it is being closed, else 0.
    closing: AtomicU64,
}

#[derive(Debug)]
struct State {
    seen: Option<(Instant, u64)>,
    /// The latest time that was ever given: a chain that was reorganised may be before it.
    given: u64,
    /// The open epoch's first second: no receipt may carry an earlier time.
    floor: u64,
}

impl Clock {
    pub(super) fn new(chain: Chain, floor: u64) -> Self {
        let state = Mutex::new(State { seen: None, given: 0, floor });
        Self { chain, state, closing: AtomicU64::new(0) }
    }

    /// Now, in seconds since 1970: at most a second old, unless the chain is asked again because somebody has already
    /// seen `at_least`; and never before the open epoch.
    pub(super) async fn now(&self, at_least: u64) -> Result<u64, ChainError> {
        self.time(at_least, None).await
    }

    /// When a request of `issued_at` is served. One that was signed before the end of an epoch that is being closed is
    /// served before it as well: a receipt whose request is of one epoch and whose time is of the next would be in none.
    pub(super) async fn served(&self, issued_at: u64) -> Result<u64, ChainError> {
        self.time(issued_at, Some(issued_at)).await
    }

    async fn time(&self, at_least: u64, request: Option<u64>) -> Result<u64, ChainError> {
        let mut state = self.state.lock().await;
        let time = match state.seen {
            Some((asked, time)) if asked.elapsed() < FRESH && time >= at_least => time,
            _ => {
                // Another chain's time would be in receipts for ever.
                let (head, ()) = tokio::try_join!(self.chain.head(), self.chain.check_identity())?;
                state.seen = Some((Instant::now(), head.timestamp));
                head.timestamp
            }
        };
        let end = self.closing.load(Ordering::SeqCst);
        let time = if request.is_some_and(|issued_at| issued_at <= end) { time.min(end) } else { time };
        let time = time.max(state.floor);
        state.given = state.given.max(time);
        Ok(time)
    }

    /// The open epoch's first second.
    pub(super) async fn floor(&self) -> u64 {
        self.state.lock().await.floor
    }

    /// Decides which second is the open epoch's last, after `collected`, and waits until no block can get that time any
    /// more. No time that was given before is later, and none that is given meanwhile to a request from before it.
    pub(super) async fn close(&self, collected: u64) -> Result<Closing<'_>, ChainError> {
        let end = {
            let state = self.state.lock().await;
            let end = self.chain.head().await?.timestamp.max(state.given).max(state.floor).max(collected);
            self.closing.store(end, Ordering::SeqCst);
            end
        };
        let closing = Closing { clock: self, end };
        self.pass(end).await?;
        Ok(closing)
    }

    /// Waits until the chain's time is past `time`.
    async fn pass(&self, time: u64) -> Result<(), ChainError> {
        loop {
            let now = self.chain.head().await?.timestamp;
            if now > time {
                return Ok(());
            }
            if self.chain.is_development() {
                // It mines when it is asked to; nobody else might ask.
                anvil::advance(&self.chain, time.saturating_sub(now).saturating_add(1)).await?;
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// An epoch that is being closed; it goes on if this is dropped.
#[derive(Debug)]
pub(super) struct Closing<'c> {
    clock: &'c Clock,
    end: u64,
}

impl Closing<'_> {
    /// Starts the next epoch right after the last second of this one, which is returned. Nobody may be taking a time for a
    /// receipt.
    pub(super) async fn done(self) -> u64 {
        let mut state = self.clock.state.lock().await;
        state.seen = None;
        state.floor = state.floor.max(self.end.saturating_add(1));
        self.end
    }
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.clock.closing.store(0, Ordering::SeqCst);
    }
}
