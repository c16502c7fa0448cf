//! The C face of larder: every name that a C or C++ program expects of its allocator, built on the public interface of
//! [`larder_core`] and nothing else.
//!
//! The core does not know errno, `realloc(NULL, size)` or exceptions; it returns null for "no memory". This crate adds
//! the behavior that the C and C++ standards, glibc and jemalloc require of each name:
//!
//! ```text
//! malloc    malloc calloc realloc reallocarray free cfree malloc_usable_size
//! aligned   aligned_alloc memalign posix_memalign valloc pvalloc
//! c23       free_sized free_aligned_sized
//! glibc     the __libc_* names under which glibc's own code and old programs call malloc
//! tune      mallopt malloc_trim
//! report    mallinfo mallinfo2 malloc_stats malloc_info
//! mallocx   mallocx rallocx xallocx sallocx dallocx sdallocx nallocx
//! cxx       operator new and operator delete, with the new-handler and std::bad_alloc
//! numa      larder_malloc_onnode larder_malloc_interleaved larder_node_of larder_migrate_pages (larder_numa_maps: report)
//! about     larder_version larder_mode larder_trim
//! deepbind  dlopen, which drops RTLD_DEEPBIND
//! limits    setrlimit prlimit, for a program that bounds its addresses
//! fork      no name: the handler that runs in a forked child
//! at_exit   no name: reads options at load, prints statistics at exit (kept_stderr: where to)
//! ```
//!
//! No function here calls an exported name, because another library may interpose it. Only the C++ operators do, precisely so that an
//! interposed function is called. This crate has neither `alloc` nor thread-locals, so nothing here can re-enter the allocator unnoticed.
#![no_std]

mod about;
mod aligned;
mod arch;
mod at_exit;
mod c23;
mod cxx;
mod deepbind;
mod errno;
mod fork;
mod glibc;
mod kept_stderr;
mod limits;
mod malloc;
mod mallocx;
mod numa;
mod panic;
mod report;
mod stderr;
mod tune;

/// The minimum alignment of every object of the C face: the largest alignment of a C scalar type on 64-bit machines.
pub(crate) const MIN_ALIGN: usize = 16;
