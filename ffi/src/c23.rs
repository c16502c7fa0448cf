//! C23's sized frees: the caller repeats what it asked for. The pagemap knows, so that is neither needed nor trusted: a wrong size is
//! a common mistake and would put the object where it does not belong.

use crate::malloc::free_slow;

larder_core::define_free!(
    /// Frees what `malloc(size)`, `calloc` of `size` bytes in all, or `realloc(…, size)` returned.
    #[unsafe(no_mangle)]
    free_sized,
    free_slow,
    front
);

larder_core::define_free!(
    /// Frees what `aligned_alloc(align, size)` returned.
    #[unsafe(no_mangle)]
    free_aligned_sized,
    free_slow,
    front
);
