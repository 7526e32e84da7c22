//! Tests of multiproc.
