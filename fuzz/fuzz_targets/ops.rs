#![no_main]
//! Interprets bytes as calls of the methods of `Larder`.
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    larder_fuzz::ops::run(bytes);
    assert_eq!(larder::validate(), Ok(()));
});
