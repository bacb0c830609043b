//! What a training that was stopped goes on from, and its file.

mod convergence;
mod descent;
mod vectors;

pub use descent::DescentState;
pub(super) use descent::Kept;

use std::path::Path;

use tributary_sdk::B256;

use self::vectors::Vectors;
use super::lbfgs;
use crate::FactoryError;

/// Name of the file in a run folder.
pub const STATE_FILE: &str = "state.safetensors";

/// A training of either kind between two steps.
#[derive(Clone, Debug)]
pub enum State {
    /// In mini-batches.
    Descent(DescentState),
    /// To convergence.
    Convergence(lbfgs::State),
}

impl State {
    /// Writes the state of the training called `run`: whole or not at all.
    ///
    /// # Errors
    /// [`FactoryError::Io`], [`FactoryError::State`].
    pub fn write(&self, path: &Path, run: B256) -> Result<(), FactoryError> {
        match self {
            Self::Descent(state) => state.vectors(),
            Self::Convergence(state) => convergence::vectors(state),
        }
        .write(path, run)
    }

    /// The state that a training called `run` left, if it left any.
    ///
    /// # Errors
    /// [`FactoryError::Io`]; [`FactoryError::State`] for a file that is cut, changed or another training's.
    pub fn read(path: &Path, run: B256) -> Result<Option<Self>, FactoryError> {
        let Some(vectors) = Vectors::read(path, run)? else { return Ok(None) };
        let state = match vectors.holds("point") {
            true => convergence::of(&vectors).map(Self::Convergence),
            false => DescentState::of(&vectors).map(Self::Descent),
        };
        state.map(Some).ok_or(FactoryError::State("its file lacks a part"))
    }
}
