//! What the control groups around this process let it have: read from `/proc/self/cgroup` and `/sys/fs/cgroup`, or from a tree laid out
//! like them, for tests.
//!
//! Groups nest, and each may have a bound, so every one from the process's up to the mount's root is looked at. Version 2 has `memory.max` (beyond
//! it the kernel kills) and `memory.high` (beyond it the kernel makes the process wait); version 1 has `memory.limit_in_bytes`. In
//! a container the path may be one of the host's that is not there: then the mount's root is the container's own group.
//! What cannot be read, or says nothing sensible, bounds nothing.

use super::file::read_text;

/// What lies in these many pages of text is enough: the lines looked for come early.
const TEXT: usize = 2048;
/// Greater bounds mean none: version 1 has no word for it.
const ENDLESS: usize = 1 << 60;

/// One of the two ways the kernel shows memory groups.
struct Version {
    mount: &'static str,
    bounds: &'static [&'static str],
    usage: &'static str,
    /// Lines of `memory.stat` that count the files' pages: the kernel drops them before it kills.
    files: [&'static str; 2],
}

static V1: Version = Version {
    mount: "sys/fs/cgroup/memory",
    bounds: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    files: ["total_inactive_file", "total_active_file"],
};
static V2: Version = Version {
    mount: "sys/fs/cgroup",
    bounds: &["memory.max", "memory.high"],
    usage: "memory.current",
    files: ["inactive_file", "active_file"],
};

/// The smallest bound in bytes of the groups around the process; `root` is empty, but for tests.
pub fn bound(root: &str) -> Option<usize> {
    fold(root, |group| group.bound())
}

/// The fewest bytes that any group with a bound has left.
pub fn headroom(root: &str) -> Option<usize> {
    fold(root, |group| Some(group.bound()?.saturating_sub(group.usage()?)))
}

/// The smallest answer of the process's group and those around it.
fn fold(root: &str, mut ask: impl FnMut(&Group<'_>) -> Option<usize>) -> Option<usize> {
    let mut text = [0; TEXT];
    let (version, path) = own_group(read_text(format_args!("{root}/proc/self/cgroup"), &mut text)?)?;
    let around = core::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0));
    around.filter_map(|path| ask(&Group { root, version, path })).min()
}

/// The process's memory group: `4:memory:/path`, or `0::/path` where version 1 has none.
fn own_group(text: &str) -> Option<(&'static Version, &str)> {
    let line = |wanted: fn(&str) -> bool| {
        text.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            wanted(controllers).then_some(path)
        })
    };
    let first = line(|controllers| controllers.split(',').any(|one| one == "memory")).map(|path| (&V1, path));
    let (version, path) = first.or_else(|| line(str::is_empty).map(|path| (&V2, path)))?;
    // A path out of the container's view leads nowhere.
    let path = if path.contains("..") { "" } else { path.trim_end_matches('/') };
    Some((version, path))
}

/// A group: `path` is empty for the mount's root, else begins with a slash.
struct Group<'a> {
    root: &'a str,
    version: &'static Version,
    path: &'a str,
}

impl Group<'_> {
    fn bound(&self) -> Option<usize> {
        self.version.bounds.iter().filter_map(|name| self.number(name)).filter(|&bound| bound < ENDLESS).min()
    }

    /// Bytes in use without the files' pages.
    fn usage(&self) -> Option<usize> {
        let usage = self.number(self.version.usage)?;
        let mut text = [0; TEXT];
        let files = self.read("memory.stat", &mut text).map_or(0, |stat| {
            let counted = stat.lines().filter_map(|line| line.split_once(' '));
            let counted = counted.filter(|(name, _)| self.version.files.contains(name));
            counted.filter_map(|(_, bytes)| bytes.trim().parse::<usize>().ok()).sum()
        });
        Some(usage.saturating_sub(files))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.read(name, &mut [0; 64])?.trim().parse().ok()
    }

    fn read<'a>(&self, name: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
        read_text(format_args!("{}/{}{}/{name}", self.root, self.version.mount, self.path), buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::String;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{env, format, fs, process};

    /// A tree of files with a life.
    struct Tree(String);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Tree {
            static TREES: AtomicU32 = AtomicU32::new(0);
            let number = TREES.fetch_add(1, Ordering::Relaxed);
            let root = env::temp_dir().join(format!("larder-cgroup-{}-{number}", process::id()));
            fs::create_dir_all(&root).unwrap();
            for (name, text) in files {
                let path = root.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Tree(root.to_str().unwrap().into())
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    const OWN: &str = "proc/self/cgroup";

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
        assert_eq!(headroom(&tree.0), Some(550));
        let nested = Tree::new(&[own, inner[0], inner[1], outer[0], outer[1], ("sys/fs/cgroup/a/b/memory.stat", stat)]);
        assert_eq!(headroom(&nested.0), Some(100), "the group around has less left");
        let over = Tree::new(&[own, inner[0], ("sys/fs/cgroup/a/b/memory.current", "1001\n")]);
        assert_eq!(headroom(&over.0), Some(0));
        assert_eq!(headroom(&Tree::new(&[own, inner[0]]).0), None);
    }
}
