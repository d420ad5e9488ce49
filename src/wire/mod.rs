//! Reports as they are sent, read: JSON in, values that cannot be wrong out, every fault named. Knows no HTTP and no store.

pub mod fault;
pub mod report;
pub mod scalar;
pub mod time;
