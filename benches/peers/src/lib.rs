//! One allocator under the C library's names, to be preloaded.
//!
//! Each exported function is a single jump to the allocator's own function, which the linker binds at build time: this
//! costs the allocator one instruction. A feature selects the allocator. There is no std, so that a small process does
//! not pay for code that it does not use.
#![no_std]

#[cfg(any(feature = "mimalloc-v2", feature = "mimalloc-v3"))]
use libmimalloc_sys as _;
#[cfg(feature = "tcmalloc-google")]
use libtcmalloc_sys as _;
#[cfg(feature = "jemalloc-tikv")]
use tikv_jemalloc_sys as _;

/// Exports each name as a jump to the function that implements it.
macro_rules! forward {
    ($($name:ident: $target:literal),+ $(,)?) => {
        $(
            /// The C library's function of that name.
            ///
            /// # Safety
            /// As for the C library's function.
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name() {
                core::arch::naked_asm!(concat!("jmp ", $target))
            }
        )+
    };
}

#[cfg(feature = "bump")]
forward!(
    malloc: "bump_malloc",
    free: "bump_free",
    calloc: "bump_calloc",
    realloc: "bump_realloc",
    memalign: "bump_memalign",
    aligned_alloc: "bump_memalign",
    posix_memalign: "bump_posix_memalign",
    malloc_usable_size: "bump_usable_size",
);

#[cfg(feature = "jemalloc-tikv")]
forward!(
    malloc: "_rjem_malloc",
    free: "_rjem_free",
    calloc: "_rjem_calloc",
    realloc: "_rjem_realloc",
    memalign: "_rjem_memalign",
    aligned_alloc: "_rjem_aligned_alloc",
    posix_memalign: "_rjem_posix_memalign",
    malloc_usable_size: "_rjem_malloc_usable_size",
);

#[cfg(any(feature = "mimalloc-v2", feature = "mimalloc-v3"))]
forward!(
    malloc: "mi_malloc",
    free: "mi_free",
    calloc: "mi_calloc",
    realloc: "mi_realloc",
    memalign: "mi_memalign",
    aligned_alloc: "mi_aligned_alloc",
    posix_memalign: "mi_posix_memalign",
    malloc_usable_size: "mi_malloc_usable_size",
);

#[cfg(feature = "rpmalloc-rs")]
forward!(
    malloc: "rpmalloc",
    free: "rpfree",
    calloc: "rpcalloc",
    realloc: "rprealloc",
    memalign: "rpmemalign",
    aligned_alloc: "rpaligned_alloc",
    posix_memalign: "rpposix_memalign",
    malloc_usable_size: "rpmalloc_usable_size",
    pthread_create: "rp_pthread_create",
);

#[cfg(feature = "snmalloc-rs")]
forward!(
    malloc: "sn_malloc",
    free: "sn_free",
    calloc: "sn_calloc",
    realloc: "sn_realloc",
    memalign: "sn_memalign",
    aligned_alloc: "sn_aligned_alloc",
    posix_memalign: "sn_posix_memalign",
    malloc_usable_size: "sn_malloc_usable_size",
);

#[cfg(feature = "tcmalloc-google")]
forward!(
    malloc: "TCMallocInternalMalloc",
    free: "TCMallocInternalFree",
    calloc: "TCMallocInternalCalloc",
    realloc: "TCMallocInternalRealloc",
    memalign: "TCMallocInternalMemalign",
    aligned_alloc: "TCMallocInternalAlignedAlloc",
    posix_memalign: "TCMallocInternalPosixMemalign",
    malloc_usable_size: "TCMallocInternalMallocSize",
);

// The compiler's runtime helpers, which C++ code may call, refer to this symbol. Nothing ever unwinds through them.
#[cfg(feature = "tcmalloc-google")]
core::arch::global_asm!(".globl rust_eh_personality", ".hidden rust_eh_personality", "rust_eh_personality: ud2");

/// Never called, because there are only jumps here.
#[panic_handler]
fn no_panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
