//! The calling thread, for `sys::lock`, `sys::latch` and `sys::once`.

loom::thread_local! {
    static NAME: Box<u64> = Box::new(0);
}

/// The address of a thread-local: like the real id, it is even and unique among live threads.
pub fn id() -> usize {
    NAME.with(|name| std::ptr::from_ref::<u64>(name).addr())
}

/// Does nothing, because there are no signals in a model.
#[derive(Debug)]
pub struct SignalsBlocked;

impl SignalsBlocked {
    /// Blocks nothing.
    #[allow(clippy::new_without_default, reason = "as the real one")]
    pub fn new() -> SignalsBlocked {
        SignalsBlocked
    }
}
