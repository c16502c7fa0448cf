//! Interpreters that turn bytes into allocator calls and check every answer. Shared by the fuzz targets and by the
//! tests that run on stable Rust.

mod input;
pub mod layouts;
pub mod ops;
mod shadow;
