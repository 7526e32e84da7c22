//! Packets of any bytes, received from a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| multiproc::__fuzz::connection(input));
