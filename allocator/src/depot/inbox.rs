//! Objects left for a depot by a thread that cannot wait for its lock: a lock-free stack (Treiber 1986) that is taken as a whole.

use crate::base::sync::{AtomicU64, Ordering};
use crate::base::units::Class;
use crate::region::{Links, Magazine, Object, broken_link};

/// See the module. The word is the first object's address (0: none); each object's link leads to the next one.
#[derive(Debug, Default)]
pub struct Inbox {
    head: AtomicU64,
}

impl Inbox {
    /// Leaves an object.
    pub fn push(&self, links: Links, object: Object) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            links.write(&object, head);
            // Release: pairs with the Acquire in `take`, so that the link is seen with the object.
            match self.head.compare_exchange_weak(head, object.address() as u64, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Leaves every round of a magazine.
    pub fn push_all(&self, links: Links, class: Class, mut magazine: Magazine) {
        while let Some(object) = magazine.pop(links, class) {
            self.push(links, object);
        }
    }

    /// Takes everything and passes it on, one object at a time. `links` is asked after the taking, because what was taken may lead to where the
    /// region did not reach before.
    pub fn take(&self, links: impl FnOnce() -> Links, class: Class, mut each: impl FnMut(Object)) {
        if self.head.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut address = self.head.swap(0, Ordering::Acquire);
        let links = links();
        while address != 0 {
            let next = links.read(address as usize);
            if !links.leads_to(next) {
                broken_link(address as usize, class);
            }
            each(Object::mint(address as usize));
            address = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_may_be_linked_anew_at_once() {
        let links = Links { secret: 0x5eed, regions: Default::default() };
        let memory = [const { [const { AtomicU64::new(0) }; 2] }; 4];
        let (inbox, other) = (Inbox::default(), Inbox::default());
        memory.iter().for_each(|object| inbox.push(links, Object::mint(object.as_ptr().addr())));
        inbox.take(|| links, Class(1), |object| other.push(links, object));
        let mut taken = 0;
        other.take(|| links, Class(1), |_| taken += 1);
        assert_eq!(taken, memory.len());
    }
}
