//! Interpreters that turn bytes into allocator calls and check every result. The fuzz targets and the tests that run on
//! stable Rust share them.

mod input;
pub mod layouts;
pub mod ops;
mod shadow;
