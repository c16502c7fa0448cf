//! The files of the allocator in which threads race, with loom's atomics in place of the processor's, so that loom can try every
//! order. Each is the real file. The little that these files need around them is here: a futex, thread ids, and objects and pages whose
//! links loom watches. Run with `RUSTFLAGS="--cfg loom" cargo test --release --manifest-path tests/loom/Cargo.toml`.
#![cfg(loom)]

pub mod arena;
pub mod base;
pub mod depot;
pub mod futex;
pub mod gate;
pub mod locking;
pub mod region;
pub mod thread;
