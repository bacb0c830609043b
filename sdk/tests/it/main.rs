//! The crate as verifiers use it: the golden vectors that Solidity tests too, published files, and the client.
#![allow(clippy::unwrap_used, clippy::panic)]

mod client;
mod published;
mod sign_in;
mod vectors;
