//! The chain's time, which is the only time that counts: licenses, epochs and receipts all use it.

use std::time::{Duration, Instant};

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
}

#[derive(Debug)]
struct State {
    seen: Option<(Instant, u64)>,
    /// The open epoch's first second: no receipt may carry an earlier time.
    floor: u64,
}

impl Clock {
    pub(super) fn new(chain: Chain, floor: u64) -> Self {
        Self { chain, state: Mutex::new(State { seen: None, floor }) }
    }

    /// Now, in seconds since 1970: at most a second old, unless the chain is asked again because somebody has already
    /// seen `at_least`; and never before the open epoch.
    pub(super) async fn now(&self, at_least: u64) -> Result<u64, ChainError> {
        let mut state = self.state.lock().await;
        if let Some((asked, time)) = state.seen
            && asked.elapsed() < FRESH
            && time >= at_least
        {
            return Ok(time.max(state.floor));
        }
        // Another chain's time would be in receipts for ever.
        let (head, ()) = tokio::try_join!(self.chain.head(), self.chain.check_identity())?;
        let time = head.timestamp;
        state.seen = Some((Instant::now(), time));
        Ok(time.max(state.floor))
    }

    /// The open epoch's first second.
    pub(super) async fn floor(&self) -> u64 {
        self.state.lock().await.floor
    }

    /// Waits until the chain's time is past `time`: only then can no block get that time any more.
    pub(super) async fn pass(&self, time: u64) -> Result<(), ChainError> {
        while self.chain.head().await?.timestamp <= time {
            if self.chain.is_development() {
                // It mines when it is asked to; nobody else might ask.
                anvil::advance(&self.chain, 1).await?;
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// Ends the open epoch with the last second that can get no more blocks, and starts the next one right after it.
    pub(super) async fn end_epoch(&self) -> Result<u64, ChainError> {
        let mut state = self.state.lock().await;
        let time = self.chain.head().await?.timestamp;
        state.seen = None;
        state.floor = state.floor.max(time);
        Ok(time.saturating_sub(1))
    }
}
