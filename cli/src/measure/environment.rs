//! Environment variables that may affect how allocators perform, for people who read the report on another machine.

use std::env;
use std::ffi::OsString;

/// How the names of these variables begin.
const PREFIXES: [&str; 14] = [
    "LARDER_",
    "MALLOC_",
    "_RJEM_MALLOC_",
    "JE_MALLOC_",
    "MIMALLOC_",
    "TCMALLOC_",
    "SNMALLOC_",
    "RPMALLOC_",
    "SCUDO_",
    "MESH_",
    "HOARD_",
    "GLIBC_TUNABLES",
    "LD_PRELOAD",
    "LD_BIND_NOW",
];

/// These variables as `NAME=value`, sorted.
pub(crate) fn settings() -> Vec<String> {
    of(env::vars_os())
}

fn of(all: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    let text = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
    let mut found: Vec<_> = all.map(text).filter(|it| PREFIXES.iter().any(|prefix| it.starts_with(prefix))).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_allocators() {
        let all = [("PATH", "/bin"), ("MALLOC_CONF", "background_thread:true"), ("LARDER_CONF", "thp:never")];
        let found = of(all.into_iter().map(|(name, value)| (name.into(), value.into())));
        assert_eq!(found, ["LARDER_CONF=thp:never", "MALLOC_CONF=background_thread:true"]);
    }
}
