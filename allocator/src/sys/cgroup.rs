//! What the control groups around this process permit it: read from `/proc/self/cgroup` and `/sys/fs/cgroup`, or, in tests, from a tree laid out like
//! them.
//!
//! Groups nest, and each may have a bound, so every group from the process's own up to the mount's root is looked at. Version 2 has `memory.max`
//! (beyond it the kernel kills) and `memory.high` (beyond it the kernel makes the process wait); version 1 has `memory.limit_in_bytes`. In a
//! container the path may be one of the host's that does not exist there; then the mount's root is the container's own group. A file that cannot be
//! read, or makes no sense, bounds nothing at the start; later it leaves things as they are.
//!
//! Besides what is left, the kernel tells of **trouble**: how often it had to reclaim or kill at a group's own bound (`memory.events.local`,
//! `memory.failcnt`; before Linux 5.2 `memory.events`, which also counts what happens in the groups below), and for how long somebody in the group or
//! below it waited for memory (`memory.pressure`; for a group of version 1, the pressure of the whole machine).

use super::Errno;
use super::file::{PATH, each_line, try_to_read_text};
use super::limit::NONE;

/// Bytes that are read of a file's text: the lines looked for come early.
const TEXT: usize = 2048;
/// Greater bounds mean none, because version 1 has no word for that.
const ENDLESS: usize = 1 << 60;

/// A file of a group.
#[derive(Clone, Copy, Debug)]
pub enum File {
    /// The bound beyond which the kernel kills.
    Max,
    /// The bound beyond which the kernel makes the process wait.
    High,
    /// The bytes in use.
    Usage,
    /// What they are used for.
    Stat,
    /// How often there was trouble in the group and in those below.
    Events,
    /// How often there was trouble in the group alone.
    OwnEvents,
    /// For how long somebody waited.
    Pressure,
}

/// Number of kinds of [`File`].
pub const FILES: usize = 7;

/// One of the two ways the kernel shows memory groups.
struct Version {
    mount: &'static str,
    /// The names of the files; empty where this version has no such file.
    names: [&'static str; FILES],
}

static V1: Version = Version {
    mount: "sys/fs/cgroup/memory",
    names: ["memory.limit_in_bytes", "", "memory.usage_in_bytes", "memory.stat", "memory.failcnt", "", ""],
};
static V2: Version = Version {
    mount: "sys/fs/cgroup",
    names: [
        "memory.max",
        "memory.high",
        "memory.current",
        "memory.stat",
        "memory.events",
        "memory.events.local",
        "memory.pressure",
    ],
};
/// Lines of `memory.stat` that count the files' pages, which the kernel drops before it kills. In version 1 other lines have the sums over all groups
/// below.
const DROPPED: [&str; 2] = ["inactive_file", "active_file"];
const DROPPED_BELOW: [&str; 2] = ["total_inactive_file", "total_active_file"];
/// Less than this part of a bound counts as little.
const TIGHT_SHARE: usize = 8;
/// Lines of `memory.events` that tell of reclaim at a bound.
const TROUBLE: [&str; 3] = ["high", "max", "oom"];

/// Returns the smallest bound, in bytes, of the groups around the process; `root` is empty except in tests.
pub fn bound(root: &str) -> Option<usize> {
    let mut least = NONE;
    each_group(root, |group| least = group.bounds().into_iter().flatten().fold(least, usize::min));
    Some(least).filter(|&least| least != NONE)
}

/// Returns the fewest bytes that any group has left: [`NONE`] if no group has a bound, an error if that is unknown.
pub fn headroom(root: &str) -> Result<usize, Errno> {
    let mut least = Err(Errno(libc::ENOENT));
    each_group(root, |group| least = lesser(least, group.headroom()));
    least
}

/// Returns the lesser of two bounds. A file that does not exist, or that this process may not see, bounds nothing; one that failed for another reason
/// may hide any bound.
pub fn lesser(one: Result<usize, Errno>, other: Result<usize, Errno>) -> Result<usize, Errno> {
    let is_absent = |errno| matches!(errno, Errno(libc::ENOENT | libc::ENODEV | libc::EACCES));
    match (one, other) {
        (Ok(one), Ok(other)) => Ok(one.min(other)),
        (Err(errno), known) | (known, Err(errno)) if is_absent(errno) => known,
        (Err(errno), _) | (_, Err(errno)) => Err(errno),
    }
}

/// Returns how often there has been trouble in the process's group and in those around it.
pub fn trouble(root: &str) -> u64 {
    let mut sum = 0;
    each_group(root, |group| sum += group.trouble());
    sum
}

/// Returns whether any of these groups has little left.
pub fn is_tight(root: &str) -> bool {
    let mut any = false;
    each_group(root, |group| any |= group.is_tight());
    any
}

/// Calls `each` with the process's group and those around it, the innermost first.
pub fn each_group(root: &str, mut each: impl FnMut(&Group<'_>)) {
    let mut path = [0; PATH];
    let Some((version, path)) = own_group(root, &mut path) else { return };
    let around = core::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0));
    around.for_each(|path| each(&Group { root, version, path }));
}

/// Returns the process's memory group: `4:memory:/path`, or `0::/path` where version 1 has none. The file has a line for each hierarchy, and the
/// paths may be long, so it is read piece by piece.
#[inline(never)]
fn own_group<'a>(root: &str, buffer: &'a mut [u8; PATH]) -> Option<(&'static Version, &'a str)> {
    let (mut piece, mut found) = ([0; TEXT], None);
    let read = each_line(format_args!("{root}/proc/self/cgroup"), &mut piece, |line| {
        let Some((version, path)) = group_of_line(line) else { return true };
        buffer[..path.len()].copy_from_slice(path.as_bytes());
        found = Some((version, path.len()));
        // Version 1 takes precedence, wherever its line stands.
        core::ptr::eq(version, &V2)
    });
    let (version, len) = read.ok().and(found)?;
    Some((version, core::str::from_utf8(&buffer[..len]).ok()?))
}

/// Returns the memory group that a line names, if it names one by a path that is not too long.
fn group_of_line(line: &str) -> Option<(&'static Version, &str)> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    let is_first = controllers.split(',').any(|one| one == "memory");
    let version = if is_first { &V1 } else { controllers.is_empty().then_some(&V2)? };
    // A path that leaves the container's view leads nowhere.
    let path = if path.split('/').any(|part| part == "..") { "" } else { path.trim_end_matches('/') };
    (path.len() <= PATH).then_some((version, path))
}

/// A group. `path` is empty for the mount's root; any other begins with a slash.
pub struct Group<'a> {
    root: &'a str,
    version: &'static Version,
    path: &'a str,
}

impl Group<'_> {
    /// Passes the path of one of its files to `open`; returns `None` if this version has no such file.
    pub fn with_path<R>(&self, file: File, open: impl FnOnce(core::fmt::Arguments<'_>) -> R) -> Option<R> {
        let name = *self.version.names.get(file as usize)?;
        let machines_own = matches!(file, File::Pressure) && name.is_empty();
        if machines_own {
            return Some(open(format_args!("{}/proc/pressure/memory", self.root)));
        }
        (!name.is_empty()).then(|| open(format_args!("{}/{}{}/{name}", self.root, self.version.mount, self.path)))
    }
}

impl Files for Group<'_> {
    fn read<'a>(&self, file: File, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
        self.with_path(file, |path| try_to_read_text(path, buffer)).unwrap_or(Err(Errno(libc::ENOENT)))
    }
}

/// The files of a group, however they are read.
pub trait Files {
    /// Reads the beginning of a file, as far as the buffer goes.
    fn read<'a>(&self, file: File, buffer: &'a mut [u8]) -> Result<&'a str, Errno>;

    /// Returns the bounds in bytes ([`NONE`]: none), in so far as they can be read.
    fn bounds(&self) -> [Result<usize, Errno>; 2] {
        let bound = |bytes| if bytes < ENDLESS { bytes } else { NONE };
        [File::Max, File::High].map(|file| self.number(file).map(bound))
    }

    /// Returns whether there is a bound.
    fn is_bounded(&self) -> bool {
        self.bounds().into_iter().flatten().any(|bytes| bytes != NONE)
    }

    /// Returns the smaller bound; [`NONE`] if there is none.
    fn bound(&self) -> Result<usize, Errno> {
        let [max, high] = self.bounds();
        lesser(max, high)
    }

    /// Returns the bytes left below the smaller bound; [`NONE`] if there is none.
    fn headroom(&self) -> Result<usize, Errno> {
        self.left_below(self.bound()?)
    }

    fn left_below(&self, bound: usize) -> Result<usize, Errno> {
        match bound {
            NONE => Ok(NONE),
            bound => Ok(bound.saturating_sub(self.usage().map_err(|_| Errno(libc::EIO))?)),
        }
    }

    /// Returns whether little is left below the bound, or whether that is unknown. Only then is memory short when the kernel has to reclaim: a
    /// program that reads files meets the bound all the time, and the kernel drops their pages.
    fn is_tight(&self) -> bool {
        let is_little = |bound: usize| Ok::<_, Errno>(self.left_below(bound)? < bound / TIGHT_SHARE);
        self.bound().and_then(is_little).unwrap_or(true)
    }

    /// Returns the bytes in use apart from the files' pages.
    fn usage(&self) -> Result<usize, Errno> {
        let usage = self.number(File::Usage)?;
        let mut text = [0; TEXT];
        let stat = self.read(File::Stat, &mut text).unwrap_or_default();
        let sum = |names: &[&str]| -> usize { figures(stat, names).sum() };
        let files = if stat.contains(DROPPED_BELOW[0]) { sum(&DROPPED_BELOW) } else { sum(&DROPPED) };
        Ok(usage.saturating_sub(files))
    }

    /// Returns how often there has been trouble at the group's own bound. The other file also counts trouble of groups below at theirs, which may be
    /// neighbours.
    fn trouble(&self) -> u64 {
        [File::OwnEvents, File::Events].into_iter().find_map(|file| self.events(file)).unwrap_or(0)
    }

    fn events(&self, file: File) -> Option<u64> {
        let mut text = [0; 512];
        let events = self.read(file, &mut text).ok()?;
        let alone = events.trim().parse::<usize>();
        Some(alone.unwrap_or_else(|_| figures(events, &TROUBLE).sum()) as u64)
    }

    /// Returns the microseconds for which somebody has waited for memory so far.
    fn stalled_us(&self) -> Option<u64> {
        let mut text = [0; 512];
        let pressure = self.read(File::Pressure, &mut text).ok()?;
        let some = pressure.lines().find(|line| line.starts_with("some "))?;
        some.rsplit_once("total=")?.1.parse().ok()
    }

    /// Reads a file that is one number, or version 2's word for none.
    fn number(&self, file: File) -> Result<usize, Errno> {
        match self.read(file, &mut [0; 64])?.trim() {
            "max" => Ok(NONE),
            number => number.parse().map_err(|_| Errno(libc::EINVAL)),
        }
    }
}

/// Returns the numbers in lines of the form `name number` with one of these names.
fn figures<'a>(text: &'a str, names: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(name, _)| names.contains(name)).filter_map(|(_, number)| number.trim().parse().ok())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    extern crate std;
    use std::path::Path;
    use std::string::String;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{env, format, fs, process};

    /// A tree of files that is removed when it is dropped.
    pub struct Tree(String);

    impl Tree {
        pub fn new(files: &[(&str, &str)]) -> Tree {
            static TREES: AtomicU32 = AtomicU32::new(0);
            let number = TREES.fetch_add(1, Ordering::Relaxed);
            let root = env::temp_dir().join(format!("larder-cgroup-{}-{number}", process::id()));
            fs::create_dir_all(&root).unwrap();
            let tree = Tree(root.to_str().unwrap().into());
            files.iter().for_each(|(name, text)| tree.write(name, text));
            tree
        }

        pub fn root(&self) -> &str {
            &self.0
        }

        pub fn write(&self, name: &str, text: &str) {
            let path = Path::new(&self.0).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    pub const OWN: &str = "proc/self/cgroup";

    fn bound_of(files: &[(&str, &str)]) -> Option<usize> {
        bound(&Tree::new(files).0)
    }

    #[test]
    fn version_2_has_two_bounds() {
        let own = (OWN, "0::/shop/till\n");
        assert_eq!(bound_of(&[own, ("sys/fs/cgroup/shop/till/memory.max", "536870912\n")]), Some(512 << 20));
        let max = ("sys/fs/cgroup/shop/till/memory.max", "max\n");
        assert_eq!(bound_of(&[own, max, ("sys/fs/cgroup/shop/till/memory.high", "1048576\n")]), Some(1 << 20));
        assert_eq!(bound_of(&[own, max, ("sys/fs/cgroup/shop/till/memory.high", "max\n")]), None);
    }

    #[test]
    fn the_smallest_of_nested_groups_counts() {
        let own = (OWN, "0::/a/b/c\n");
        let outer = ("sys/fs/cgroup/a/memory.max", "1000000\n");
        let inner = ("sys/fs/cgroup/a/b/c/memory.max", "2000000\n");
        assert_eq!(bound_of(&[own, outer, inner]), Some(1_000_000));
        assert_eq!(bound_of(&[own, outer, ("sys/fs/cgroup/a/b/memory.high", "500000\n")]), Some(500_000));
    }

    #[test]
    fn version_1_goes_before_the_empty_version_2() {
        let own = (OWN, "9:name=systemd:/\n4:cpu,memory:/pod/one\n0::/\n");
        let bounds = ("sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes", "268435456\n");
        assert_eq!(bound_of(&[own, bounds, ("sys/fs/cgroup/memory.max", "1\n")]), Some(256 << 20));
        let none = ("sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(bound_of(&[own, none]), None);
    }

    #[test]
    fn the_memory_line_is_found_among_long_ones() {
        let pod = format!("/kubepods.slice/{}.slice/cri-containerd-{}.scope", "p".repeat(80), "c".repeat(64));
        let bound = (&*format!("sys/fs/cgroup/memory{pod}/memory.limit_in_bytes"), "268435456\n");
        for place in 0..13 {
            let line = |index| format!("{index}:{}:{pod}\n", if index == place { "memory" } else { "other" });
            let lines: String = (0..13).map(line).collect();
            assert!(lines.len() > TEXT);
            assert_eq!(bound_of(&[(OWN, &(lines + "0::/\n")), bound]), Some(256 << 20), "line {place}");
        }
    }

    #[test]
    fn a_name_with_two_dots_is_a_name() {
        let own = (OWN, "0::/system.slice/build-1..2.scope\n");
        let bound = ("sys/fs/cgroup/system.slice/build-1..2.scope/memory.max", "4096\n");
        assert_eq!(bound_of(&[own, bound]), Some(4096));
    }

    #[test]
    fn in_a_container_the_mount_is_the_group() {
        let at_root = ("sys/fs/cgroup/memory.max", "4096\n");
        for path in ["0::/\n", "0::/docker/0123abcd\n", "0::/../../elsewhere\n"] {
            assert_eq!(bound_of(&[(OWN, path), at_root]), Some(4096), "{path}");
        }
        let first = [(OWN, "3:memory:/docker/0123abcd\n"), ("sys/fs/cgroup/memory/memory.limit_in_bytes", "8192\n")];
        assert_eq!(bound_of(&first), Some(8192));
    }

    #[test]
    fn what_makes_no_sense_bounds_nothing() {
        assert_eq!(bound("/nonexistent"), None);
        assert_eq!(bound_of(&[(OWN, "")]), None);
        assert_eq!(bound_of(&[(OWN, "no colon\n:::\n0:\n")]), None);
        let own = (OWN, "0::/x\n");
        for garbage in ["", "-1\n", "12 MiB\n", "\u{fffd}\n", "99999999999999999999999\n"] {
            assert_eq!(bound_of(&[own, ("sys/fs/cgroup/x/memory.max", garbage)]), None, "{garbage}");
        }
        let long = format!("0::/{}\n", "x".repeat(3000));
        assert_eq!(bound_of(&[(OWN, &long)]), None);
    }

    #[test]
    fn files_in_memory_leave_room() {
        let own = (OWN, "0::/a/b\n");
        let stat = "anon 100\nfile 500\ninactive_file 300\nactive_file 50\nactive_anon 7\n";
        let inner = [("sys/fs/cgroup/a/b/memory.max", "1000\n"), ("sys/fs/cgroup/a/b/memory.current", "800\n")];
        let outer = [("sys/fs/cgroup/a/memory.max", "2000\n"), ("sys/fs/cgroup/a/memory.current", "1900\n")];
        let tree = Tree::new(&[own, inner[0], inner[1], ("sys/fs/cgroup/a/b/memory.stat", stat)]);
        assert_eq!(headroom(&tree.0), Ok(550));
        let nested = Tree::new(&[own, inner[0], inner[1], outer[0], outer[1], ("sys/fs/cgroup/a/b/memory.stat", stat)]);
        assert_eq!(headroom(&nested.0), Ok(100), "the group around has less left");
        let over = Tree::new(&[own, inner[0], ("sys/fs/cgroup/a/b/memory.current", "1001\n")]);
        assert_eq!(headroom(&over.0), Ok(0));
        assert!(headroom(&Tree::new(&[own, inner[0]]).0).is_err());
    }

    #[test]
    fn no_bound_is_told_from_none_that_can_be_read() {
        let (own, own_of_first) = ((OWN, "0::/a/b\n"), (OWN, "3:memory:/a\n"));
        let endless = [("sys/fs/cgroup/a/memory.max", "max\n"), ("sys/fs/cgroup/a/b/memory.max", "max\n")];
        let headroom_of = |files: &[(&str, &str)]| headroom(&Tree::new(files).0);
        assert_eq!(headroom_of(&[own, endless[0], endless[1]]), Ok(NONE));
        assert_eq!(headroom_of(&[own, endless[0]]), Ok(NONE), "a group without such a file has no bound");
        let first = ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(headroom_of(&[own_of_first, first]), Ok(NONE));
        assert!(headroom_of(&[own]).is_err() && headroom("/nonexistent").is_err());
        assert!(headroom_of(&[own, endless[0], ("sys/fs/cgroup/a/b/memory.max", "")]).is_err());
        assert!(headroom_of(&[own, endless[0], endless[1], ("sys/fs/cgroup/a/memory.high", "?")]).is_err());
    }
}
