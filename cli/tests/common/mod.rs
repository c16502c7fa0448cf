//! Helpers that the tests of the tool share.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The tool, without environment variables that may affect it.
pub fn larder(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.args(arguments);
    for name in ["LARDER_CONF", "LD_PRELOAD", "GLIBC_TUNABLES"] {
        command.env_remove(name);
    }
    command
}

/// Runs the tool with these arguments.
pub fn output(arguments: &[&str]) -> Output {
    larder(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file to which nothing can be written.
pub fn full() -> Stdio {
    std::fs::File::create("/dev/full").unwrap().into()
}

/// The library that the build put beside the tool.
pub fn library() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_larder")).with_file_name("liblarder.so")
}

/// Compiles a C program.
pub fn compile(directory: &Path, source: &str, flags: &[&str]) -> PathBuf {
    let (program, file) = (directory.join("program"), directory.join("program.c"));
    std::fs::write(&file, source).unwrap();
    let status = Command::new("cc").arg(&file).arg("-o").arg(&program).args(flags).status().unwrap();
    assert!(status.success(), "cc {flags:?} (needs gcc and libc6-dev)");
    program
}
