//! The order of the runs of a round. Each round starts with another allocator, so that what drifts on the machine (heat, caches, neighbours) hits all
//! alike, and goes on in other steps, so that nobody always follows the same one: a process gets the pages that the one before it has given back, and
//! on a virtual machine pages that were used lately cost a fraction of others.

/// The places of `count`. In as many rounds as there are steps without a common factor with `count`, no two come one after the other twice; if `count`
/// is a prime, all do once.
pub(crate) fn of_round(count: usize, round: u32) -> impl Iterator<Item = usize> {
    let steps: Vec<_> = (1..count.max(2)).filter(|&step| common_factor(step, count) == 1).collect();
    let (first, step) = (round as usize, steps[round as usize % steps.len()]);
    (0..count).map(move |turn| (first + turn * step) % count)
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
        for (count, rounds) in [(3, 2), (4, 2), (11, 10), (12, 4)] {
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
