//! How many CPU numbers the kernel may give. Each has a slot of windows, which must exist before the number is seen.

use super::file::read_text;
use super::nodeset::range;
use super::syscall;

/// Returns a bound that is cheap to find out: the number of bits in the kernel's masks of CPUs, a multiple of 64. `None` if the kernel does not tell.
pub fn bound() -> Option<usize> {
    syscall::cpu_mask_bits()
}

/// Returns one more than the largest number of a CPU that may ever be there, according to the list below `root` (`/sys/devices/system/cpu`), which
/// takes a few microseconds longer; the bound, if there is no list.
#[inline(never)]
pub fn possible(root: &str) -> Option<usize> {
    let mut buffer = [0; 1024];
    let list = read_text(format_args!("{root}/possible"), &mut buffer);
    let last = list.and_then(|list| range(list.rsplit(',').next()?));
    last.map(|range| *range.end() + 1).or_else(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::{format, fs};

    #[test]
    fn the_last_number_of_the_list_counts() {
        let root = std::env::temp_dir().join(format!("larder-cpus-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        for (list, count) in [("0\n", 1), ("0-7\n", 8), ("0-3,8-11\n", 12), ("0,5\n", 6)] {
            fs::write(root.join("possible"), list).unwrap();
            assert_eq!(possible(root.to_str().unwrap()), Some(count), "{list}");
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn no_cpu_is_beyond_the_bound() {
        let bound = bound().unwrap();
        assert!(bound.is_multiple_of(64) && bound >= std::thread::available_parallelism().unwrap().get(), "{bound}");
        assert!(bound >= possible("/sys/devices/system/cpu").unwrap());
        assert_eq!(possible("/nonexistent"), Some(bound));
    }
}
