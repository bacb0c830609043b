//! The one ONNX Runtime library a process holds.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ort::{environment::Environment, logging::LogLevel};

use crate::{RuntimeError, discovery};

/// Environment variable that names the library file (or its folder).
pub const LIBRARY_VARIABLE: &str = "TRIBUTARY_ONNXRUNTIME";

/// ONNX Runtime allows one environment per process, for as long as the process lives.
static LOADED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);

/// The loaded ONNX Runtime library. Clones share it.
#[derive(Clone)]
pub struct OnnxRuntime {
    path: PathBuf,
    environment: Environment,
}

impl OnnxRuntime {
    /// Loads ONNX Runtime from `configured`, else from [`LIBRARY_VARIABLE`], else from the npm package
    /// `onnxruntime-node` in a `node_modules` folder at or above the current directory or the executable.
    ///
    /// `configured` may be the library file or the folder that holds it. Later calls return the library
    /// that is already loaded.
    ///
    /// # Errors
    /// [`RuntimeError::LibraryNotFound`], [`RuntimeError::LibraryUnusable`],
    /// [`RuntimeError::UnsupportedPlatform`], or [`RuntimeError::OtherLibraryLoaded`] if an earlier call
    /// loaded another file.
    pub fn load(configured: Option<&Path>) -> Result<Self, RuntimeError> {
        let variable = std::env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let chosen = configured.or(variable.as_deref());

        // A poisoned lock guards a plain Option that is always whole.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(runtime), None) = (loaded.as_ref(), chosen) {
            return Ok(runtime.clone());
        }
        let path = discovery::locate(chosen, &search_starts())?;
        if let Some(runtime) = loaded.as_ref() {
            return if runtime.path == path {
                Ok(runtime.clone())
            } else {
                Err(RuntimeError::OtherLibraryLoaded { loaded: runtime.path.clone(), asked: path })
            };
        }

        let unusable = |reason: &dyn fmt::Display| RuntimeError::LibraryUnusable {
            path: path.clone(),
            reason: reason.to_string(),
        };
        let environment = ort::init_from(&path)
            .map_err(|error| unusable(&error))?
            .with_name("tributary")
            .with_telemetry(false)
            .build()
            .map_err(|error| unusable(&error))?;
        environment.set_log_level(LogLevel::Warning);
        tracing::debug!(path = %path.display(), "ONNX Runtime loaded");
        let runtime = Self { path, environment };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// ONNX Runtime's own description of its build: version, commit, compiler flags.
    #[must_use]
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The current directory, and the folder of the executable.
fn search_starts() -> Vec<PathBuf> {
    let executable = std::env::current_exe().ok().and_then(|file| file.parent().map(Path::to_path_buf));
    std::env::current_dir().ok().into_iter().chain(executable).collect()
}
