//! The calling thread, for `sys::lock` and `sys::once`.

loom::thread_local! {
    static NAME: Box<u64> = Box::new(0);
}

/// The address of something that each thread has its own of: as in life, unique among live threads and even.
pub fn id() -> usize {
    NAME.with(|name| std::ptr::from_ref::<u64>(name).addr())
}

/// No signals in a model.
#[derive(Debug)]
pub struct SignalsBlocked;

impl SignalsBlocked {
    /// Nothing to block.
    #[allow(clippy::new_without_default, reason = "as the real one")]
    pub fn new() -> SignalsBlocked {
        SignalsBlocked
    }
}
