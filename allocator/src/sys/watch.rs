//! A watch over the control groups, for the helper thread: how much they have left, and whether memory is short in them.
//!
//! The groups' files are opened once and read again and again. They are in a table of descriptors of the thread's own, so the program neither closes,
//! counts nor reuses them, and a sandbox that is entered later need only permit `pread64`. If the kernel refuses such a table or a file, that is not
//! watched and is not tried again. Fork: a child has neither the thread nor its table.
//!
//! Memory is **short** when, since the last look, the kernel had to reclaim or kill at a bound of these groups and little is left apart from files'
//! pages, or when somebody in the innermost group waited for memory for a tenth of the time. What happens to neighbours in the outer groups is their
//! own affair.

use super::cgroup::{self, FILES, File, Files, Group};
use super::file::{open_file, text};
use super::{Errno, message, syscall};

/// Number of groups that are watched: the process's own, and the nearest ones around it that have a bound.
const GROUPS: usize = 4;
/// Memory is short if somebody waited for it during this part of the time since the last look.
const STALLED_SHARE: u64 = 10;

/// The open files of one group.
#[derive(Debug, Default)]
struct OpenGroup([Option<u32>; FILES]);

impl OpenGroup {
    fn of(group: &Group<'_>) -> OpenGroup {
        let open = |file| group.with_path(file, open_file).flatten();
        let files = [File::Max, File::High, File::Usage, File::Stat, File::Events, File::OwnEvents, File::Pressure];
        OpenGroup(files.map(open))
    }
}

impl Files for OpenGroup {
    fn read<'a>(&self, file: File, buffer: &'a mut [u8]) -> Result<&'a str, Errno> {
        let descriptor = self.0.get(file as usize).copied().flatten().ok_or(Errno(libc::ENOENT))?;
        text(syscall::read_from_start(descriptor, buffer)?)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Watch {
    groups: [OpenGroup; GROUPS],
    count: usize,
    /// What the files said at the last look, and when that was.
    trouble: u64,
    stalled_us: u64,
    looked_ms: u64,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Bytes that the groups have left ([`NONE`](super::limit::NONE): none has a bound any more); `None` if that cannot be read.
    pub left: Option<usize>,
    /// Whether memory is short.
    pub is_short: bool,
}

impl Watch {
    /// Opens the groups' files, in a table of descriptors that the calling thread shares with no other thread from then on.
    pub fn begin(now_ms: u64) -> Watch {
        if message::leave_descriptors().is_ok() { Watch::open("", now_ms) } else { Watch::default() }
    }

    /// The same in the calling thread's present table, below a root other than `/`.
    fn open(root: &str, now_ms: u64) -> Watch {
        let mut watch = Watch { looked_ms: now_ms, ..Watch::default() };
        cgroup::each_group(root, |group| {
            let matters = watch.count == 0 || group.is_bounded();
            if let Some(place) = watch.groups.get_mut(watch.count).filter(|_| matters) {
                *place = OpenGroup::of(group);
                watch.count += 1;
            }
        });
        (watch.trouble, watch.stalled_us) = (watch.trouble_now(), watch.stalled_us_now());
        watch
    }

    /// Returns whether there is anything to look at.
    pub fn sees(&self) -> bool {
        self.count > 0
    }

    /// Returns the milliseconds since the last look.
    pub fn age_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.looked_ms)
    }

    /// Looks at the groups.
    pub fn look(&mut self, now_ms: u64) -> Look {
        let (trouble, stalled_us) = (self.trouble_now(), self.stalled_us_now());
        let had_trouble = trouble > self.trouble && self.open_groups().any(Files::is_tight);
        let waited_us = stalled_us.saturating_sub(self.stalled_us);
        let has_stalled = waited_us.saturating_mul(STALLED_SHARE) > self.age_ms(now_ms) * 1000;
        (self.trouble, self.stalled_us, self.looked_ms) = (trouble, stalled_us, now_ms);
        let left = self.open_groups().map(Files::headroom).fold(Err(Errno(libc::ENOENT)), cgroup::lesser);
        Look { left: left.ok(), is_short: had_trouble || has_stalled }
    }

    fn open_groups(&self) -> impl Iterator<Item = &OpenGroup> {
        self.groups.iter().take(self.count)
    }

    fn trouble_now(&self) -> u64 {
        self.open_groups().map(Files::trouble).sum()
    }

    /// For how long somebody in the innermost group has waited so far.
    fn stalled_us_now(&self) -> u64 {
        self.open_groups().find_map(Files::stalled_us).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::cgroup::tests::{OWN, Tree};
    use crate::sys::limit::NONE;

    const MIB: usize = 1 << 20;

    /// A group of version 2 with a bound of 512 MiB, inside one without.
    fn tree() -> Tree {
        Tree::new(&[
            (OWN, "0::/pod/app\n"),
            ("sys/fs/cgroup/pod/memory.max", "max\n"),
            ("sys/fs/cgroup/pod/app/memory.max", "536870912\n"),
            ("sys/fs/cgroup/pod/app/memory.high", "max\n"),
            ("sys/fs/cgroup/pod/app/memory.current", "104857600\n"),
            ("sys/fs/cgroup/pod/app/memory.stat", "anon 1\nactive_file 10485760\n"),
            ("sys/fs/cgroup/pod/app/memory.events", "low 9\nhigh 0\nmax 3\noom 0\noom_kill 0\n"),
            ("sys/fs/cgroup/pod/app/memory.pressure", "some avg10=1.00 avg60=0 total=5000\nfull avg10=0 total=1\n"),
        ])
    }

    #[test]
    fn what_is_left_is_as_the_files_say_now() {
        let tree = tree();
        let mut watch = Watch::open(tree.root(), 1000);
        assert_eq!(watch.look(1100), Look { left: Some(422 * MIB), is_short: false });
        tree.write("sys/fs/cgroup/pod/app/memory.current", "419430400\n");
        assert_eq!(watch.look(1200).left, Some(122 * MIB));
        tree.write("sys/fs/cgroup/pod/app/memory.high", "418381824\n");
        assert_eq!(watch.look(1300).left, Some(9 * MIB), "a bound that came later counts");
    }

    #[test]
    fn a_bound_that_is_lifted_is_told_from_one_that_cannot_be_read() {
        let tree = tree();
        let mut watch = Watch::open(tree.root(), 1000);
        for (text, left) in [("max\n", Some(NONE)), ("", None), ("536870912\n", Some(422 * MIB)), ("max\n", Some(NONE))]
        {
            tree.write("sys/fs/cgroup/pod/app/memory.max", text);
            assert_eq!(watch.look(1100).left, left, "{text}");
        }
    }

    #[test]
    fn events_at_a_bound_are_noticed_once() {
        let tree = tree();
        let mut watch = Watch::open(tree.root(), 1000);
        let events = "sys/fs/cgroup/pod/app/memory.events";
        let mut look_after = |text: &str| {
            tree.write(events, text);
            watch.look(2000).is_short
        };
        assert!(!look_after("high 0\nmax 4\n"), "422 of 512 MiB are left, but for files that the kernel drops");
        tree.write("sys/fs/cgroup/pod/app/memory.current", "534773760\n");
        for (text, is_short) in [
            ("low 50\nhigh 0\nmax 4\n", false),
            ("high 1\nmax 4\n", true),
            ("high 1\nmax 5\n", true),
            ("high 1\nmax 5\noom 1\n", true),
        ] {
            assert_eq!(look_after(text), is_short, "{text}");
            assert!(!look_after(text));
        }
    }

    #[test]
    fn who_waits_for_a_tenth_of_the_time_is_short() {
        let tree = tree();
        let mut watch = Watch::open(tree.root(), 1000);
        let pressure = "sys/fs/cgroup/pod/app/memory.pressure";
        tree.write(pressure, "some avg10=90.00 total=14000\nfull avg10=90 total=900000\n");
        assert!(!watch.look(1100).is_short, "9 of 100 ms");
        tree.write(pressure, "some avg10=0.00 total=25000\n");
        assert!(watch.look(1200).is_short, "11 of 100 ms");
        assert!(!watch.look(1300).is_short);
    }

    #[test]
    fn a_neighbour_s_trouble_is_the_neighbour_s() {
        let outer = |name: &str| std::format!("sys/fs/cgroup/pod/memory.{name}");
        let tree = tree();
        tree.write(&outer("max"), "1073741824\n");
        tree.write(&outer("events"), "high 0\nmax 100\noom 0\n");
        tree.write(&outer("events.local"), "high 0\nmax 1\noom 0\n");
        tree.write(&outer("pressure"), "some total=5000\n");
        let mut watch = Watch::open(tree.root(), 1000);
        tree.write(&outer("events"), "high 0\nmax 101\noom 0\n");
        tree.write(&outer("pressure"), "some total=900000\n");
        assert!(!watch.look(1100).is_short);
        assert_eq!(cgroup::trouble(tree.root()), 4);
        tree.write(&outer("events.local"), "high 0\nmax 2\noom 0\n");
        assert!(watch.look(1200).is_short, "the bound of the group around is this process's too");
    }

    #[test]
    fn version_1_counts_failures_and_the_machine_s_pressure() {
        let group = "sys/fs/cgroup/memory/app";
        let file = |name: &str| std::format!("{group}/memory.{name}");
        let tree = Tree::new(&[
            (OWN, "4:memory:/app\n"),
            (&file("limit_in_bytes"), "1000\n"),
            (&file("usage_in_bytes"), "900\n"),
            (&file("stat"), "inactive_file 1\ntotal_inactive_file 300\ntotal_active_file 50\n"),
            (&file("failcnt"), "7\n"),
            ("proc/pressure/memory", "some total=100\n"),
        ]);
        let mut watch = Watch::open(tree.root(), 1000);
        assert_eq!(watch.look(1100), Look { left: Some(450), is_short: false });
        tree.write(&file("failcnt"), "8\n");
        assert!(!watch.look(1100).is_short, "a third are files' pages");
        tree.write(&file("stat"), "total_inactive_file 0\ntotal_active_file 20\n");
        tree.write(&file("failcnt"), "9\n");
        assert!(watch.look(1200).is_short);
        tree.write("proc/pressure/memory", "some total=60000\n");
        assert!(watch.look(1300).is_short);
    }

    #[test]
    fn nothing_to_see_is_nothing_amiss() {
        assert!(!Watch::open("/nonexistent", 0).sees());
        let tree = Tree::new(&[(OWN, "0::/app\n")]);
        let mut watch = Watch::open(tree.root(), 1000);
        assert_eq!(watch.look(1100), Look { left: None, is_short: false });
    }

    extern crate std;
}
