//! Integration tests: one binary, one file per promise.

mod simulator;
