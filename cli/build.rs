//! Builds the C library, so that after any build of the tool `larder run` finds one beside it.
//!
//! Cargo cannot make a shared library of another package a dependency of a program, so this script runs a second
//! cargo. That one has a target directory of its own (`<target>/ffi`), because the outer cargo holds the lock of the first.
//! `LARDER_SKIP_FFI=1` skips all this; so does a build under clippy, which runs no program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const LIBRARIES: [&str; 2] = ["liblarder.so", "liblarder.a"];
const SOURCES: [&str; 6] =
    ["../allocator/Cargo.toml", "../allocator/src", "../ffi", "../Cargo.toml", "../Cargo.lock", "build.rs"];
/// Variables that the outer cargo, or clippy, set only for itself.
const NOT_INHERITED: [&str; 4] =
    ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"];

fn main() -> io::Result<()> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    println!("cargo::rerun-if-env-changed=LARDER_SKIP_FFI");
    println!("cargo::rerun-if-env-changed=RUSTC_WORKSPACE_WRAPPER");
    if env::var_os("LARDER_SKIP_FFI").is_some() || under_clippy() {
        return Ok(());
    }
    build_library()
}

fn under_clippy() -> bool {
    let wrapper = env::var("RUSTC_WORKSPACE_WRAPPER").unwrap_or_default();
    wrapper.contains("clippy")
}

fn build_library() -> io::Result<()> {
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let out = PathBuf::from(variable("OUT_DIR")?);
    let profile = out.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    let target = profile.parent().ok_or(io::ErrorKind::NotFound)?.join("ffi");
    let triple = variable("TARGET")?;
    run_cargo(&target, &triple)?;
    let built = target.join(triple).join("release");
    for name in LIBRARIES {
        replace(&built.join(name), &profile.join(name))?;
        watch(&profile.join(name), &out)?;
    }
    Ok(())
}

/// Makes cargo build a library again that was deleted or replaced. Cargo takes a file for changed if it is newer than this run, so the library
/// gets the time of this run, which cargo writes beside OUT_DIR.
fn watch(library: &Path, out: &Path) -> io::Result<()> {
    let Ok(run) = fs::metadata(out.with_file_name("invoked.timestamp")) else { return Ok(()) };
    fs::File::options().write(true).open(library)?.set_modified(run.modified()?)?;
    println!("cargo::rerun-if-changed={}", library.display());
    Ok(())
}

fn run_cargo(target: &Path, triple: &str) -> io::Result<()> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["build", "--release", "--package", "larder-ffi"])
        .args(["--manifest-path", "../ffi/Cargo.toml", "--target", triple])
        .arg("--target-dir")
        .arg(target);
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("liblarder was not built: cargo ended with {status}")));
    }
    Ok(())
}

/// Replaces `to` by a copy of `from` in one step, because a running program may have the old file mapped.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let mut new = to.as_os_str().to_owned();
    new.push(format!(".{}", std::process::id()));
    fs::copy(from, &new).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", from.display())))?;
    fs::rename(&new, to)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}
