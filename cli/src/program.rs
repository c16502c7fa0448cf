//! Finds the file that a command runs, and what keeps a preloaded library out of it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Result;
use nix::unistd;

use crate::elf::{self, Elf};

/// The number of `#!` lines that the kernel follows.
const MAX_SCRIPTS: usize = 4;
/// More than the kernel reads of a `#!` line.
const MAX_SHEBANG: u64 = 512;

/// The ELF file that runs when `command` is executed; for a script, its interpreter.
pub(crate) fn image(command: &OsStr) -> Option<PathBuf> {
    let mut file = which::which(command).ok()?;
    for _ in 0..MAX_SCRIPTS {
        match interpreter(&file) {
            Some(next) => file = next,
            None => break,
        }
    }
    Some(file)
}

/// The program that a `#!` line names; `env NAME` is followed to NAME.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(File::open(script).ok()?.take(MAX_SHEBANG));
    reader.read_until(b'\n', &mut line).ok()?;
    let line = line.strip_prefix(b"#!")?;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(OsStr::from_bytes);
    let program = Path::new(words.next()?);
    if program.file_name() != Some(OsStr::new("env")) {
        return Some(program.into());
    }
    let is_name = |word: &&OsStr| !word.as_bytes().starts_with(b"-") && !word.as_bytes().contains(&b'=');
    which::which(words.find(is_name)?).ok()
}

/// The reason why a preloaded library would have no effect on a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Larder is linked into it.
    LinkedIn,
    /// It has no dynamic linker. If it is stripped, larder may be linked in.
    Static { is_stripped: bool },
    /// It is built for another word size or machine.
    OtherAbi(u8),
    /// Its dynamic linker is not glibc's.
    OtherLibc(PathBuf),
    /// It gains privileges, so the dynamic linker ignores LD_PRELOAD.
    Privileged,
    /// It defines malloc itself. If it is stripped, that malloc may be larder's.
    OwnMalloc { is_stripped: bool },
}

impl Obstacle {
    /// Whether the program runs on larder all the same, in words.
    pub(crate) fn verdict(&self) -> &'static str {
        match self {
            Self::LinkedIn => "active without LD_PRELOAD",
            Self::Static { is_stripped: true } | Self::OwnMalloc { is_stripped: true } => {
                "active only if linked in, which a stripped file does not tell"
            }
            _ => "not active",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkedIn => write!(f, "has larder linked in, which LD_PRELOAD does not replace"),
            Self::Static { .. } => {
                write!(f, "is statically linked, so LD_PRELOAD does not reach it (link liblarder.a into it)")
            }
            Self::OtherAbi(bits) => write!(
                f,
                "is a {bits}-bit program for another ABI than the library, so LD_PRELOAD does not reach it (larder exists for x86-64 only)"
            ),
            Self::OtherLibc(linker) => {
                write!(f, "is loaded by {}, which is not glibc's (link liblarder.a into it)", linker.display())
            }
            Self::Privileged => write!(
                f,
                "gains privileges (setuid, setgid or file capabilities), so LD_PRELOAD is ignored (run it as its owner)"
            ),
            Self::OwnMalloc { .. } => {
                write!(f, "has its own malloc, which LD_PRELOAD does not replace (build it without one)")
            }
        }
    }
}

/// The reason, if any, why a library of `abi` cannot be preloaded into the program in `image`.
pub(crate) fn obstacle(image: &Path, abi: elf::Abi) -> Result<Option<Obstacle>> {
    let Some(elf) = elf::read(image)? else {
        return Ok(None);
    };
    Ok(of_elf(elf, abi).or(gains_privileges(image)?.then_some(Obstacle::Privileged)))
}

fn of_elf(elf: Elf, abi: elf::Abi) -> Option<Obstacle> {
    let is_stripped = elf.is_stripped;
    if elf.has_larder {
        return Some(Obstacle::LinkedIn);
    }
    if elf.abi != abi {
        return Some(Obstacle::OtherAbi(elf.abi.bits));
    }
    let Some(linker) = elf.interpreter else {
        return Some(Obstacle::Static { is_stripped });
    };
    if !is_glibc(&linker) {
        Some(Obstacle::OtherLibc(linker))
    } else {
        elf.exports_malloc.then_some(Obstacle::OwnMalloc { is_stripped })
    }
}

/// glibc's dynamic linker is ld-linux*.so.N, or ld64.so.N on a few machines.
fn is_glibc(linker: &Path) -> bool {
    let name = linker.file_name().unwrap_or_default().as_bytes();
    name.starts_with(b"ld-linux") || name.starts_with(b"ld64.so")
}

fn gains_privileges(image: &Path) -> Result<bool> {
    const SETUID: u32 = 0o4000;
    const SETGID: u32 = 0o2000;
    let file = image.metadata()?;
    let mode = file.permissions().mode();
    let has = |bit| mode & bit != 0;
    let other_user = has(SETUID) && file.uid() != unistd::getuid().as_raw();
    let other_group = has(SETGID) && file.gid() != unistd::getgid().as_raw();
    Ok(other_user || other_group || gains_capabilities(image))
}

fn gains_capabilities(image: &Path) -> bool {
    // Root has all capabilities, so nothing is gained.
    !unistd::getuid().is_root() && matches!(xattr::get(image, "security.capability"), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn own() -> Elf {
        elf::read(Path::new("/proc/self/exe")).unwrap().unwrap()
    }

    #[test]
    fn a_script_stands_for_its_interpreter() {
        let dir = tempfile::tempdir().unwrap();
        let inner = script(dir.path(), "inner", "#! /bin/sh -e\n");
        let outer = script(dir.path(), "outer", &format!("#!{}\n", inner.display()));
        assert_eq!(image(outer.as_os_str()), Some("/bin/sh".into()));
    }

    #[test]
    fn env_is_followed_to_the_program_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = script(dir.path(), "x", "#!/usr/bin/env -S A=b sh -e\n");
        assert_eq!(image(path.as_os_str()), which::which("sh").ok());
    }

    #[test]
    fn scripts_in_a_ring_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ring");
        script(dir.path(), "ring", &format!("#!{}\n", path.display()));
        assert_eq!(image(path.as_os_str()), Some(path));
    }

    #[test]
    fn an_unknown_command_has_no_image() {
        assert_eq!(image(OsStr::new("/nowhere/at-all")), None);
    }

    #[test]
    fn every_obstacle_is_named() {
        let abi = own().abi;
        assert_eq!(of_elf(own(), abi), None);
        for is_stripped in [false, true] {
            let elf = Elf { interpreter: None, is_stripped, ..own() };
            assert_eq!(of_elf(elf, abi), Some(Obstacle::Static { is_stripped }));
            let elf = Elf { exports_malloc: true, is_stripped, ..own() };
            assert_eq!(of_elf(elf, abi), Some(Obstacle::OwnMalloc { is_stripped }));
        }
        for interpreter in [None, own().interpreter] {
            let elf = Elf { interpreter, exports_malloc: true, has_larder: true, ..own() };
            assert_eq!(of_elf(elf, abi), Some(Obstacle::LinkedIn));
        }
        let musl = PathBuf::from("/lib/ld-musl-x86_64.so.1");
        let elf = Elf { interpreter: Some(musl.clone()), ..own() };
        assert_eq!(of_elf(elf, abi), Some(Obstacle::OtherLibc(musl)));
        let mut other = abi;
        other.bits = 32;
        for interpreter in [None, own().interpreter] {
            // No library of another ABI can be linked in either, whatever a stripped file hides.
            let narrow = Elf { abi: other, interpreter, is_stripped: true, ..own() };
            assert_eq!(of_elf(narrow, abi), Some(Obstacle::OtherAbi(32)));
        }
    }

    #[test]
    fn setuid_matters_only_to_others_than_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = script(dir.path(), "x", "");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
        assert!(!gains_privileges(&path).unwrap());
        if unistd::getuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
            assert!(gains_privileges(&path).unwrap());
        }
    }
}
