//! Every workload must run, report what it did, and notice a broken allocator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::process::{Command, Output};

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder-workloads"));
    command.args(words);
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn json(words: &[&str]) -> Value {
    let output = output(&mut program(words));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaint.is_empty(), "{words:?}: {} {complaint}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each workload with each of its usual numbers of threads.
fn every_run() -> Vec<(String, String)> {
    let list = json(&["list", "--json"]);
    let entries = list.as_array().unwrap().iter();
    let runs = entries.flat_map(|entry| {
        let name = entry["name"].as_str().unwrap().to_owned();
        let threads = entry["threads"].as_array().unwrap().iter();
        threads.map(move |threads| (name.clone(), threads.to_string()))
    });
    runs.collect()
}

fn is_whole(report: &Value, name: &str, threads: &str) {
    let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("{name}: no {key} in {report}"));
    assert_eq!(report["workload"], *name);
    assert_eq!(report["threads"].to_string(), *threads);
    assert_eq!(report["scale"], "tiny");
    assert!(report["allocator"].as_str().unwrap().starts_with('/'), "{report}");
    assert!(number("operations") >= 1.0 && number("seconds") > 0.0 && number("cpu_seconds") >= 0.0, "{report}");
    assert!(number("peak_rss_kib") >= number("final_rss_kib") && number("final_rss_kib") > 0.0, "{report}");
    assert!(number("minor_faults") >= 0.0 && number("major_faults") >= 0.0, "{report}");
    assert!(report["peak_pss_kib"].as_u64() >= report["final_pss_kib"].as_u64(), "{report}");
}

#[test]
fn every_workload_runs() {
    for (name, threads) in every_run() {
        let report = json(&["run", &name, "--threads", &threads, "--scale", "tiny", "--seed", "7"]);
        is_whole(&report, &name, &threads);
        assert!(report["latency"].is_null());
    }
}

#[test]
fn every_workload_can_be_timed_call_by_call() {
    for (name, threads) in every_run().into_iter().filter(|(name, _)| name != "process-start") {
        let report = json(&["run", &name, "--threads", &threads, "--scale", "tiny", "--latency"]);
        is_whole(&report, &name, &threads);
        for kind in ["malloc_ns", "free_ns"] {
            let at = |quantile: &str| {
                report["latency"][kind][quantile].as_u64().unwrap_or_else(|| panic!("{name}: {report}"))
            };
            assert!(at("p50") <= at("p99") && at("p99") <= at("p999") && at("p999") <= at("max"), "{report}");
            assert!(at("max") > 0, "{report}");
        }
    }
}

#[test]
fn drawn_workloads_run_too_and_say_what_they_are() {
    let list = json(&["list", "--json", "--drawn", "30"]);
    for (entry, number) in list.as_array().unwrap().iter().zip(1..) {
        let (name, threads) = (entry["name"].as_str().unwrap(), entry["threads"][0].to_string());
        assert_eq!(name, format!("drawn-{number}"));
        assert!(entry["about"].as_str().unwrap().contains(" of "), "{entry}");
        is_whole(&json(&["run", name, "--threads", &threads, "--scale", "tiny"]), name, &threads);
    }
    assert_eq!(list.as_array().unwrap().len(), 30);
    assert_eq!(output(&mut program(&["run", "drawn-0"])).status.code(), Some(2));
}

/// Two workloads that were reduced to the same size would count twice in every mean.
#[test]
fn the_most_objects_are_more_than_a_million() {
    let peak = |name: &str| json(&["run", name])["peak_rss_kib"].as_u64().unwrap();
    let names = every_run().into_iter().map(|(name, _)| name);
    let largest = names.filter(|name| name.starts_with("live-")).collect::<Vec<_>>();
    let [.., million, most] = largest.as_slice() else { panic!("{largest:?}") };
    assert!(peak(most) > 2 * peak(million));
}

#[test]
fn the_same_seed_does_the_same() {
    let operations = || json(&["run", "larson", "--scale", "tiny", "--seed", "3"])["operations"].clone();
    assert_eq!(operations(), operations());
}

#[test]
fn what_there_is_not_is_refused_in_one_line() {
    for words in [&["run", "no-such-thing"][..], &["run", "producer-consumer", "--threads", "1"]] {
        let output = output(&mut program(words));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(output.stdout.is_empty());
    }
}

/// Preloads a malloc that makes the named mistake and runs the workload.
fn broken(mistake: &str, workload: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("broken.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken.c");
    let flags = ["-shared", "-fPIC", "-O1", "-fno-builtin", "-o"];
    let compiled = Command::new("cc").arg(format!("-D{mistake}")).args(flags).arg(&library).arg(source).status();
    assert!(compiled.unwrap().success());
    output(program(&["run", workload, "--scale", "tiny"]).env("LD_PRELOAD", &library))
}

#[test]
fn a_broken_allocator_is_noticed() {
    for (mistake, workload, complaint) in [
        ("TWICE", "batch-random", "were overwritten"),
        ("SHORT", "batch-order", "were overwritten"),
        ("CROOKED", "batch-order", "no multiple of 8"),
        ("NOTHING", "batch-order", "no memory"),
    ] {
        let output = broken(mistake, workload);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{mistake}: {said}");
        assert!(said.contains(complaint) && said.lines().count() == 1, "{mistake}: {said}");
        assert!(output.stdout.is_empty(), "{mistake}");
    }
}
