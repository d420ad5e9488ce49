//! Stories of incidents, told with episodes and counts made by hand.

mod desk;
mod region;
mod register;
mod world;
