//! Tests of `larder bench`, with programs that stand in for larder-workloads.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use common::{full, larder, library, output, stderr, stdout};
use serde_json::Value;

const SYSTEM: &str = "/lib/x86_64-linux-gnu/libc.so.6";

/// A stand-in that lists two workloads, and reports of a run what `$reply` says: seconds, KiB, and the file that malloc came from.
const PROGRAM: &str = r#"#!/bin/sh
if [ "$*" = "list --json --drawn=3" ]; then
    echo '[{"name": "drawn-1", "group": "drawn", "about": "whatever comes", "threads": [2]}]'
    exit
fi
if [ "$1" = list ]; then
    echo '[{"name": "swap", "group": "services", "about": "objects change hands", "threads": [1, 4, 16]},'
    echo ' {"name": "begin", "group": "process", "about": "a process starts", "threads": [1]}]'
    exit
fi
name=$2 threads=$4 latency=null provider=${LD_PRELOAD:-SYSTEM} seconds=0.002 kib=2048
[ "$7" = --latency ] && latency='{"malloc_ns": {"p50": 1, "p99": 2, "p999": 30, "max": 400}, "free_ns": null}'
case $provider in *liblarder.so) seconds=0.001 kib=3072;; esac
REPLY
cat <<END
{"workload": "$name", "threads": $threads, "scale": "quick", "allocator": "$provider", "operations": 1000,
 "seconds": $seconds, "cpu_seconds": $seconds, "peak_rss_kib": $kib, "final_rss_kib": 1024,
 "peak_pss_kib": null, "final_pss_kib": null, "minor_faults": 7, "major_faults": 0, "system_calls": null,
 "latency": $latency}
END
"#;

fn stand_in(directory: &Path, reply: &str) -> PathBuf {
    let path = directory.join("workloads");
    fs::write(&path, PROGRAM.replace("SYSTEM", SYSTEM).replace("REPLY", reply)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs larder and the system malloc on a stand-in, in two rounds.
fn bench(reply: &str, arguments: &[&str]) -> Output {
    bench_for(&["--runs", "2"], reply, arguments)
}

fn bench_for(length: &[&str], reply: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let program = stand_in(directory.path(), reply);
    let fixed = ["bench", "--allocators", "larder,system", "--workloads", program.to_str().unwrap()];
    output(&[&fixed[..], length, arguments].concat())
}

fn report(reply: &str, arguments: &[&str]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    let json = ["--json", file.path().to_str().unwrap()];
    bench(reply, &[&json[..], arguments].concat());
    serde_json::from_reader(file).unwrap()
}

#[test]
fn a_table_for_time_and_one_for_memory() {
    let run = bench("", &["--threads", "1"]);
    assert!(run.status.success(), "{}{}", stdout(&run), stderr(&run));
    let text = stdout(&run);
    let (time, memory) = text.split_once("MEMORY").unwrap();
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.split_whitespace().skip(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line(time, "swap x1"), ["1000", "*2000", "0.50"]);
    assert_eq!(line(memory, "begin x1"), ["3.00", "*2.00", "1.50"]);
    let behind = text.split_once("WHERE LARDER IS BEHIND").unwrap().1;
    assert!(behind.contains("time, ns per operation: 0 of 2 rows"), "{behind}");
    assert!(behind.contains("1.50  swap x1: 3.00, system 2.00"), "{behind}");
    assert!(stderr(&run).contains("round 2 of 2"), "{}", stderr(&run));
}

#[test]
fn the_report_has_every_sample() {
    let report = report("", &["--latency", "--only", "swap", "--threads", "2,16"]);
    assert_eq!(report["schema"], 1);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.iter().map(|it| it["threads"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 16]);
    for figures in cells.iter().flat_map(|it| it["figures"].as_array().unwrap()) {
        assert_eq!(figures["samples"].as_array().unwrap().len(), 2);
        assert_eq!(figures["samples"][0]["minor_faults"], 7);
        assert_eq!(figures["latency"]["malloc_ns"]["p999"], 30);
    }
    assert_eq!(report["overall"]["time"], serde_json::json!([0.5, 1.0]));
    assert_eq!(report["allocators"][0]["library"], library().canonicalize().unwrap().to_str().unwrap());
}

/// What a bench of so many seconds reports of a stand-in, and how long it took. The last cell takes longer than the others, so there is still time for many
/// of those when there is none left for it.
fn report_of(seconds: u64) -> (Value, Duration) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let json = ["--json", file.path().to_str().unwrap()];
    let start = Instant::now();
    let run = bench_for(&["--seconds", &seconds.to_string()], "[ $name = begin ] && sleep 0.1", &json);
    let took = start.elapsed();
    assert!(run.status.success(), "{}", stderr(&run));
    (serde_json::from_reader(file).unwrap(), took)
}

#[test]
fn rounds_go_on_until_the_time_is_over() {
    // On a busy machine there may be no third round in two seconds, nor even a whole first one; then there is in some more.
    const SECONDS: [u64; 5] = [2, 4, 8, 16, 32];
    let counts = |cell: &Value, place: usize| cell["figures"][place]["samples"].as_array().unwrap().len();
    let is_enough = |report: &Value| {
        let mut cells = report["cells"].as_array().unwrap().iter();
        report["rounds"].as_u64().unwrap() > 2 && cells.all(|cell| counts(cell, 0) > 0)
    };
    let mut reports = SECONDS.iter().map(|&seconds| (seconds, report_of(seconds)));
    let (seconds, (report, took)) = reports.find(|(_, (report, _))| is_enough(report)).unwrap();
    assert!((seconds / 2..seconds + 30).contains(&took.as_secs()), "{took:?} of {seconds} s");
    let rounds = report["rounds"].as_u64().unwrap() as usize;
    for cell in report["cells"].as_array().unwrap() {
        // The last round may end before this cell.
        let count = counts(cell, 0);
        assert!(count == counts(cell, 1) && (rounds - 1..=rounds).contains(&count), "{count} of {rounds}");
    }
}

#[test]
fn what_the_time_is_too_short_for_is_told() {
    let run = bench_for(&["--seconds", "1"], "sleep 1", &["--threads", "1"]);
    let text = stdout(&run);
    assert!(text.contains("NOT REACHED in time") && text.contains(": begin x1\n"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("swap x1") && line.ends_with("0.50")), "{text}");
}

#[test]
fn one_that_did_not_load_is_an_error_and_no_row() {
    let run = bench("provider=/opt/other.so", &[]);
    assert_eq!(run.status.code(), Some(1));
    let text = stdout(&run);
    let larder = "NOT MEASURED: larder: it did not load: malloc came from /opt/other.so, not from ";
    assert!(text.contains(larder) && text.contains("liblarder.so"), "{text}");
    assert!(
        text.contains("NOT MEASURED: system: it did not load: malloc came from /opt/other.so, not from libc"),
        "{text}"
    );
    assert!(!text.contains("TIME"), "{text}");
}

#[test]
fn a_crash_is_told_for_its_cell_and_leaves_the_others() {
    let reply = r#"case $name$LD_PRELOAD in swap*larder*) echo "larder: double free" >&2; kill -SEGV $$;; esac"#;
    let run = bench(reply, &["--threads", "1"]);
    assert_eq!(run.status.code(), Some(1));
    let text = stdout(&run);
    assert!(text.contains("FAILED: swap x1 on larder: it ended with signal: 11 (SIGSEGV)"), "{text}");
    assert!(text.contains("larder: double free"), "{text}");
    let swap = text.lines().find(|line| line.starts_with("swap x1")).unwrap();
    assert_eq!(swap.split_whitespace().collect::<Vec<_>>(), ["swap", "x1", "failed", "*2000", "-"], "{text}");
    assert!(text.lines().any(|line| line.starts_with("begin x1") && line.ends_with("0.50")), "{text}");
}

#[test]
fn a_run_that_hangs_is_ended_and_told() {
    let run = bench(r#"[ $name = begin ] && sleep 100"#, &["--threads", "1", "--timeout", "1"]);
    assert_eq!(run.status.code(), Some(1));
    let text = stdout(&run);
    assert!(text.contains("FAILED: begin x1 on system: it did not end in 1 s"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("swap x1") && line.ends_with("0.50")), "{text}");
}

#[test]
fn an_interrupt_ends_the_rounds_too() {
    // The tool is the grandparent of this process.
    let reply = "[ $name = begin ] && kill -TERM $(cut -d' ' -f4 /proc/$PPID/stat) && sleep 9";
    for length in [["--runs", "3"], ["--seconds", "60"]] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let run = bench_for(&length, reply, &["--threads", "1", "--json", file.path().to_str().unwrap()]);
        assert_eq!(run.status.code(), Some(130));
        assert!(stdout(&run).contains("; 1 round at") && !stderr(&run).contains("round 2"), "{}", stdout(&run));
        let report: Value = serde_json::from_reader(file).unwrap();
        assert_eq!((report["rounds"].as_u64(), &report["interrupted"]), (Some(1), &true.into()));
    }
}

#[test]
fn figures_that_are_none_are_a_failure() {
    let run = bench("echo nonsense; exit 0", &["--threads", "1", "--only", "begin"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stdout(&run).contains("it did not report its figures: \"nonsense\""), "{}", stdout(&run));
}

#[test]
fn the_page_is_one_file_that_needs_nothing_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let run = bench("", &["--threads", "1", "--html", file.path().to_str().unwrap()]);
    assert!(run.status.success(), "{}", stderr(&run));
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"), "{text}");
    assert_eq!(text.matches("<svg").count(), 6);
    for outside in ["http://", "https://", "src=", "href=", "<script", "url("] {
        assert!(!text.contains(outside), "{outside}: {text}");
    }
}

#[test]
fn a_table_that_cannot_be_written_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let program = stand_in(directory.path(), "");
    let fixed = ["bench", "--allocators", "system", "--runs", "1", "--workloads", program.to_str().unwrap()];
    let status = larder(&fixed).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(125));
}

#[test]
fn the_list_measures_nothing() {
    let run = bench("exit 1", &["--list", "--only", "serv", "--threads", "4"]);
    assert!(run.status.success(), "{}", stderr(&run));
    let text = stdout(&run);
    assert!(text.starts_with("swap x4 ") && text.contains("objects change hands"), "{text}");
    assert!(!text.contains("begin") && text.contains("mimalloc-v3"), "{text}");
}

#[test]
fn drawn_workloads_take_the_place_of_the_named_ones() {
    let report = report("", &["--drawn", "3"]);
    let cells = report["cells"].as_array().unwrap();
    assert_eq!((cells.len(), &cells[0]["workload"], &cells[0]["threads"]), (1, &"drawn-1".into(), &2.into()));
    assert_eq!(cells[0]["figures"][0]["samples"].as_array().unwrap().len(), 2);
}

#[test]
fn a_named_library_takes_part() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.so");
    fs::copy(library(), &copy).unwrap();
    let with = format!("mine={}", copy.display());
    let arguments = ["--with", &with, "--allocators", "mine", "--only", "begin"];
    let report = report("", &arguments);
    let names: Vec<_> =
        report["allocators"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["larder", "system", "mine"]);
    assert_eq!(report["cells"][0]["figures"][2]["samples"].as_array().unwrap().len(), 2);
}

#[test]
fn nothing_is_built_for_a_choice_without_workloads() {
    let directory = tempfile::tempdir().unwrap();
    let program = stand_in(directory.path(), "");
    let arguments =
        ["bench", "--allocators", "larder,bump", "--only", "nothing", "--workloads", program.to_str().unwrap()];
    let run = larder(&arguments).env("CARGO", "/no/such/cargo").output().unwrap();
    let expected = "larder: --only and --threads leave no workload: see larder bench --list\n";
    assert_eq!((run.status.code(), stderr(&run).as_str()), (Some(125), expected));
}

#[test]
fn numbers_out_of_range_are_named() {
    for (option, number) in [
        ("--seconds", "0"),
        ("--seconds", "99999999999999999"),
        ("--timeout", "0"),
        ("--timeout", "99999999999999999"),
        ("--threads", "0"),
        ("--threads", "1,100000"),
        ("--runs", "0"),
        ("--drawn", "0"),
        ("--drawn", "10001"),
    ] {
        let run = output(&["bench", "--list", option, number]);
        assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(2), ""), "{option} {number}");
        assert!(stderr(&run).contains("is not in 1..") && stderr(&run).contains(option), "{}", stderr(&run));
    }
}

#[test]
fn mistakes_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let twice = directory.path().join("report").display().to_string();
    for (arguments, part) in [
        (&["--with", "x=/no/such.so"][..], "--with x=/no/such.so: No such file"),
        (&["--allocators", "nobody"], "--allocators nobody"),
        (&["--list", "--with", "x=/no/such.so"], "--with x=/no/such.so: No such file"),
        (&["--list", "--allocators", "nobody"], "--allocators nobody"),
        (&["--json", "/no/such/x.json"], "--json /no/such/x.json: No such file"),
        (&["--html", "/no/such/page.html"], "--html /no/such/page.html: No such file"),
        (&["--json", &twice, "--html", &twice], "--json and --html must name different files"),
        (&["--only", "nothing"], "--only and --threads leave no workload"),
    ] {
        let run = bench("", arguments);
        assert_eq!((run.status.code(), stdout(&run).as_str()), (Some(125), ""));
        let text = stderr(&run);
        let last = text.lines().next_back().unwrap();
        assert!(last.contains(part), "{text}");
    }
    let run = output(&["bench", "--workloads", "/no/such"]);
    assert!(stderr(&run).contains("--workloads /no/such: No such file"), "{}", stderr(&run));
}
