//! Tests of `larder compare`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{compile, full, larder, library, output, stderr, stdout};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Runs `compare --only larder` and returns its report.
fn report(arguments: &[&str]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let all = [&["compare", "--only", "larder", "--json", path][..], arguments].concat();
    let run = output(&all);
    assert!(run.status.success(), "{}{}", stdout(&run), stderr(&run));
    serde_json::from_reader(file).unwrap()
}

#[test]
fn the_table_has_the_system_larder_and_a_named_library() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.so");
    std::fs::copy(library(), &copy).unwrap();
    let with = format!("mine={}", copy.display());
    let run = output(&["compare", "--runs", "2", "--only", "larder,mine", "--with", &with, "--", "true"]);
    assert!(run.status.success(), "{}{}", stdout(&run), stderr(&run));
    let text = stdout(&run);
    let names: Vec<_> = text.lines().take(4).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["allocator", "system", "larder", "mine"], "{text}");
    assert!(text.lines().take(4).all(|line| line.len() <= 100), "{text}");
    assert!(stderr(&run).contains("round 2 of 2"), "{}", stderr(&run));
}

#[test]
fn every_allocator_of_the_machine_is_a_row_or_says_why_not() {
    let run = output(&["compare", "--runs", "1", "--", "true"]);
    let text = stdout(&run);
    let (table, legend) = text.split_once("\n\n").unwrap();
    let preloaded = legend.lines().skip(1).filter(|line| !line.starts_with("NOT MEASURED")).count();
    assert_eq!(table.lines().count(), 2 + preloaded, "{text}");
    assert_eq!(run.status.success(), !text.contains("NOT MEASURED"), "{text}");
}

#[test]
fn the_report_has_every_sample() {
    let report = report(&["--runs", "3", "--", "sh", "-c", "exit 3"]);
    assert_eq!(report["schema"], 1);
    assert_eq!(report["status"], "exit status: 3");
    assert_eq!(report["interrupted"], false);
    for (allocator, name) in report["allocators"].as_array().unwrap().iter().zip(["system", "larder"]) {
        assert_eq!(allocator["name"], name);
        let samples = allocator["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 3);
        assert!(samples.iter().all(|it| it["wall_s"].as_f64().unwrap() > 0.0), "{report}");
        assert!(samples.iter().all(|it| it["minor_faults"].as_u64().unwrap() > 0), "{report}");
    }
}

#[test]
fn a_table_that_cannot_be_written_is_an_error_and_leaves_the_report() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let fixed = ["compare", "--runs", "1", "--only", "larder", "--json", file.path().to_str().unwrap(), "true"];
    let status = larder(&fixed).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(125));
    let report: Value = serde_json::from_reader(file).unwrap();
    assert_eq!(report["schema"], 1);
}

/// A command far smaller than this tool.
#[test]
fn peak_rss_is_that_of_the_command() {
    const PAGES: u64 = 1 << 12;
    let directory = tempfile::tempdir().unwrap();
    let source = "#include <stdlib.h>\n#include <string.h>\nint main(int c, char **v) { (void)v;\n\
        if (c > 1) { volatile char *p = malloc(16 << 20); for (int i = 0; i < 16 << 20; i += 4096) p[i] = 1; }\n\
        return 0; }";
    let program = compile(directory.path(), source, &["-O0"]);
    let program = program.to_str().unwrap();
    let peak = |arguments: &[&str]| {
        let report = report(&[&["--runs", "1", "--", program], arguments].concat());
        report["allocators"][0]["median"]["peak_rss_bytes"].as_f64().unwrap()
    };
    let (small, large) = (peak(&[]), peak(&["grow"]));
    assert!(small < f64::from(2 << 20), "{small}");
    let grown = large - small;
    let wanted = (PAGES * 4096) as f64;
    assert!((grown - wanted).abs() < wanted / 10.0, "{grown}");
}

#[test]
fn a_library_that_does_not_load_is_a_reason_and_no_row() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.so");
    std::fs::write(&broken, "no library").unwrap();
    let with = format!("bad={}", broken.display());
    let run = output(&["compare", "--runs", "1", "--only", "larder,bad", "--with", &with, "--", "true"]);
    assert_eq!(run.status.code(), Some(1));
    let text = stdout(&run);
    assert!(text.contains("NOT MEASURED: bad: ") && text.contains("broken.so"), "{text}");
    assert!(!text.lines().take(3).any(|line| line.starts_with("bad")), "{text}");
}

#[test]
fn another_exit_status_is_a_reason_and_no_row() {
    let run = output(&["compare", "--runs", "1", "--only", "larder", "--", "sh", "-c", "test -z \"$LD_PRELOAD\""]);
    assert_eq!(run.status.code(), Some(1));
    let text = stdout(&run);
    assert!(text.contains("NOT MEASURED: larder: the command ended with exit status: 1, but with exit status: 0 in the first run on the system malloc"), "{text}");
}

#[test]
fn what_preloading_does_not_reach_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = "#include <unistd.h>\nint main(void) { return usleep(200000); }";
    let program = compile(directory.path(), source, &["-static"]);
    let program = program.to_str().unwrap();
    for command in [&[program][..], &["sh", "-c", &format!("exec {program}")]] {
        let run = output(&[&["compare", "--"], command].concat());
        assert_eq!(run.status.code(), Some(125));
        assert!(stderr(&run).contains("statically linked"), "{}", stderr(&run));
    }
}

#[test]
fn output_is_shown_only_when_asked_for() {
    let arguments = ["compare", "--runs", "1", "--only", "larder", "--", "echo", "hello"];
    assert!(!stdout(&output(&arguments)).contains("hello"));
    let shown = [&["compare", "--show-output"], &arguments[1..]].concat();
    // The first run, two to warm up, two measured.
    assert_eq!(stdout(&output(&shown)).matches("hello").count(), 5);
}

#[test]
fn the_linkers_words_are_not_for_a_file_of_the_users() {
    let directory = tempfile::tempdir().unwrap();
    let mut run = larder(&["compare", "--only", "larder", "--runs", "1", "--", "true"]);
    let run = run.env("LD_DEBUG_OUTPUT", directory.path().join("words")).output().unwrap();
    assert!(run.status.success(), "{}{}", stdout(&run), stderr(&run));
}

#[test]
fn the_command_reads_nothing() {
    report(&["--runs", "1", "--", "sh", "-c", "read line && exit 1; exit 0"]);
}

fn start(arguments: &[&str]) -> Child {
    let all = [&["compare", "--only", "larder"][..], arguments].concat();
    larder(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Interrupts the tool as Ctrl-C does, but with another signal: SIGINT is ignored where tests run in the background.
fn interrupt(child: &Child) {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
}

#[test]
fn an_interrupt_ends_the_command_and_prints_what_is_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let json = file.path().to_str().unwrap();
    let mut child = start(&["--runs", "100000", "--json", json, "--", "sleep", "0.05"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("round 3")));
    interrupt(&child);
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut text = String::new();
    child.stdout.unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("INTERRUPTED") && text.contains("\nlarder "), "{text}");
    assert!(!text.contains("NOT MEASURED"), "{text}");
    let report: Value = serde_json::from_reader(file).unwrap();
    assert!((3..100).contains(&report["runs"].as_u64().unwrap()), "{}", report["runs"]);
}

#[test]
fn an_interrupt_does_not_wait_for_the_command() {
    let mut child = start(&["--", "sleep", "1000"]);
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_second_interrupt_ends_a_command_that_ignores_the_first() {
    let mut child = start(&["--", "sh", "-c", "trap '' TERM; while :; do sleep 1; done"]);
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none());
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// A command that lasts about this many seconds and that no other test uses.
fn nap(seconds: u32) -> String {
    format!("sleep {seconds}.{}", std::process::id())
}

/// Whether there is a process with this command line.
fn runs(words: &str) -> bool {
    let is_it = |path: std::path::PathBuf| {
        std::fs::read(path.join("cmdline"))
            .is_ok_and(|line| line.split(|it| *it == 0).eq(words.split(' ').map(str::as_bytes).chain([&b""[..]])))
    };
    std::fs::read_dir("/proc").unwrap().any(|entry| is_it(entry.unwrap().path()))
}

fn soon(what: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while !what() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn an_interrupt_reaches_a_command_that_has_a_group_of_its_own() {
    let nap = nap(54);
    for (command, times) in [(nap.clone(), 1), (format!("sh -c 'trap \"\" TERM; {nap}; :'"), 2)] {
        let directory = tempfile::tempdir().unwrap();
        // The first run, which is not measured, ends at once.
        let mark = directory.path().join("mark");
        let script = format!("[ -e {0} ] || {{ touch {0}; exit; }}; exec timeout 60 {command}", mark.display());
        let mut child = start(&["--", "sh", "-c", &script]);
        assert!(soon(|| runs(&nap)));
        for time in 1..=times {
            assert!(child.try_wait().unwrap().is_none());
            interrupt(&child);
            std::thread::sleep(Duration::from_millis(if time < times { 500 } else { 0 }));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(soon(|| !runs(&nap)), "{command}");
    }
}

#[test]
fn a_command_that_wants_the_terminal_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    // In the first run, and where it is measured.
    for before in ["".into(), format!("[ -e {0} ] || {{ touch {0}; exit; }};", mark.display())] {
        let compare = format!("compare --only larder -- sh -c '{before} stty sane </dev/tty'");
        // `script` gives the tool a terminal.
        let mut run = Command::new("timeout");
        run.args(["20", "script", "-qec"]).arg([env!("CARGO_BIN_EXE_larder"), " ", &compare].concat()).arg("/dev/null");
        let text = stdout(&run.output().unwrap());
        assert!(
            text.contains("the command needs the terminal (SIGTTOU), which is not available here"),
            "{compare}: {text}"
        );
    }
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let tool = env!("CARGO_BIN_EXE_larder");
    let script = "kill -HUP $PPID; kill -HUP $$";
    let mut run = Command::new("env");
    run.args(["--ignore-signal=HUP", tool, "compare", "--only", "larder", "--runs", "1", "--", "sh", "-c", script]);
    let run = run.output().unwrap();
    assert_eq!((run.status.code(), stdout(&run).contains("INTERRUPTED")), (Some(0), false), "{}", stderr(&run));
}

#[test]
fn the_command_ends_with_the_tool() {
    let nap = nap(53);
    let mut child = start(&["--", "sh", "-c", &format!("exec {nap}")]);
    assert!(soon(|| runs(&nap)));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(soon(|| !runs(&nap)));
}

/// In its process group, in a session of its own, and a child of one that has a session of its own.
#[test]
fn what_a_command_leaves_behind_is_ended() {
    let nap = nap(52);
    let waits = format!("while :; do {nap}; done");
    for script in [format!("{nap} &"), format!("setsid {nap} &"), format!("setsid sh -c '{waits}' &")] {
        let check = format!("if pgrep -f '^{nap}'; then exit 1; fi; {script} exit 0");
        report(&["--runs", "2", "--", "sh", "-c", &check]);
        assert!(!runs(&nap), "{script}");
    }
}

#[test]
fn a_command_can_wait_for_what_it_left_behind() {
    // The subshell ends before the sleep does, which is then nobody's child.
    let script = "pid=$(sleep 0.1 >/dev/null & echo $!); while kill -0 $pid; do sleep 0.01; done";
    report(&["--runs", "1", "--", "sh", "-c", script]);
}

#[test]
fn what_a_command_left_behind_is_not_counted() {
    let grow = "(setsid perl -e '$x = \"x\" x 5e7' &); sleep 0.5";
    let report = report(&["--runs", "1", "--", "sh", "-c", grow]);
    let faults = report["allocators"][0]["median"]["faults"].as_f64().unwrap();
    assert!(faults < 5000.0, "{faults}");
}

#[test]
fn mistakes_are_named() {
    for (arguments, part) in [
        (&["--with", "x=/no/such.so", "--", "true"][..], "--with x=/no/such.so: No such file"),
        (&["--only", "nobody", "--", "true"], "--only nobody"),
        (&["--json", "/no/such/x.json", "--", "true"], "--json /no/such/x.json: No such file"),
        (&["--", "no-such-program"], "no-such-program: No such file"),
    ] {
        let run = output(&[&["compare"], arguments].concat());
        assert_eq!(run.status.code(), Some(125));
        let text = stderr(&run);
        assert!(text.contains(part) && text.lines().count() == 1, "{text}");
    }
}
