//! The host and the program against real parts: anvil with the contracts, ONNX Runtime, HTTP, separate processes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod adversaries;
mod attesting;
mod chain_faults;
mod clerk;
mod collecting;
mod connecting;
mod crash;
mod disk;
mod doctor;
mod epochs;
mod folders;
mod foreign;
mod freshness;
mod generations;
mod http;
mod idempotency;
mod improving;
mod licenses;
mod lying_host;
mod metrics;
#[cfg(feature = "s3")]
mod mirror;
mod program;
#[path = "../../../submission/tests/it/proxy.rs"]
mod proxy;
mod release_files;
mod releasing;
mod requests;
mod rough_clients;
mod serving;
mod stopping;
mod studio;
mod submissions;
mod tampered;
mod terms;
mod town;
#[cfg(feature = "otlp")]
mod traces;
mod training;
mod walk;
mod watching;
mod withheld;
