//! Tests that run in processes of their own: what they are spared, how they end, and what the test
//! harness is told.

mod cases;
mod gate;
mod isolation;
mod kinds;
mod outcomes;
mod subjects;
