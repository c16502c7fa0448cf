//! The twelve forms of operator delete, under their mangled names. The nothrow forms run when a constructor throws.

use core::ffi::c_void;

use larder_core::Larder;

use crate::MIN_ALIGN;
use crate::c23::release;

/// Defines forms that know the address alone.
macro_rules! plain {
    ($($(#[$doc:meta])* $symbol:literal $name:ident($($ignored:ty),*);)*) => {$(
        $(#[$doc])*
        #[unsafe(export_name = $symbol)]
        unsafe extern "C" fn $name(object: *mut c_void $(, _: $ignored)*) {
            // SAFETY: the caller gives the object up.
            unsafe { Larder.free(object.cast()) }
        }
    )*};
}

plain! {
    /// `operator delete(void*)`
    "_ZdlPv" delete();
    /// `operator delete[](void*)`
    "_ZdaPv" delete_array();
    /// `operator delete(void*, nothrow_t const&)`
    "_ZdlPvRKSt9nothrow_t" delete_nothrow(*const c_void);
    /// `operator delete[](void*, nothrow_t const&)`
    "_ZdaPvRKSt9nothrow_t" delete_array_nothrow(*const c_void);
    /// `operator delete(void*, align_val_t)`
    "_ZdlPvSt11align_val_t" delete_aligned(usize);
    /// `operator delete[](void*, align_val_t)`
    "_ZdaPvSt11align_val_t" delete_array_aligned(usize);
    /// `operator delete(void*, align_val_t, nothrow_t const&)`
    "_ZdlPvSt11align_val_tRKSt9nothrow_t" delete_aligned_nothrow(usize, *const c_void);
    /// `operator delete[](void*, align_val_t, nothrow_t const&)`
    "_ZdaPvSt11align_val_tRKSt9nothrow_t" delete_array_aligned_nothrow(usize, *const c_void);
}

/// `operator delete(void*, size_t)`
#[unsafe(export_name = "_ZdlPvm")]
unsafe extern "C" fn delete_sized(object: *mut c_void, size: usize) {
    // SAFETY: the caller gives the object up.
    unsafe { release(object, MIN_ALIGN, size) }
}

/// `operator delete[](void*, size_t)`
#[unsafe(export_name = "_ZdaPvm")]
unsafe extern "C" fn delete_array_sized(object: *mut c_void, size: usize) {
    // SAFETY: the caller gives the object up.
    unsafe { release(object, MIN_ALIGN, size) }
}

/// `operator delete(void*, size_t, align_val_t)`
#[unsafe(export_name = "_ZdlPvmSt11align_val_t")]
unsafe extern "C" fn delete_sized_aligned(object: *mut c_void, size: usize, align: usize) {
    // SAFETY: the caller gives the object up.
    unsafe { release(object, align, size) }
}

/// `operator delete[](void*, size_t, align_val_t)`
#[unsafe(export_name = "_ZdaPvmSt11align_val_t")]
unsafe extern "C" fn delete_array_sized_aligned(object: *mut c_void, size: usize, align: usize) {
    // SAFETY: the caller gives the object up.
    unsafe { release(object, align, size) }
}
