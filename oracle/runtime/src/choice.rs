//! Which provider a model is asked to run on, and which one it runs on.

use std::{fmt, str::FromStr};

use crate::{ExecutionProvider, RuntimeError};

/// What [`ProviderChoice::Auto`] tries, in this order, before the processor.
const BEFORE_THE_PROCESSOR: [ExecutionProvider; 2] = [ExecutionProvider::Cuda { device: 0 }, ExecutionProvider::WebGpu];

/// Where to compute, as configuration says it: `auto`, or an [`ExecutionProvider`] by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderChoice {
    /// The first of `cuda`, `webgpu` and `cpu` on which the model at hand opens and computes.
    Auto,
    /// This one or none.
    Named(ExecutionProvider),
}

/// What was asked for and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Providers {
    /// As configured.
    pub asked: ProviderChoice,
    /// Where the sessions compute.
    pub running: ExecutionProvider,
}

impl ProviderChoice {
    /// Opens what `open` opens on the provider that is meant. Why `auto` passed one over goes into the log.
    pub(crate) fn open<T>(
        self,
        mut open: impl FnMut(ExecutionProvider) -> Result<T, RuntimeError>,
    ) -> Result<(Providers, T), RuntimeError> {
        let (last, earlier) = match self {
            Self::Auto => (ExecutionProvider::Cpu, &BEFORE_THE_PROCESSOR[..]),
            Self::Named(provider) => (provider, &[][..]),
        };
        let mut refused = Vec::new();
        for provider in earlier {
            match open(*provider) {
                Ok(opened) => return Ok((self.found(*provider, &refused), opened)),
                Err(error) => refused.push(format!("{provider}: {error}")),
            }
        }
        let opened = open(last)?;
        Ok((self.found(last, &refused), opened))
    }

    fn found(self, running: ExecutionProvider, refused: &[String]) -> Providers {
        tracing::info!(asked = %self, %running, refused = refused.join("; "), "the model is open");
        Providers { asked: self, running }
    }
}

impl Default for ProviderChoice {
    fn default() -> Self {
        Self::Named(ExecutionProvider::default())
    }
}

impl From<ExecutionProvider> for ProviderChoice {
    fn from(provider: ExecutionProvider) -> Self {
        Self::Named(provider)
    }
}

impl fmt::Display for ProviderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(provider) => provider.fmt(f),
        }
    }
}

impl FromStr for ProviderChoice {
    type Err = RuntimeError;

    fn from_str(name: &str) -> Result<Self, RuntimeError> {
        if name == "auto" { Ok(Self::Auto) } else { name.parse().map(Self::Named) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Opens on the given providers only; says which ones were tried.
    fn attempt(
        choice: ProviderChoice,
        works: &[ExecutionProvider],
    ) -> (Vec<ExecutionProvider>, Result<ExecutionProvider, RuntimeError>) {
        let mut tried = Vec::new();
        let opened = choice.open(|provider| {
            tried.push(provider);
            let missing = RuntimeError::ProviderMissing { provider, reason: "none here".into() };
            works.contains(&provider).then_some(provider).ok_or(missing)
        });
        let running = opened.map(|(providers, opened)| {
            assert_eq!((providers.asked, providers.running), (choice, opened));
            opened
        });
        (tried, running)
    }

    #[test]
    fn choices_are_configured_by_the_name_they_show() {
        let named = [
            ("auto", ProviderChoice::Auto),
            ("cpu", ExecutionProvider::Cpu.into()),
            ("cuda", ExecutionProvider::Cuda { device: 0 }.into()),
            ("cuda:1", ExecutionProvider::Cuda { device: 1 }.into()),
            ("webgpu", ExecutionProvider::WebGpu.into()),
        ];
        for (name, choice) in named {
            assert_eq!(name.parse(), Ok(choice));
            assert_eq!(choice.to_string(), name);
        }
        let error = "Auto".parse::<ProviderChoice>().unwrap_err();
        assert_eq!(error, RuntimeError::UnknownProvider { name: "Auto".into() });
        for name in ["auto", "cpu", "cuda", "cuda:1", "webgpu"] {
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn auto_takes_the_first_that_works() {
        use ExecutionProvider::{Cpu, Cuda, WebGpu};
        let cuda = Cuda { device: 0 };
        assert_eq!(attempt(ProviderChoice::Auto, &[Cpu, WebGpu, cuda]), (vec![cuda], Ok(cuda)));
        assert_eq!(attempt(ProviderChoice::Auto, &[Cpu, WebGpu]), (vec![cuda, WebGpu], Ok(WebGpu)));
        assert_eq!(attempt(ProviderChoice::Auto, &[Cpu]), (vec![cuda, WebGpu, Cpu], Ok(Cpu)));
    }

    #[test]
    fn a_named_provider_is_never_replaced() {
        let cuda = ExecutionProvider::Cuda { device: 1 };
        let (tried, opened) = attempt(cuda.into(), &[ExecutionProvider::Cpu]);
        assert_eq!(tried, [cuda]);
        assert!(matches!(opened.unwrap_err(), RuntimeError::ProviderMissing { provider, .. } if provider == cuda));
    }
}
