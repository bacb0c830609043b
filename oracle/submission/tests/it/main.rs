//! The crate against a real chain: anvil, and a contract that takes a value once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod chaos;
mod disk;
mod faults;
mod others;
mod path;
mod proxy;
mod standby;
mod world;
