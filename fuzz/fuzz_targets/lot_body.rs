#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parking::properties::check("lot_body", data));
