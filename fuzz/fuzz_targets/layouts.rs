#![no_main]
//! Interprets bytes as calls of `GlobalAlloc`.
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::layouts::run(bytes);
    assert_eq!(larder::validate(), Ok(()));
});
