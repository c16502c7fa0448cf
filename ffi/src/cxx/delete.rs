//! The twelve forms of operator delete, under their mangled names. The nothrow forms run when a constructor throws.
//!
//! All are `free` if the program has replaced none of them: the pagemap knows size and alignment, so the caller's arguments are neither needed
//! nor trusted. The forms that every program calls have a hit path of their own; each other form is a jump to the form that it calls by default.

use core::ffi::c_void;

use super::default::are_own;
use crate::arch::{forward, own_name, without_size};
use crate::malloc::free_slow;

/// Defines forms with a hit path of their own; where that is closed, they do what is their default.
macro_rules! hits {
    ($($(#[$doc:meta])* $symbol:literal $name:ident: $slow:ident, $by_default:ident => $default:literal;)*) => {$(
        larder_core::define_free!(
            $(#[$doc])* #[unsafe(export_name = $symbol)] $name, $slow, back, own_name!($symbol)
        );

        #[cold]
        unsafe extern "C" fn $slow(object: *mut c_void) {
            if are_own() {
                // SAFETY: the caller gives the object up.
                unsafe { free_slow(object) }
            } else {
                // SAFETY: the caller gives the object up, and the default takes the same objects.
                unsafe { $by_default(object) }
            }
        }

        forward!(fn $by_default(object: *mut c_void), $default);
    )*};
}

/// Defines forms that jump to their default, without the size if they have one.
macro_rules! defaults {
    ($($(#[$doc:meta])* $symbol:literal $name:ident => $default:literal $(, $head:expr)?;)*) => {$(
        forward!($(#[$doc])* #[unsafe(export_name = $symbol)] fn $name(object: *mut c_void), $default $(, $head)?);
    )*};
}

hits! {
    /// `operator delete(void*)`
    "_ZdlPv" delete: delete_slow, delete_by_default => "free";
    /// `operator delete[](void*)`
    "_ZdaPv" delete_array: delete_array_slow, delete_array_by_default => "_ZdlPv";
    /// `operator delete(void*, size_t)`
    "_ZdlPvm" delete_sized: delete_sized_slow, delete_sized_by_default => "_ZdlPv";
    /// `operator delete[](void*, size_t)`
    "_ZdaPvm" delete_array_sized: delete_array_sized_slow, delete_array_sized_by_default => "_ZdaPv";
}

defaults! {
    /// `operator delete(void*, nothrow_t const&)`
    "_ZdlPvRKSt9nothrow_t" delete_nothrow => "_ZdlPv";
    /// `operator delete[](void*, nothrow_t const&)`
    "_ZdaPvRKSt9nothrow_t" delete_array_nothrow => "_ZdaPv";
    /// `operator delete(void*, align_val_t)`
    "_ZdlPvSt11align_val_t" delete_aligned => "free";
    /// `operator delete[](void*, align_val_t)`
    "_ZdaPvSt11align_val_t" delete_array_aligned => "_ZdlPvSt11align_val_t";
    /// `operator delete(void*, align_val_t, nothrow_t const&)`
    "_ZdlPvSt11align_val_tRKSt9nothrow_t" delete_aligned_nothrow => "_ZdlPvSt11align_val_t";
    /// `operator delete[](void*, align_val_t, nothrow_t const&)`
    "_ZdaPvSt11align_val_tRKSt9nothrow_t" delete_array_aligned_nothrow => "_ZdaPvSt11align_val_t";
    /// `operator delete(void*, size_t, align_val_t)`
    "_ZdlPvmSt11align_val_t" delete_sized_aligned => "_ZdlPvSt11align_val_t", without_size!();
    /// `operator delete[](void*, size_t, align_val_t)`
    "_ZdaPvmSt11align_val_t" delete_array_sized_aligned => "_ZdaPvSt11align_val_t", without_size!();
}
