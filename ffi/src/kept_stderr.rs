//! Keeps standard error as it is when the library is loaded for the report at exit, because many programs close it before they exit.
//!
//! The descriptor is duplicated. A program that closes every descriptor closes the copy too, and a file that it opens later may get the same
//! number. Therefore device and inode of the original file are remembered, and no other file is written to.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};

/// The copy gets a number above those that programs expect from `open`, if the limit of descriptors allows it.
const LOWEST_COPY: c_int = 500;
const NONE: c_int = 0;

/// All three are zero at first: they are read at every exit, and zero data lies in a page that the loader has touched anyway.
static COPY: AtomicI32 = AtomicI32::new(NONE);
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// Remembers and duplicates standard error; must be called at load.
pub(crate) fn keep() {
    let Some((device, inode)) = file_at(libc::STDERR_FILENO) else { return };
    DEVICE.store(device, Relaxed);
    INODE.store(inode, Relaxed);
    COPY.store(copy().unwrap_or(libc::STDERR_FILENO), Relaxed);
}

/// A descriptor of the file that was kept, or `None` if nothing was kept or no descriptor of it is left.
#[inline(always)]
pub(crate) fn get() -> Option<c_int> {
    match COPY.load(Relaxed) {
        NONE => None,
        copy => find(copy),
    }
}

#[cold]
fn find(copy: c_int) -> Option<c_int> {
    let kept = Some((DEVICE.load(Relaxed), INODE.load(Relaxed)));
    [copy, libc::STDERR_FILENO].into_iter().find(|&file| file_at(file) == kept)
}

fn copy() -> Option<c_int> {
    let halves = core::iter::successors(Some(LOWEST_COPY), |lowest| Some(lowest / 2));
    halves.take_while(|&lowest| lowest > libc::STDERR_FILENO).find_map(copy_from)
}

/// Duplicates standard error to a descriptor of at least this number.
fn copy_from(lowest: c_int) -> Option<c_int> {
    let args = [libc::STDERR_FILENO as usize, libc::F_DUPFD_CLOEXEC as usize, lowest as usize, 0, 0, 0];
    // SAFETY: duplicates a descriptor or fails; touches no memory.
    let copy = unsafe { larder_core::system_call(libc::SYS_fcntl, args) };
    c_int::try_from(copy).ok().filter(|&copy| copy >= lowest)
}

/// Device and inode of an open file.
fn file_at(descriptor: c_int) -> Option<(u64, u64)> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    let args = [descriptor as usize, stat.as_mut_ptr() as usize, 0, 0, 0, 0];
    // SAFETY: the kernel writes one `stat`, for which there is room.
    let result = unsafe { larder_core::system_call(libc::SYS_fstat, args) };
    // SAFETY: a `stat` is plain numbers, which were zero before the kernel wrote them.
    let stat = unsafe { stat.assume_init() };
    (result == 0).then_some((stat.st_dev, stat.st_ino))
}
