//! larder's own source tree, from which the bench builds what it lacks.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A file that every checkout has below its root, and no other directory.
const MARK: &str = "benches/peers/Cargo.toml";

/// The checkout that the working directory or this tool lies in.
pub(super) fn root() -> Option<PathBuf> {
    let places = [env::current_dir(), env::current_exe()];
    places.into_iter().flatten().find_map(|place| above(&place))
}

fn above(place: &Path) -> Option<PathBuf> {
    place.ancestors().find(|directory| directory.join(MARK).is_file()).map(Path::to_path_buf)
}

/// Where to build: in the target directory that this tool lies in, or, if the tool is installed, in the checkout's.
pub(super) fn target() -> Result<PathBuf> {
    let tool = env::current_exe().context("the path of this tool is unknown")?;
    let own = built_in(&tool).map(Path::to_path_buf);
    own.or_else(|| Some(root()?.join("target")))
        .context("this tool lies neither in a target directory nor in a checkout")
}

/// The target directory that a program lies in, recognized by the file in which cargo keeps its facts about rustc.
fn built_in(program: &Path) -> Option<&Path> {
    program.ancestors().nth(2).filter(|target| target.join(".rustc_info.json").is_file())
}

/// Environment variables that would compile a peer differently from larder, or put it into another directory.
const OTHER_FLAGS: [&str; 7] =
    ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RUSTFLAGS", "CARGO_PROFILE_", "CARGO_BUILD_TARGET"];

/// Runs cargo in a directory, with its stderr in a log, and returns the file that it built last. Fails with the most telling line of the log.
pub(super) fn cargo<S: AsRef<OsStr>>(directory: &Path, arguments: &[S], log: &Path) -> Result<PathBuf> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    fs::create_dir_all(log.parent().unwrap_or(log)).with_context(|| log.display().to_string())?;
    let words = File::create(log).with_context(|| log.display().to_string())?;
    let mut cargo = Command::new(&program);
    cargo.current_dir(directory).args(arguments).arg("--message-format=json-render-diagnostics").stderr(words);
    // The compilers must not run on an allocator that was preloaded for this tool.
    cargo.env_remove("LD_PRELOAD");
    for (name, _) in env::vars_os().filter(|(name, _)| is_other_flag(name)) {
        cargo.env_remove(name);
    }
    let output = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).output();
    let output = output.with_context(|| program.display().to_string())?;
    if !output.status.success() {
        bail!("{} (all of it in {})", complaint(&fs::read_to_string(log).unwrap_or_default()), log.display());
    }
    artifact(&output.stdout).context("cargo does not say what it has built")
}

/// Whether a variable is one of [`OTHER_FLAGS`], also in the form for a single target (`CFLAGS_x86_64_unknown_linux_gnu`).
fn is_other_flag(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OTHER_FLAGS.iter().any(|flag| name.contains(flag))
}

/// A line of cargo's messages. Only those about artifacts name files.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The file that was built last: the requested one, after all its dependencies. Only cargo knows where it is: a build for a named target is
/// elsewhere.
fn artifact(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let mut files = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok()?.filenames.into_iter().next());
    files.next_back()
}

/// The most telling line: an error of a compiler or a build script, else one of cargo.
fn complaint(log: &str) -> &str {
    let lines = || log.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| line.contains("error occurred") || line.contains("not found");
    let error = |line: &&str| line.starts_with("error");
    lines().find(telling).or_else(|| lines().find(error)).or_else(|| lines().next_back()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_within() {
        let root = tempfile::tempdir().unwrap();
        let mark = root.path().join(MARK);
        assert_eq!(above(&mark), None);
        fs::create_dir_all(mark.parent().unwrap()).unwrap();
        fs::write(&mark, "").unwrap();
        assert_eq!(above(&root.path().join("target/release/larder")), Some(root.path().into()));
    }

    #[test]
    fn nothing_is_built_where_a_tool_was_installed() {
        let prefix = tempfile::tempdir().unwrap();
        assert_eq!(built_in(&prefix.path().join("bin/larder")), None);
        let tool = env::current_exe().unwrap();
        // The program of a test lies one directory deeper.
        assert_eq!(built_in(tool.parent().unwrap()), tool.ancestors().nth(3));
    }

    #[test]
    fn the_line_that_tells_most_is_the_reason() {
        let log = "  Compiling x\nerror: failed to run custom build command\n  error occurred in cc-rs: no c++ found\n";
        assert_eq!(complaint(log), "error occurred in cc-rs: no c++ found");
        assert_eq!(complaint("warning: x\nerror: no network\n"), "error: no network");
        assert_eq!(complaint("strange\n"), "strange");
        assert_eq!(complaint(""), "no message");
    }

    #[test]
    fn a_failed_build_tells_why_and_where() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("x.log");
        let text = cargo(directory.path(), &["no-such-command"], &log).unwrap_err().to_string();
        assert!(text.contains("no-such-command") && text.contains("x.log"), "{text}");
    }

    #[test]
    fn what_is_built_lies_where_cargo_says() {
        let messages = br#"{"reason":"compiler-artifact","filenames":["/t/x/release/libdep.rlib"]}
{"reason":"build-script-executed","out_dir":"/t"}
{"reason":"compiler-artifact","filenames":["/t/x/release/libpeer.so"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(artifact(messages), Some("/t/x/release/libpeer.so".into()));
        assert_eq!(artifact(b""), None);
    }

    #[test]
    fn flags_of_the_user_are_not_for_peers() {
        let kept = |name: &&str| !is_other_flag(OsStr::new(name));
        let names = ["CFLAGS", "TARGET_CXXFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "CARGO_HOME"];
        assert_eq!(names.iter().filter(|name| kept(name)).collect::<Vec<_>>(), [&"CARGO_HOME"]);
    }

    #[test]
    fn a_build_for_a_named_target_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("Cargo.toml", "[package]\nname = \"p\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n");
        put("src/lib.rs", "");
        put(".cargo/config.toml", &format!("[build]\ntarget = \"{}-unknown-linux-gnu\"\n", env::consts::ARCH));
        let tree = directory.path().join("t");
        let arguments = ["build", "--release", "--target-dir"].map(OsStr::new);
        let arguments = [&arguments[..], &[tree.as_os_str()]].concat();
        let built = cargo(directory.path(), &arguments, &directory.path().join("log")).unwrap();
        assert!(built.is_file() && built.ends_with("release/libp.so"), "{}", built.display());
    }
}
