//! `larder stats`: figures of running programs, read from outside.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread, time::Duration};

use common::{compile, larder, library, output, stderr, stdout};
use serde_json::Value;

/// Holds objects of all kinds, says what it holds, and waits to be told to end.
const HOLDER: &str = r#"
    #include <malloc.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    int main(void) {
        for (int i = 0; i < 1000; i++) memset(malloc(100), 1, 100);
        memset(malloc(3 << 20), 1, 3 << 20);
        memset(malloc(40 << 20), 1, 40 << 20);
        for (int i = 0; i < 1000; i++) free(malloc(5000));
        struct mallinfo2 now = mallinfo2();
        char line[99];
        write(1, line, (size_t)snprintf(line, sizeof line, "%zu %zu\n", now.uordblks, now.hblkhd));
        return (int)read(0, (char[1]){0}, 1);
    }"#;

/// Allocates and frees in three threads without a pause.
const BUSY: &str = r#"
    #include <pthread.h>
    #include <stdio.h>
    #include <stdlib.h>
    static void *work(void *arg) {
        unsigned seed = (unsigned)(size_t)arg;
        static _Thread_local void *held[100];
        for (;;) {
            void **place = held + rand_r(&seed) % 100;
            free(*place);
            int kind = rand_r(&seed) % 20;
            *place = malloc(kind == 0 ? rand_r(&seed) % (1 << 20) : kind < 5 ? rand_r(&seed) % 40000 : rand_r(&seed) % 600);
        }
    }
    int main(void) {
        pthread_t thread;
        for (size_t i = 1; i < 4; i++) pthread_create(&thread, 0, work, (void *)i);
        puts("busy"), fflush(stdout);
        getchar();
        _Exit(0);
    }"#;

/// Forks, and prints the child's number; the child does nothing.
const PARENT: &str = r#"
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    int main(void) {
        for (int i = 0; i < 1000; i++) *(volatile char *)malloc(100) = 1;
        int child = fork();
        if (child == 0) for (;;) pause();
        printf("%d\n", child), fflush(stdout);
        getchar();
        kill(child, SIGKILL);
        return 0;
    }"#;

/// Calls nothing that allocates.
const SILENT: &str = r#"
    #include <unistd.h>
    int main(void) { write(1, "up\n", 3); return (int)read(0, (char[1]){0}, 1); }"#;

/// A program on larder that waits.
struct Running {
    program: Child,
    said: String,
    _directory: tempfile::TempDir,
}

impl Running {
    fn start(source: &str) -> Running {
        Running::start_on(&library(), source, &[])
    }

    /// Starts a program on this library, as the argument of a command.
    fn start_on(library: &Path, source: &str, command: &[&str]) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let program = compile(directory.path(), source, &["-O0", "-pthread"]);
        let mut words: Vec<PathBuf> = command.iter().map(PathBuf::from).collect();
        words.push(program);
        let mut start = Command::new(&words[0]);
        start.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).env("LD_PRELOAD", library);
        let mut program = start.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        Running { program, said, _directory: directory }
    }

    fn number(&self) -> String {
        self.program.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.program.stdin.take().map(|mut input| input.write_all(b"\n"));
        let _status = self.program.wait();
    }
}

fn json_of(arguments: &[&str]) -> Value {
    let run = output(&[&["stats", "--json"], arguments].concat());
    assert_eq!(stderr(&run), "");
    let text = stdout(&run);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn refusal(arguments: &[&str]) -> String {
    let run = output(&[&["stats"], arguments].concat());
    assert_eq!((run.status.code(), stdout(&run)), (Some(125), String::new()));
    let text = stderr(&run);
    assert!(text.starts_with("larder: ") && text.lines().count() == 1, "{text}");
    text
}

#[test]
fn a_program_holds_what_it_says_itself() {
    let running = Running::start(HOLDER);
    let [in_arenas, in_mappings] =
        [0, 1].map(|word| running.said.split_whitespace().nth(word).unwrap().parse().unwrap());
    for _ in 0..2 {
        let stats = json_of(&[&running.number()]);
        assert_eq!(stats["process"], running.program.id());
        let bytes = |name: &str| stats["in_use"][name].as_u64().unwrap();
        assert_eq!((bytes("small") + bytes("large"), bytes("huge")), (in_arenas, in_mappings), "{stats}");
        assert!(bytes("small_objects") >= 1000 && stats["free"]["windows"].as_u64() > Some(0), "{stats}");
    }
    let run = output(&["stats", &running.number(), "4194305", &running.number()]);
    assert_eq!(run.status.code(), Some(125));
    assert_eq!(stderr(&run), "larder: there is no process 4194305\n");
    let both = stdout(&run);
    let (table, again) = both.split_once("\n\n").unwrap();
    assert!(again.starts_with("process "), "{both}");
    let mut lines = table.lines();
    let head = lines.next().unwrap();
    assert!(head.starts_with(&format!("process {} (program), 4", running.number())), "{head}");
    assert!(lines.next().unwrap().starts_with("larder "), "{table}");
    let huge = format!("in use, huge            {in_mappings:>16}           1\n");
    assert!(table.contains(&huge) && again.contains(&huge), "{both}");
}

#[test]
fn a_program_that_is_not_laid_at_random_is_read_too() {
    let running = Running::start_on(&library(), HOLDER, &["setarch", "-R"]);
    assert_eq!(json_of(&[&running.number()])["in_use"]["huge_objects"], 1);
    // Nor is the tool, unless it sees to that.
    let tool = larder(&[]).get_program().to_owned();
    let run = Command::new("setarch").arg("-R").arg(tool).args(["stats", &running.number()]).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
}

#[test]
fn a_busy_program_is_read_and_goes_on() {
    let mut running = Running::start(BUSY);
    for _ in 0..30 {
        let stats = json_of(&[&running.number()]);
        let small = stats["in_use"]["small_objects"].as_u64().unwrap();
        assert!((1..100_000).contains(&small), "{stats}");
    }
    assert_eq!(running.program.try_wait().unwrap(), None);
}

#[test]
fn a_child_that_has_not_allocated_since_the_fork_is_read() {
    let running = Running::start(PARENT);
    let stats = json_of(&[running.said.trim()]);
    assert!(stats["in_use"]["small_objects"].as_u64() >= Some(1000), "{stats}");
}

#[test]
fn every_process_on_larder_has_a_line() {
    let running = [HOLDER, PARENT].map(Running::start);
    let table = stdout(&output(&["stats"]));
    let row = |process: &str| table.lines().find(|line| line.split_whitespace().next() == Some(process)).unwrap();
    for (running, in_use) in running.iter().zip(["43.", "0.1"]) {
        let cells: Vec<_> = row(&running.number()).split_whitespace().collect();
        assert!(cells[3].starts_with(in_use) && cells.last() == Some(&"program"), "{table}");
    }
    row(running[1].said.trim());
    let own = |line: &str| serde_json::from_str::<Value>(line).unwrap()["process"] == running[0].program.id();
    assert!(stdout(&output(&["stats", "--json"])).lines().any(own));
}

#[test]
fn reports_are_repeated_until_the_process_ends() {
    let running = Running::start(HOLDER);
    let mut tool = larder(&["stats", "--json", "--every", "10ms", &running.number()]);
    let mut tool = tool.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(tool.stdout.take().unwrap()).lines();
    let mut count = 0;
    let mut running = Some(running);
    for line in lines {
        assert!(line.unwrap().starts_with("{\"larder\":"));
        count += 1;
        if count == 3 {
            running = None;
        }
    }
    assert!(running.is_none());
    assert_eq!(tool.wait().unwrap().code(), Some(0));
}

#[test]
fn a_program_on_another_build_needs_that_build() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("liblarder.so");
    let mut bytes = fs::read(library()).unwrap();
    let name = bytes.windows(4).position(|window| window == b"GNU\0").unwrap();
    // The build's identification follows the name.
    bytes[name + 4] ^= 1;
    fs::write(&other, bytes).unwrap();
    let running = Running::start_on(&other, HOLDER, &[]);
    let text = refusal(&[&running.number()]);
    assert!(text.contains(&format!("process {} (program) runs on another build", running.number())), "{text}");
    assert_eq!(json_of(&["--lib", other.to_str().unwrap(), &running.number()])["in_use"]["huge_objects"], 1);
    // The file may be replaced while the program runs.
    fs::remove_file(&other).unwrap();
    assert!(refusal(&[&running.number()]).contains("runs on another build"));
}

#[test]
fn what_cannot_be_read_is_said() {
    assert!(refusal(&["4194305"]).contains("there is no process 4194305"));
    let own = std::process::id().to_string();
    let text = refusal(&[&own]);
    assert!(text.contains("does not run on liblarder.so") && text.contains(&own), "{text}");
    let running = Running::start(SILENT);
    assert!(refusal(&[&running.number()]).contains("has not allocated anything yet"));
}

#[test]
fn a_process_that_has_ended_is_not_there_even_if_nobody_has_waited_for_it() {
    let mut child = Command::new("true").spawn().unwrap();
    thread::sleep(Duration::from_millis(100));
    let text = refusal(&[&child.id().to_string()]);
    assert_eq!(text, format!("larder: process {} has ended\n", child.id()));
    child.wait().unwrap();
}
