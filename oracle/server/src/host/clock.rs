//! The chain's time, which is the only time that counts: licenses, epochs and receipts all use it.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tributary_chain::{Chain, ChainError};

/// A head this young is used again.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Clock {
    chain: Chain,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    seen: Option<(Instant, u64)>,
    /// No receipt may carry an earlier time: the epoch before ended just before it.
    floor: u64,
}

impl Clock {
    pub(super) fn new(chain: Chain, floor: u64) -> Self {
        Self { chain, state: Mutex::new(State { seen: None, floor }) }
    }

    /// Now, in seconds since 1970; at most a second old, and never before the open epoch.
    pub(super) async fn now(&self) -> Result<u64, ChainError> {
        let mut state = self.state.lock().await;
        if let Some((asked, time)) = state.seen
            && asked.elapsed() < FRESH
        {
            return Ok(time.max(state.floor));
        }
        let time = self.chain.head().await?.timestamp;
        state.seen = Some((Instant::now(), time));
        Ok(time.max(state.floor))
    }

    /// Ends the epoch now: returns its last second, and starts the next epoch one second later.
    pub(super) async fn end_epoch(&self) -> Result<u64, ChainError> {
        let mut state = self.state.lock().await;
        let end = self.chain.head().await?.timestamp.max(state.floor);
        state.seen = None;
        state.floor = end.saturating_add(1);
        Ok(end)
    }
}
