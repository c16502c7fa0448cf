//! The order of the runs of a round: each round starts with another allocator, so that what drifts on the machine (heat,
//! caches, neighbours) hits all alike.

/// The places of `count`, one further with each round.
pub(crate) fn of_round(count: usize, round: u32) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| (place + round as usize) % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_all_and_starts_with_another() {
        let mut firsts = Vec::new();
        for round in 1..=3 {
            let mut places: Vec<_> = of_round(3, round).collect();
            firsts.push(places[0]);
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2]);
        }
        assert_eq!(firsts, [1, 2, 0]);
    }
}
