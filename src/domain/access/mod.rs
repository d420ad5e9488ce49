//! Who may do what: sources (apps), their keys, and the entries of the ledger that tell of
//! them.

pub mod entry;
pub mod key;
pub mod rate;
pub mod scope;
pub mod source;
pub mod table;
