//! A compiler: for each function, phase after phase allocates thousands of small objects, one after another, that point to the earlier ones; at the
//! end of the function all of them are freed at once. The symbol table stays and grows (gcc and perl in the traces of Grunwald, Zorn and Henderson,
//! "Improving the cache locality of memory allocation", 1993).
//!
//! Decided by how fast new objects of varying sizes are allocated, by whether objects allocated one after another are neighbours in memory, and by
//! the cost of freeing many thousands of objects in a row.

use crate::block::{Block, free_all};
use crate::calls::Calls;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};

/// The range of the sizes of each phase's objects: tokens, tree, intermediate code, registers.
const PHASES: [(usize, usize); 4] = [(16, 40), (32, 120), (24, 72), (16, 256)];
const OBJECTS_OF_PHASE: usize = 10_000;
const OBJECTS: usize = PHASES.len() * OBJECTS_OF_PHASE;
const SYMBOLS_OF_FUNCTION: usize = 100;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let functions = run.turns(run.pick(2, 150, 1_500));
    team::<C>(run, |member| {
        let mut objects = Slots::new(OBJECTS);
        let mut symbols = Slots::new(functions * SYMBOLS_OF_FUNCTION);
        member.measured(|member| {
            for symbols in symbols.chunks_exact_mut(SYMBOLS_OF_FUNCTION) {
                function(member, &mut objects, symbols);
            }
            free_all(&mut symbols, &mut member.calls);
        });
        (functions * (OBJECTS + SYMBOLS_OF_FUNCTION)) as u64
    })
}

fn function<C: Calls>(member: &mut Member<C>, objects: &mut [Option<Block>], symbols: &mut [Option<Block>]) {
    for (phase, (smallest, largest)) in objects.chunks_exact_mut(OBJECTS_OF_PHASE).zip(PHASES) {
        make(member, phase, smallest, largest);
    }
    make(member, symbols, 32, 96);
    free_all(objects, &mut member.calls);
}

fn make<C: Calls>(member: &mut Member<C>, places: &mut [Option<Block>], smallest: usize, largest: usize) {
    for place in places {
        let size = member.random.within(smallest, largest);
        *place = Some(Block::new(&mut member.calls, size));
    }
}
