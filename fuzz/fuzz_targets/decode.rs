//! Messages of any bytes, read as values of many types.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| multiproc::__fuzz::decode(input));
