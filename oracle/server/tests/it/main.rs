//! The host and the program against real parts: anvil with the contracts, ONNX Runtime, HTTP, separate processes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod adversaries;
mod attesting;
mod clerk;
mod epochs;
mod folders;
mod foreign;
mod http;
mod idempotency;
mod licenses;
mod lying_host;
mod program;
mod release_files;
mod requests;
mod rough_clients;
mod serving;
mod studio;
mod tampered;
mod town;
mod training;
mod walk;
mod watching;
