//! What the detector does with facts that are not what one hopes for, and what never
//! changes whatever the facts.

mod ask;
mod bursts;
mod clocks;
mod explain;
mod gap;
mod hard;
mod history;
mod learn;
mod look;
mod onset;
mod others;
mod outage;
mod properties;
mod quiet;
mod score;
mod spam;
mod spread;
mod story;
mod threshold;
mod world;
