//! The door to the records, and the log of who went through it.
//!
//! Nobody reads records without a [`Grant`] that the chain holds, and nobody reads them without a line in the
//! [`AccessLog`] that says who, what for and how much. The community has the log and checks it alone: [`verify`] that its
//! lines follow from each other. The owner of the file can write a log anew from the beginning; only a head noted
//! elsewhere tells, such as that of every snapshot, on chain: it is the hash of one of the [`Entries`], or something was
//! taken back.

mod entries;
mod entry;
mod grant;
mod log;
mod purposes;
#[cfg(test)]
mod tests;

pub use self::{
    entries::{Entries, verify},
    entry::{Access, Entry, FORMAT, Head, LogFault},
    grant::Grant,
    log::{AccessLog, Torn},
    purposes::Purposes,
};
