#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sotto_fuzz::run("group_leaf", data));
