//! Where a session computes.

use std::{fmt, str::FromStr};

use ort::ep::{CPU, CUDA, ExecutionProvider as _, ExecutionProviderDispatch, WebGPU, cuda::ConvAlgorithmSearch};

use crate::RuntimeError;

/// Where a session computes. A provider that is asked for and missing is an error, never a silent fallback.
///
/// Configuration names them as [`Display`](fmt::Display) writes them: `cpu`, `cuda`, `cuda:1`, `webgpu`; a
/// [`ProviderChoice`](crate::ProviderChoice) adds `auto`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecutionProvider {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics card of NVIDIA.
    Cuda {
        /// Which card, from 0.
        device: u16,
    },
    /// Any graphics card that Vulkan, Metal or Direct3D 12 reaches.
    WebGpu,
}

impl ExecutionProvider {
    /// As metadata names its kind: `cpu`, `cuda`, `webgpu`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda { .. } => "cuda",
            Self::WebGpu => "webgpu",
        }
    }

    /// Whether the library was built with this provider; whether it also finds a device shows when a session opens.
    pub(crate) fn is_built_in(self) -> Result<bool, ort::Error> {
        match self {
            Self::Cpu => CPU::is_available(),
            Self::Cuda { .. } => CUDA::is_available(),
            Self::WebGpu => WebGPU::is_available(),
        }
    }

    /// What makes this provider work.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Cpu => "reinstall ONNX Runtime with `npm ci --ignore-scripts`",
            Self::Cuda { .. } => {
                "install NVIDIA's driver, CUDA 13, cuDNN 9 and a build of ONNX Runtime with CUDA (the library inside \
                 PyPI's `onnxruntime-gpu` 1.30 or newer), set TRIBUTARY_ONNXRUNTIME to that library, and name a device \
                 that `nvidia-smi` lists"
            }
            Self::WebGpu => {
                "use the library of npm's `onnxruntime-node` 1.30 or newer, and on Linux install a recent Vulkan driver (of \
                 Mesa's, 25 is known to work and 22 not to) and the loader `libvulkan.so.1`"
            }
        }
    }

    /// The provider with settings under which equal inputs give equal outputs.
    pub(crate) fn dispatch(self) -> ExecutionProviderDispatch {
        match self {
            Self::Cpu => CPU::default().with_arena_allocator(true).build(),
            // Neither an algorithm chosen by a race nor numbers cut to 10 bits.
            Self::Cuda { device } => CUDA::default()
                .with_device_id(i32::from(device))
                .with_conv_algorithm_search(ConvAlgorithmSearch::Default)
                .with_tf32(false)
                .build(),
            Self::WebGpu => WebGPU::default().build(),
        }
        .error_on_failure()
    }
}

impl fmt::Display for ExecutionProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cuda { device } if *device > 0 => write!(f, "cuda:{device}"),
            other => f.write_str(other.name()),
        }
    }
}

impl FromStr for ExecutionProvider {
    type Err = RuntimeError;

    fn from_str(name: &str) -> Result<Self, RuntimeError> {
        let device = name.strip_prefix("cuda:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match (name, device.map(str::parse)) {
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda { device: 0 }),
            ("webgpu", _) => Ok(Self::WebGpu),
            (_, Some(Ok(device))) => Ok(Self::Cuda { device }),
            _ => Err(RuntimeError::UnknownProvider { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_configured_by_the_name_they_show() {
        let named = [
            ("cpu", ExecutionProvider::Cpu),
            ("cuda", ExecutionProvider::Cuda { device: 0 }),
            ("cuda:1", ExecutionProvider::Cuda { device: 1 }),
            ("webgpu", ExecutionProvider::WebGpu),
        ];
        for (name, provider) in named {
            assert_eq!(name.parse(), Ok(provider));
            assert_eq!(provider.to_string(), name);
        }
        assert_eq!("cuda:0".parse(), Ok(ExecutionProvider::Cuda { device: 0 }));
        for name in ["", "CPU", "gpu", "cuda:", "cuda:x", "cuda:+1", "cuda:70000", "cpu:1"] {
            let error = name.parse::<ExecutionProvider>().unwrap_err();
            assert_eq!(error, RuntimeError::UnknownProvider { name: name.into() });
        }
    }
}
