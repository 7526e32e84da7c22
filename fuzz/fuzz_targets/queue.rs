//! A queue whose memory and sockets hold any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| multiproc::__fuzz::queue(input));
