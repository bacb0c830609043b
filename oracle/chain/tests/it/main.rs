//! The crate against a real chain: anvil with the real contracts, one for the whole binary.
#![allow(clippy::unwrap_used, clippy::panic)]

mod claims;
mod connecting;
mod consent;
mod deploying;
mod differential;
mod disputes;
mod javascript;
mod payroll;
mod periods;
mod posting;
mod trees;
mod world;
