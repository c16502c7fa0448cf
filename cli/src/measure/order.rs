//! The order of the runs in a round. Each round starts with a different allocator, so that drift of the machine (heat, caches, neighbours) affects all
//! alike. It also goes on in other steps, so that no allocator always follows the same one: a process gets the pages that the one before it gave
//! back, and on a virtual machine recently used pages cost a fraction of others.

/// The order of `count` places in a round. If `count` is even, every place follows every other exactly once in `count` rounds (a Williams design). If
/// it is odd, no place follows the same one twice in as many rounds as there are steps coprime to `count`, and every place follows every other once if
/// `count` is prime.
pub(crate) fn of_round(count: usize, round: u32) -> impl Iterator<Item = usize> {
    let first = round as usize;
    let there =
        move |turn: usize| if count.is_multiple_of(2) { zigzag(count, turn) } else { turn * step(count, first) };
    (0..count).map(move |turn| (first + there(turn)) % count)
}

/// The offsets 0, 1, -1, 2, -2 and so on modulo `count`: between neighbours, each distance occurs once.
fn zigzag(count: usize, turn: usize) -> usize {
    if turn.is_multiple_of(2) { count - turn / 2 } else { turn.div_ceil(2) }
}

/// The step of a round, a number coprime to `count`; the next round has another one.
fn step(count: usize, round: usize) -> usize {
    let steps: Vec<_> = (1..count.max(2)).filter(|&step| common_factor(step, count) == 1).collect();
    steps[round % steps.len()]
}

fn common_factor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_factor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_round_has_all_and_starts_with_another() {
        for count in 1..=12 {
            let mut firsts = HashSet::new();
            for round in 0..count as u32 {
                let mut places: Vec<_> = of_round(count, round).collect();
                firsts.insert(places[0]);
                places.sort_unstable();
                assert_eq!(places, (0..count).collect::<Vec<_>>());
            }
            assert_eq!(firsts.len(), count);
        }
        assert_eq!(of_round(0, 3).next(), None);
    }

    #[test]
    fn nobody_always_follows_the_same_one() {
        for (count, rounds) in [(2, 2), (3, 2), (4, 4), (9, 6), (11, 10), (12, 12)] {
            let follow = |round| {
                let places: Vec<_> = of_round(count, round).collect();
                places.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
            };
            let pairs: Vec<_> = (0..rounds).flat_map(follow).collect();
            let different: HashSet<_> = pairs.iter().collect();
            assert_eq!(different.len(), pairs.len(), "{count}");
        }
    }
}
