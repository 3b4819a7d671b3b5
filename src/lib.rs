//! The library behind the `scanhook` command.

pub mod simulator;
