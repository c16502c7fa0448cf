//! Tests of `larder options`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use common::{larder, output, stderr, stdout};
use serde_json::Value;

#[test]
fn both_forms_list_the_same_keys() {
    let list: Vec<Value> = serde_json::from_slice(&output(&["options", "--json"]).stdout).unwrap();
    let text = stdout(&output(&["options"]));
    assert!(!list.is_empty());
    for option in list {
        let key = option["key"].as_str().unwrap();
        assert!(text.lines().any(|line| line.split(' ').next() == Some(key)), "{key}: {text}");
    }
}

#[test]
fn the_library_takes_the_default_of_every_option() {
    let list: Vec<Value> = serde_json::from_slice(&output(&["options", "--json"]).stdout).unwrap();
    for option in list {
        let conf = format!("{}:{}", option["key"].as_str().unwrap(), option["default"].as_str().unwrap());
        let run = larder(&["run", "-q", "sh", "-c", ":"]).env("LARDER_CONF", &conf).output().unwrap();
        assert_eq!(stderr(&run), "", "{conf}");
    }
    let run = larder(&["run", "-q", "sh", "-c", ":"]).env("LARDER_CONF", "no_such:1").output().unwrap();
    assert!(stderr(&run).contains("no_such"), "{}", stderr(&run));
}

#[test]
fn a_byte_that_is_no_text_spoils_its_item_alone_and_is_shown_escaped() {
    let conf = OsStr::from_bytes(b"x\xff\n:1,stats:json");
    let text = stderr(&larder(&["run", "-q", "true"]).env("LARDER_CONF", conf).output().unwrap());
    let (complaint, stats) = text.split_once('\n').unwrap();
    assert!(complaint.starts_with(r"larder: LARDER_CONF: unknown key 'x\xff\n'; "), "{text}");
    assert!(stats.starts_with('{') && stats.lines().count() == 1, "{text}");
}
