//! The twelve forms of operator delete, under their mangled names. The nothrow forms run when a constructor throws.
//!
//! All are `free`: the pagemap knows size and alignment, so what the caller says of them is neither needed nor trusted.

use crate::malloc::free_slow;

/// Defines one function a line.
macro_rules! deletes {
    ($($(#[$doc:meta])* $symbol:literal $name:ident;)*) => {$(
        larder_core::define_free!($(#[$doc])* #[unsafe(export_name = $symbol)] $name, free_slow);
    )*};
}

deletes! {
    /// `operator delete(void*)`
    "_ZdlPv" delete;
    /// `operator delete[](void*)`
    "_ZdaPv" delete_array;
    /// `operator delete(void*, nothrow_t const&)`
    "_ZdlPvRKSt9nothrow_t" delete_nothrow;
    /// `operator delete[](void*, nothrow_t const&)`
    "_ZdaPvRKSt9nothrow_t" delete_array_nothrow;
    /// `operator delete(void*, align_val_t)`
    "_ZdlPvSt11align_val_t" delete_aligned;
    /// `operator delete[](void*, align_val_t)`
    "_ZdaPvSt11align_val_t" delete_array_aligned;
    /// `operator delete(void*, align_val_t, nothrow_t const&)`
    "_ZdlPvSt11align_val_tRKSt9nothrow_t" delete_aligned_nothrow;
    /// `operator delete[](void*, align_val_t, nothrow_t const&)`
    "_ZdaPvSt11align_val_tRKSt9nothrow_t" delete_array_aligned_nothrow;
    /// `operator delete(void*, size_t)`
    "_ZdlPvm" delete_sized;
    /// `operator delete[](void*, size_t)`
    "_ZdaPvm" delete_array_sized;
    /// `operator delete(void*, size_t, align_val_t)`
    "_ZdlPvmSt11align_val_t" delete_sized_aligned;
    /// `operator delete[](void*, size_t, align_val_t)`
    "_ZdaPvmSt11align_val_t" delete_array_sized_aligned;
}
