//! A pattern that nobody chose: a number draws the threads, the sizes, the lifetimes, the calls, whether memory is touched, whether sizes drift, and
//! whether threads free each other's objects.
//!
//! Whoever writes an allocator knows the workloads that have names. Many drawn ones show whether what was learned from those holds elsewhere. Their
//! distributions are wide rather than typical, so a single one says little, and the geometric mean over dozens says much.

use crate::block::Block;
use crate::calls::Calls;
use crate::exchange::Exchange;
use crate::memory::Memory;
use crate::random::Random;
use crate::run::Run;
use crate::slots::Slots;
use crate::team::{Member, Outcome, team};
use std::fmt;
use std::thread::sleep;
use std::time::Duration;

const MIB: usize = 1 << 20;
/// Sizes drift in this many steps, to [`DRIFT`] times what they were.
const STEPS: usize = 16;
const DRIFT: usize = 4;
/// Most places, and bytes in them, through which objects get from thread to thread.
const PLACES: usize = 4096;
const HANDED: usize = 32 * MIB;

pub(crate) fn run<C: Calls>(run: &Run) -> Outcome {
    let plan = Plan::drawn(run.draw);
    let live = run.pick(plan.live.min(100), plan.live, 4 * plan.live);
    let turns = run.turns(run.pick(500, plan.turns(), 10 * plan.turns())).max(2 * live);
    let exchange = Exchange::new((HANDED / plan.typical()).clamp(1, PLACES));
    let outcome = team::<C>(run, |member| {
        let mut objects = Slots::new(live);
        member.measured(|member| {
            let mut player = Player { plan: &plan, exchange: &exchange, member, objects: &mut objects, turn: 0, turns };
            player.play();
        });
        // What is live stays so, for the final memory to be measured beside it.
        turns as u64
    });
    sleep(Duration::from_millis(run.pick(1, 300, 1_000)));
    Outcome { last: Some(Memory::now()), ..outcome }
}

/// How sizes are distributed between two bounds.
#[derive(Clone, Copy, Debug)]
enum Shape {
    One,
    Even,
    Doubling,
    Tail,
    Two,
    Powers,
    Pages,
    Few,
}

/// In which order objects are freed.
#[derive(Clone, Copy, Debug)]
enum Lives {
    Stack,
    Queue,
    Random,
    Phases,
    Generations,
    Tide,
    Batches,
}

/// Which call makes an object.
#[derive(Clone, Copy, Debug)]
enum Maker {
    Malloc,
    Calloc,
    Realloc,
    Aligned,
}

/// What was drawn.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) threads: usize,
    shape: Shape,
    from: usize,
    to: usize,
    few: [usize; 6],
    lives: Lives,
    maker: Maker,
    touches: bool,
    drifts: bool,
    hands_on: bool,
    /// Most live objects of each thread.
    live: usize,
}

impl Plan {
    /// Draws the pattern of a number.
    pub(crate) fn drawn(number: u64) -> Self {
        let random = &mut Random::new(number, 0);
        let (from, to) = bounds(random);
        let mut plan = Self {
            threads: pick(random, &[1, 1, 1, 2, 2, 4, 8]),
            shape: {
                use Shape::*;
                pick(random, &[One, Even, Even, Doubling, Doubling, Tail, Tail, Two, Powers, Pages, Few])
            },
            from,
            to,
            few: std::array::from_fn(|_| random.within(from, to)),
            lives: {
                use Lives::*;
                pick(random, &[Stack, Queue, Random, Phases, Generations, Tide, Batches])
            },
            maker: {
                use Maker::*;
                pick(random, &[Malloc, Malloc, Malloc, Malloc, Calloc, Realloc, Aligned])
            },
            touches: !random.once_in(5),
            drifts: random.once_in(2),
            hands_on: random.once_in(3),
            live: 0,
        };
        let bytes = MIB << random.below(9);
        plan.live = (bytes / plan.typical() / plan.threads).clamp(2, 1_000_000);
        plan
    }

    /// The mean size.
    fn typical(&self) -> usize {
        let random = &mut Random::new(0, 0);
        (0..1_000).map(|turn| self.size(random, turn, 1_000)).sum::<usize>() / 1_000
    }

    /// Turns that take some tenth of a second.
    fn turns(&self) -> usize {
        let size = self.typical();
        let touched = if self.touches { size / 16 } else { 0 };
        let large = [(30_000, 300), (100_000, 1_000)].iter().filter(|(least, _)| size > *least).map(|(_, ns)| ns);
        100_000_000 / (40 + touched + large.sum::<usize>())
    }

    /// The size of the object made at a turn of `turns`.
    fn size(&self, random: &mut Random, turn: usize, turns: usize) -> usize {
        let (from, to) = (self.from, self.to);
        let power = |random: &mut Random| {
            let lowest = from.ilog2() as usize;
            1 << (lowest + random.below(to.ilog2() as usize - lowest + 1))
        };
        let size = match self.shape {
            Shape::One => from,
            Shape::Even => random.within(from, to),
            Shape::Doubling => {
                let low: usize = power(random);
                random.within(low, 2 * low)
            }
            Shape::Tail => {
                let halvings = (0..20).take_while(|_| random.once_in(2)).count();
                let low = (from << halvings).min(to);
                random.within(low, low + low / 2)
            }
            Shape::Two => {
                if random.once_in(10) {
                    to
                } else {
                    from
                }
            }
            Shape::Powers => power(random),
            Shape::Pages => random.within(1, to.div_ceil(4096)) * 4096,
            Shape::Few => self.few[random.below(self.few.len())],
        };
        let step = if self.drifts { turn * STEPS / turns } else { 0 };
        size + size * (DRIFT - 1) * step / STEPS
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, from, to, lives, maker, live, .. } = self;
        write!(f, "{lives:?} of {live}, {shape:?} {from}-{to}, {maker:?}")?;
        let said = [(self.drifts, ", drifts"), (self.hands_on, ", handed on"), (!self.touches, ", hardly touched")];
        said.iter().filter(|(is_so, _)| *is_so).try_for_each(|(_, words)| f.write_str(words))
    }
}

/// The bounds of sizes: half of the patterns have small objects, one in ten large ones.
fn bounds(random: &mut Random) -> (usize, usize) {
    let (least, most, times) = match random.below(10) {
        0..5 => {
            let from = random.within(8, 200);
            return (from, from + random.within(0, 2_000));
        }
        5..7 => (256, 4_000, 30),
        7..9 => (8_192, 100_000, 20),
        _ => (200_000, 2_000_000, 8),
    };
    let from = random.within(least, most);
    (from, from * random.within(1, times))
}

fn pick<T: Copy>(random: &mut Random, items: &[T]) -> T {
    items[random.below(items.len())]
}

/// One thread that follows a plan.
struct Player<'a, 'm, C> {
    plan: &'a Plan,
    exchange: &'a Exchange,
    member: &'a mut Member<'m, C>,
    objects: &'a mut [Option<Block>],
    turn: usize,
    turns: usize,
}

impl<C: Calls> Player<'_, '_, C> {
    fn play(&mut self) {
        while self.turn < self.turns {
            match self.plan.lives {
                Lives::Stack => self.stack(),
                Lives::Queue => self.renew(self.turn % self.objects.len()),
                Lives::Random => self.renew_any(0, self.objects.len()),
                Lives::Phases => self.phase(),
                Lives::Generations => self.generations(),
                Lives::Tide => self.tide(),
                Lives::Batches => self.batch(),
            }
        }
    }

    /// Fills the table up to a random place, and empties three quarters of that from the top.
    fn stack(&mut self) {
        let top = 1 + self.member.random.below(self.objects.len());
        self.fill(top);
        (top / 4..top).rev().for_each(|place| self.empty(place));
    }

    /// Fills the table, and empties it but for one place in so many.
    fn phase(&mut self) {
        self.fill(self.objects.len());
        let kept = 2 + self.member.random.below(60);
        (0..self.objects.len()).filter(|place| place % kept != 0).for_each(|place| self.empty(place));
        self.turn += 1;
    }

    /// Nine objects in ten live short, one in fifty lives long.
    fn generations(&mut self) {
        let places = self.objects.len();
        match self.member.random.below(100) {
            0..90 => self.renew_any(0, places / 16),
            90..98 => self.renew_any(places / 16, places / 4),
            _ => self.renew_any(0, places),
        }
    }

    /// Fills the table, and empties a random part of it in random order.
    fn tide(&mut self) {
        let places = self.objects.len();
        self.fill(places);
        let kept = places / 4 + self.member.random.below(places / 2 + 1);
        for _ in 0..2 * places {
            let place = self.member.random.below(places);
            if place >= kept {
                self.empty(place);
            }
        }
        self.turn += 1 + places / 64;
    }

    /// Renews some places that follow each other, and half of the time empties them.
    fn batch(&mut self) {
        let places = self.objects.len();
        let count = 1 + self.member.random.below(places.min(64));
        let first = self.member.random.below(places - count + 1);
        (first..first + count).for_each(|place| self.renew(place));
        if self.member.random.once_in(2) {
            (first..first + count).for_each(|place| self.empty(place));
        }
    }

    fn fill(&mut self, places: usize) {
        for place in 0..places {
            if self.objects[place].is_none() {
                self.renew(place);
            }
        }
        self.turn += 1;
    }

    fn renew_any(&mut self, first: usize, end: usize) {
        let place = first + self.member.random.below((end - first).max(1));
        self.renew(place.min(self.objects.len() - 1));
    }

    fn renew(&mut self, place: usize) {
        self.empty(place);
        self.objects[place] = Some(self.make());
        self.turn += 1;
    }

    fn empty(&mut self, place: usize) {
        let Some(object) = self.objects[place].take() else { return };
        let old = if self.plan.hands_on {
            self.exchange.swap(self.member.random.below(self.exchange.len()), Some(object))
        } else {
            Some(object)
        };
        old.into_iter().for_each(|old| old.free(&mut self.member.calls));
    }

    fn make(&mut self) -> Block {
        let Self { plan, member, .. } = self;
        let size = plan.size(&mut member.random, self.turn.min(self.turns - 1), self.turns);
        let mut object = match plan.maker {
            Maker::Malloc => Block::new(&mut member.calls, size),
            Maker::Calloc => Block::zeroed(&mut member.calls, size, 1),
            Maker::Realloc => Block::new(&mut member.calls, size / 2).resize(&mut member.calls, size.max(8)),
            Maker::Aligned => Block::aligned(&mut member.calls, 16 << member.random.below(9), size),
        };
        if plan.touches {
            object.touch(0);
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_always_draws_the_same_and_others_draw_others() {
        let said = |number| Plan::drawn(number).to_string();
        assert_eq!(said(7), said(7));
        let mut all: Vec<_> = (1..=100).map(said).collect();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() > 95, "{}", all.len());
    }

    #[test]
    fn no_plan_is_absurd() {
        for number in 1..=2_000 {
            let plan = Plan::drawn(number);
            let bytes = plan.typical() * plan.live * plan.threads;
            assert!(bytes <= 300 * MIB || plan.live == 2, "{number}: {plan}: {bytes} bytes");
            assert!((10..=2_500_000).contains(&plan.turns()), "{number}: {plan}: {} turns", plan.turns());
        }
    }
}
