//! How many CPU numbers the kernel may give: each has a slot of windows, which must be there before the number is seen.

use super::file::read_text;
use super::nodeset::range;
use super::syscall;

/// One more than the largest number of a CPU that may ever be there, as the list of possible ones below `root` says
/// (`/sys/devices/system/cpu`); where that cannot be read the number of bits in the kernel's masks of CPUs, which is no less. `None` if it tells neither.
pub fn possible(root: &str) -> Option<usize> {
    let mut buffer = [0; 1024];
    let list = read_text(format_args!("{root}/possible"), &mut buffer);
    let last = list.and_then(|list| range(list.rsplit(',').next()?));
    last.map(|range| *range.end() + 1).or_else(syscall::cpu_mask_bits)
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
    fn without_a_list_the_kernels_mask_is_wide_enough() {
        let online = std::thread::available_parallelism().unwrap().get();
        let bits = possible("/nonexistent").unwrap();
        assert!(bits >= online && bits.is_multiple_of(64), "{bits}");
        assert!(bits >= possible("/sys/devices/system/cpu").unwrap());
    }
}
