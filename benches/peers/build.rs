//! Compiles the allocators whose crates would link them in a way that is unfair to them, or not at all:
//!
//! - bump, which is not a crate;
//! - rpmalloc, whose crate pulls in std, and which tracks threads by interposing pthread_create: that function must have
//!   another name here, because a library made by rustc exports nothing but Rust functions;
//! - snmalloc, whose crate needs libstdc++: a megabyte in each process for the one function that its own library for
//!   preloading takes from glibc.
//!
//! The sources are those of the crates, in the versions of Cargo.lock.

use std::path::PathBuf;

use cargo_metadata::{CargoOpt, MetadataCommand};

fn main() {
    println!("cargo::rerun-if-changed=src/bump.c");
    let wanted = |name: &str| std::env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    if wanted("BUMP") {
        cc::Build::new().file("src/bump.c").opt_level(3).flag("-ftls-model=initial-exec").compile("bump");
    }
    if wanted("RPMALLOC_RS") {
        rpmalloc();
    }
    if wanted("SNMALLOC_RS") {
        snmalloc();
    }
    // A library that does not name libc as a dependency would be bound to the oldest version of each function.
    println!("cargo::rustc-link-lib=c");
}

fn rpmalloc() {
    cc::Build::new()
        .file(source("rpmalloc-rs", "rpmalloc-sys").join("rpmalloc/rpmalloc/rpmalloc.c"))
        .opt_level(3)
        .define("_GNU_SOURCE", None)
        .define("NDEBUG", None)
        .define("ENABLE_PRELOAD", "1")
        .define("pthread_create", "rp_pthread_create")
        .warnings(false)
        .compile("rpmalloc");
}

fn snmalloc() {
    let source = source("snmalloc-rs", "snmalloc-sys").join("upstream/src");
    let mut build = cc::Build::new();
    for flag in ["-fno-exceptions", "-fno-rtti", "-mcx16", "-ftls-model=initial-exec"] {
        build.flag(flag);
    }
    for define in ["HAS_LINUX_FUTEX_H", "HAS_LINUX_RANDOM_H", "PLATFORM_HAS_GETENTROPY", "RUST_LIBC_API"] {
        build.define(&format!("SNMALLOC_{define}"), None);
    }
    build
        .file(source.join("snmalloc/override/rust.cc"))
        .include(&source)
        .cpp(true)
        .cpp_link_stdlib(None)
        .std("c++20")
        .opt_level(3)
        .define("NDEBUG", None)
        .define("SNMALLOC_USE_SELF_VENDORED_STL", "1")
        .define("SNMALLOC_USE_WAIT_ON_ADDRESS", "1")
        .define("SNMALLOC_CHECK_LOADS", "false")
        .define("SNMALLOC_PAGEID", "false")
        .define("SNMALLOC_USE_CXX11_THREAD_ATEXIT_DIRECT", None)
        .warnings(false)
        .compile("snmalloc");
}

/// The directory into which cargo has unpacked the crate that `feature` needs.
fn source(feature: &str, name: &str) -> PathBuf {
    let target = std::env::var("TARGET").unwrap_or_default();
    // Only the crates that this build needs are certain to be there.
    let options = ["--locked", "--offline", "--filter-platform", &target].map(str::to_owned).to_vec();
    let features = CargoOpt::SomeFeatures(vec![feature.to_owned()]);
    let metadata = MetadataCommand::new().features(features).other_options(options).exec();
    let packages = metadata.unwrap_or_else(|error| panic!("cargo metadata: {error}")).packages;
    let package = packages.into_iter().find(|package| package.name == name);
    let manifest = package.unwrap_or_else(|| panic!("{name} is not in Cargo.lock")).manifest_path;
    manifest.parent().unwrap_or(&manifest).into()
}
