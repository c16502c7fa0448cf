//! Walks everything and checks every invariant. Nothing else may use the heap meanwhile: for tests, and for a debugger.

use super::Heap;
use crate::base::classes::MAX_ROUNDS;
use crate::base::units::{Class, NodeId};
use crate::region::{Magazine, Object};

/// More rounds than any magazine holds, allowing for restarted sequences.
const MOST_ROUNDS: usize = 4 * MAX_ROUNDS;

impl Heap {
    /// Returns the first broken invariant as an error.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !self.enter() {
            return Err("the heap did not boot");
        }
        let _helper_waits = self.idle.pause();
        for id in self.all_nodes() {
            let node = self.node(id);
            node.arena.validate()?;
            node.slabs.validate(&node.arena)?;
            Class::all().try_for_each(|class| self.validate_magazines(id, class))?;
        }
        Ok(())
    }

    /// Checks that every round of every window and depot is an object of its class and node which its slab has given out.
    fn validate_magazines(&self, id: NodeId, class: Class) -> Result<(), &'static str> {
        let mut verdict = Ok(());
        let mut check = |word: u64| {
            let mut magazine = Magazine::from_word(word);
            let mut rounds = 0;
            while let Some(object) = magazine.pop(self.cpus.links(id.index()), class) {
                rounds += 1;
                verdict = verdict.and(self.validate_round(id, class, &object));
                if rounds > MOST_ROUNDS {
                    verdict = Err("a magazine is a ring");
                    break;
                }
            }
        };
        self.cpus.words(id.index(), class, &mut check);
        self.node(id).depots.words(class, &mut check);
        verdict.and_then(|()| self.node(id).depots.validate(class))
    }

    fn validate_round(&self, id: NodeId, class: Class, object: &Object) -> Result<(), &'static str> {
        // A sized free may leave an object of the spare node in the single node's window.
        let home = self.home_of(object.address()).filter(|&home| home == self.spare()).unwrap_or(id);
        let node = self.node(home);
        match node.slabs.object_around(&node.arena, object.address()) {
            Some((start, of, free)) if start == object.address() && of == class && !free => Ok(()),
            Some((_, _, true)) => Err("an object is in a magazine and in its slab at once"),
            _ => Err("a magazine holds something that is no object of its class and node"),
        }
    }
}
