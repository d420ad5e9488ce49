//! What is sent and what is kept, as bytes. Reports as they are sent, read: JSON in,
//! values that cannot be wrong out, every fault named; and `journal` and `ledger`, the
//! entries that a store keeps. Knows no HTTP and no store.

pub mod access;
pub mod fault;
pub mod form;
pub mod index;
pub mod journal;
pub mod key_text;
pub mod ledger;
pub mod plmn;
mod raw;
pub mod report;
pub mod scalar;
pub mod text;
pub mod time;
pub mod warning;
