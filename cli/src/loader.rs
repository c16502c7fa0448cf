//! Asks a program's dynamic linker which malloc the program gets, before the program is measured.
//!
//! glibc's linker can list what it would bind without running the program (this is how ldd works). So a library that
//! does not load, or a program whose malloc cannot be replaced, is detected instead of measured.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::preload;

/// Fails unless `image` gets its malloc from `library`, or from libc if that is `None`. The image must be loaded by glibc's linker.
pub(crate) fn verify(image: &Path, library: Option<&Path>) -> Result<()> {
    let mut trace = Command::new(image);
    trace
        .envs([("LD_TRACE_LOADED_OBJECTS", "1"), ("LD_WARN", "yes")])
        .envs([("LD_BIND_NOW", "yes"), ("LD_DEBUG", "bindings")])
        // This would send the output to a file.
        .env_remove("LD_DEBUG_OUTPUT")
        .stdin(Stdio::null());
    if let Some(library) = library {
        preload::set(&mut trace, library)?;
    }
    let output = trace.output().with_context(|| image.display().to_string())?;
    judge(&output.stderr, library)
}

fn judge(report: &[u8], library: Option<&Path>) -> Result<()> {
    let provider = malloc_provider(report).context("the dynamic linker does not report where malloc comes from")?;
    match library {
        Some(library) if same(&provider, library) => Ok(()),
        Some(_) if is_libc(&provider) => bail!("malloc still comes from libc: {}", refusal(report)),
        None if is_libc(&provider) => Ok(()),
        _ => bail!("the program gets malloc from {}", provider.display()),
    }
}

/// The file whose malloc libc's own calls reach.
fn malloc_provider(report: &[u8]) -> Option<PathBuf> {
    let bindings: Vec<_> = report.split(|byte| *byte == b'\n').filter_map(malloc_binding).collect();
    let of = |user: &dyn Fn(&Path) -> bool| bindings.iter().find(|it| user(it.0)).map(|it| it.1);
    let first = of(&is_libc)?;
    // If a program takes the address of malloc and is linked at a fixed address, every library is bound to a jump in the
    // program. Then libc is bound to the program, and the program's own binding says where the jump leads.
    let second = of(&|user| user == first);
    Some(second.unwrap_or(first).into())
}

/// The user and the provider in a line `binding file A [0] to B [0]: normal symbol `malloc' [VERSION]`.
fn malloc_binding(line: &[u8]) -> Option<(&Path, &Path)> {
    let (_, line) = split(line, b"binding file ")?;
    let (line, _) = split(line, b" [0]: normal symbol `malloc'")?;
    let (user, provider) = split(line, b" [0] to ")?;
    Some((Path::new(OsStr::from_bytes(user)), Path::new(OsStr::from_bytes(provider))))
}

fn split<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(separator.len()).position(|it| it == separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// Whether a file is libc, judged by its name.
pub(crate) fn is_libc(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"libc.so."))
}

/// Whether two paths name the same file.
pub(crate) fn same(left: &Path, right: &Path) -> bool {
    left == right || left.canonicalize().is_ok_and(|left| right.canonicalize().is_ok_and(|right| left == right))
}

/// The linker's error message, if there is one.
fn refusal(report: &[u8]) -> String {
    let report = String::from_utf8_lossy(report);
    let line = report.lines().find(|line| line.starts_with("ERROR: ld.so"));
    line.unwrap_or("the library has no malloc").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBC: &str =
        "  12:\tbinding file /lib/libc.so.6 [0] to /lib/libc.so.6 [0]: normal symbol `malloc' [GLIBC_2.2.5]\n";

    fn binding(user: &str, provider: &str) -> String {
        LIBC.replacen("/lib/libc.so.6", user, 1).replacen("to /lib/libc.so.6", &format!("to {provider}"), 1)
    }

    #[test]
    fn only_the_binding_of_libc_counts() {
        let report = binding("/opt/plugin.so", "/opt/plugin.so") + &binding("/lib/libc.so.6", "/opt/libx.so");
        assert_eq!(malloc_provider(report.as_bytes()), Some("/opt/libx.so".into()));
        assert_eq!(malloc_provider(b"nothing"), None);
    }

    #[test]
    fn a_jump_lent_by_the_program_is_followed() {
        let lent = binding("/lib/libc.so.6", "/bin/p");
        let bound = lent.clone() + &binding("/bin/p", "/opt/libx.so");
        assert_eq!(malloc_provider(bound.as_bytes()), Some("/opt/libx.so".into()));
        assert_eq!(malloc_provider(lent.as_bytes()), Some("/bin/p".into()));
    }

    #[test]
    fn the_verdicts() {
        let library = Path::new("/opt/libx.so");
        let loaded = binding("/lib/libc.so.6", "/opt/libx.so");
        assert!(judge(loaded.as_bytes(), Some(library)).is_ok());
        assert!(judge(LIBC.as_bytes(), None).is_ok());
        let text = |report: &str, library| judge(report.as_bytes(), library).unwrap_err().to_string();
        let refused = format!("ERROR: ld.so: object '/opt/libx.so' cannot be preloaded\n{LIBC}");
        assert!(text(&refused, Some(library)).contains("cannot be preloaded"));
        assert!(text(LIBC, Some(library)).contains("has no malloc"));
        assert_eq!(text(&loaded, None), "the program gets malloc from /opt/libx.so");
        assert!(text("", None).contains("does not report"));
    }

    #[test]
    fn the_linker_of_this_machine_answers() {
        let image = Path::new("/proc/self/exe").canonicalize().unwrap();
        verify(&image, None).unwrap();
        let text = verify(&image, Some(Path::new("/no/such.so"))).unwrap_err().to_string();
        assert!(text.contains("/no/such.so"), "{text}");
    }
}
