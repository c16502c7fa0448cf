//! C23's sized frees, in which the caller repeats size and alignment. The pagemap knows both, so the arguments are neither needed nor
//! trusted: a wrong size is a common mistake and would put the object into the wrong class.

use crate::malloc::free_slow;

larder_core::define_free!(
    /// Frees an object that was returned by `malloc(size)`, `calloc` of `size` bytes in all, or `realloc(…, size)`.
    #[unsafe(no_mangle)]
    free_sized,
    free_slow,
    front
);

larder_core::define_free!(
    /// Frees an object that was returned by `aligned_alloc(align, size)`.
    #[unsafe(no_mangle)]
    free_aligned_sized,
    free_slow,
    front
);
