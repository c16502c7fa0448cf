//! Tests of `larder run` and `larder mode`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{compile, full, larder, library, output, stderr, stdout};

#[test]
fn the_library_is_built_beside_the_tool() {
    assert!(library().is_file());
    assert!(library().with_extension("a").is_file());
}

#[test]
fn the_program_runs_with_larder_in_it() {
    let run = output(&["run", "--", "cat", "/proc/self/maps"]);
    assert!(run.status.success(), "{}", stderr(&run));
    let path = library().canonicalize().unwrap();
    assert!(stdout(&run).contains(path.to_str().unwrap()), "{}", stdout(&run));
}

#[test]
fn one_line_names_the_mode() {
    let run = output(&["run", "true"]);
    let line = stderr(&run);
    assert_eq!(line.lines().count(), 1, "{line}");
    let mode = line.strip_prefix("larder: ").unwrap().trim_end();
    let known = ["rseq by mm_cid", "rseq by cpu_id"].contains(&mode) || mode.starts_with("fallback: ");
    assert!(known, "{mode}");
    assert_eq!(stdout(&output(&["mode"])).trim_end(), mode);
    assert_eq!(stderr(&output(&["run", "--quiet", "true"])), "");
}

#[test]
fn the_mode_is_that_of_the_programs_environment() {
    let tunable = ("GLIBC_TUNABLES", "glibc.pthread.rseq=0");
    let run = larder(&["run", "true"]).envs([tunable]).output().unwrap();
    assert!(stderr(&run).starts_with("larder: fallback: "), "{}", stderr(&run));
}

#[test]
fn options_that_leave_the_tool_no_memory_keep_no_program_from_running() {
    let conf = ("LARDER_CONF", "limit_mib:1");
    let run = larder(&["run", "true"]).envs([conf]).output().unwrap();
    assert!(run.status.success() && stderr(&run).starts_with("larder: mode unknown: "), "{}", stderr(&run));
    assert!(larder(&["run", "-q", "true"]).envs([conf]).status().unwrap().success());
    assert_eq!(larder(&["mode"]).envs([conf]).output().unwrap().status.code(), Some(125));
}

#[test]
fn the_exit_status_is_the_programs() {
    assert_eq!(output(&["run", "--", "sh", "-c", "exit 3"]).status.code(), Some(3));
    assert_eq!(output(&["run", "--", "sh", "-c", "kill -9 $$"]).status.signal(), Some(9));
}

#[test]
fn the_program_ignores_what_the_tool_was_started_to_ignore() {
    for (name, bit) in [("PIPE", 12), ("CHLD", 16), ("HUP", 0)] {
        let ignored = |before: &[&str]| {
            let mut run = Command::new("env");
            run.args(before).arg(env!("CARGO_BIN_EXE_larder")).args(["run", "-q", "--", "grep", "SigIgn"]);
            let run = run.arg("/proc/self/status").output().unwrap();
            let mask = stdout(&run).split_whitespace().nth(1).map(|it| u64::from_str_radix(it, 16).unwrap());
            mask.unwrap_or_else(|| panic!("{name}: {}", stderr(&run))) & 1 << bit != 0
        };
        assert!(ignored(&[&format!("--ignore-signal={name}")]), "{name}");
        assert!(!ignored(&[&format!("--default-signal={name}")]), "{name}");
    }
}

#[test]
fn a_message_that_cannot_be_written_keeps_no_program_from_running() {
    let (reader, nobody_reads) = std::io::pipe().unwrap();
    drop(reader);
    for stderr in [full(), nobody_reads.into()] {
        let run = larder(&["run", "--", "sh", "-c", "exit 3"]).stderr(stderr).status().unwrap();
        assert_eq!(run.code(), Some(3));
    }
    let run = larder(&["run", "no-such-program"]).stderr(full()).status().unwrap();
    assert_eq!(run.code(), Some(127));
}

#[test]
fn a_misspelt_option_is_named_once() {
    for arguments in [&["mode"][..], &["run", "true"], &["compare", "--only", "larder", "--runs", "1", "true"]] {
        let run = larder(arguments).env("LARDER_CONF", "percpu:lockd,stats:exit").output().unwrap();
        let text = stderr(&run);
        assert!(run.status.success(), "{text}");
        assert_eq!(
            text.matches("larder: LARDER_CONF: bad value 'lockd' for 'percpu'").count(),
            1,
            "{arguments:?}: {text}"
        );
        assert_eq!(text.matches(" exits\n").count(), usize::from(arguments[0] == "run"), "{text}");
    }
}

#[test]
fn a_mode_that_cannot_be_written_is_an_error() {
    let run = larder(&["mode"]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(run.status.code(), Some(125));
    assert!(stderr(&run).starts_with("larder: stdout: No space"), "{}", stderr(&run));
    assert_eq!(larder(&["mode"]).stdout(full()).stderr(full()).status().unwrap().code(), Some(125));
}

#[test]
fn what_cannot_be_run_is_named_as_by_a_shell() {
    let run = output(&["run", "no-such-program"]);
    assert_eq!(run.status.code(), Some(127));
    assert!(stderr(&run).starts_with("larder: no-such-program: No such file"), "{}", stderr(&run));
    let run = output(&["run", "/etc/passwd"]);
    assert_eq!(run.status.code(), Some(126));
    assert!(stderr(&run).starts_with("larder: /etc/passwd: Permission denied"), "{}", stderr(&run));
}

#[test]
fn what_the_user_set_is_kept() {
    let conf = ("LARDER_CONF", "numa:off");
    let script = "echo $LARDER_CONF; echo $LD_PRELOAD";
    let run = larder(&["run", "--stats", "--", "sh", "-c", script]).envs([conf]).output().unwrap();
    let expected = format!("numa:off,stats:exit\n{}\n", library().canonicalize().unwrap().display());
    assert_eq!(stdout(&run), expected);
}

#[test]
fn stats_are_printed_at_exit() {
    let quiet = stderr(&output(&["run", "-q", "/bin/true"]));
    let loud = stderr(&output(&["run", "-q", "--stats", "/bin/true"]));
    assert_eq!(quiet, "");
    assert!(loud.lines().count() > 3, "{loud}");
}

#[test]
fn stats_are_one_json_object_if_asked_for() {
    let text = stderr(&output(&["run", "-q", "--stats=json", "/bin/true"]));
    assert_eq!(text.lines().count(), 1, "{text}");
    let stats: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(stats["larder"], env!("CARGO_PKG_VERSION"));
    assert_eq!(stats["mode"], stdout(&output(&["mode"])).trim_end());
    assert!(stats["committed"].as_u64().unwrap() >= stats["arenas"][0]["pages"]["committed"].as_u64().unwrap());
    assert!(stats["slabinfo"].as_array().unwrap().iter().all(|class| class["slabs"].as_u64() > Some(0)), "{text}");
}

#[test]
fn a_static_program_is_run_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let program = compile(directory.path(), "int main(void) { return 7; }", &["-static"]);
    let run = output(&["run", "--", program.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(7));
    let text = stderr(&run);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("not active") && text.contains("statically linked"), "{text}");
}

#[test]
fn a_program_with_its_own_malloc_is_run_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let source = "void *malloc(unsigned long n) { (void)n; return 0; } int main(void) { return 0; }";
    let program = compile(directory.path(), source, &["-rdynamic", "-fno-builtin"]);
    let text = stderr(&output(&["run", "--", program.to_str().unwrap()]));
    assert!(text.contains("has its own malloc"), "{text}");
}

/// Compiles a program that allocates, with the archive beside the tool linked in.
fn compile_with_larder(directory: &Path, flags: &[&str]) -> PathBuf {
    let source = "#include <stdlib.h>\nint main(void) { char *p = malloc(9); free(p); return p ? 7 : 1; }";
    compile(directory, source, &[&["-O0", library().with_extension("a").to_str().unwrap()], flags].concat())
}

#[test]
fn a_program_with_larder_in_it_is_said_to_run_on_it() {
    let directory = tempfile::tempdir().unwrap();
    for flags in [&["-g"][..], &["-static"], &["-Wl,--gc-sections"], &["-static", "-Wl,--gc-sections"]] {
        let program = compile_with_larder(directory.path(), flags);
        let run = output(&["run", "--", program.to_str().unwrap()]);
        assert_eq!(run.status.code(), Some(7));
        let line = format!(
            "larder: active without LD_PRELOAD: {} has larder linked in, which LD_PRELOAD does not replace\n",
            program.display()
        );
        assert_eq!(stderr(&run), line, "{flags:?}");
        assert_eq!(stderr(&output(&["run", "-q", "--", program.to_str().unwrap()])), "");
    }
}

#[test]
fn a_stripped_program_is_said_to_be_unclear() {
    let directory = tempfile::tempdir().unwrap();
    for (flags, part) in [(&["-s"][..], "LD_PRELOAD does not replace"), (&["-s", "-static"], "statically linked")] {
        let program = compile_with_larder(directory.path(), flags);
        let text = stderr(&output(&["run", "-q", "--", program.to_str().unwrap()]));
        assert!(text.starts_with("larder: active only if linked in, which a stripped file does not tell: "), "{text}");
        assert!(text.contains(part) && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn a_program_with_larder_in_it_whose_malloc_is_another_does_not_run_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let weak = directory.path().join("weak.a");
    let names = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi/symbols.txt");
    let mut objcopy = Command::new("objcopy");
    objcopy.arg(format!("--weaken-symbols={}", names.display())).arg(library().with_extension("a")).arg(&weak);
    assert!(objcopy.status().unwrap().success());
    let source = "char *larder_mode(void); void *malloc(unsigned long n) { (void)n; return larder_mode(); }\n\
        int main(void) { return 0; }";
    let program = compile(directory.path(), source, &["-fno-builtin", weak.to_str().unwrap()]);
    let text = stderr(&output(&["run", "--", program.to_str().unwrap()]));
    assert!(text.starts_with("larder: not active: ") && text.contains("has its own malloc"), "{text}");
}

#[test]
fn a_script_is_judged_by_its_interpreter() {
    let directory = tempfile::tempdir().unwrap();
    let program = compile(directory.path(), "int main(void) { return 0; }", &["-static"]);
    let script = directory.path().join("script");
    // Another process writes the file: a process that another test forks meanwhile could hold it open, and a file that is open for writing cannot be
    // executed.
    let write = "printf '#!%s\n' \"$0\" > \"$1\" && chmod 755 \"$1\"";
    let status = Command::new("sh").args(["-c", write]).args([&program, &script]).status().unwrap();
    assert!(status.success());
    let text = stderr(&output(&["run", "--", script.to_str().unwrap()]));
    assert!(text.contains("statically linked"), "{text}");
}

#[test]
fn a_library_that_is_not_larder_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let other = compile(directory.path(), "int nothing;", &["-shared", "-fPIC"]);
    for (path, part) in [("/no/such.so", "No such file"), (other.to_str().unwrap(), "larder_mode")] {
        let run = output(&["run", "--lib", path, "true"]);
        assert_eq!(run.status.code(), Some(125));
        let text = stderr(&run);
        assert!(text.contains(path) && text.contains(part), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn a_tool_without_its_library_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let alone = directory.path().join("larder");
    let status = Command::new("cp").arg(env!("CARGO_BIN_EXE_larder")).arg(&alone).status().unwrap();
    assert!(status.success());
    let run = Command::new(alone).args(["run", "true"]).output().unwrap();
    assert_eq!(run.status.code(), Some(125));
    assert!(stderr(&run).contains("--lib PATH"), "{}", stderr(&run));
}
