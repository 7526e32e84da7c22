//! Nothing: the tests stand beside.
