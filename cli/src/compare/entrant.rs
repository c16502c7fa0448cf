//! The outcome of each allocator.

use super::summary::Summary;
use crate::measure::Allocator;
use crate::measure::sample::Sample;

/// An allocator and its figures.
#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) allocator: Allocator,
    pub(super) samples: Vec<Sample>,
    /// Why it is not measured any more.
    pub(super) problem: Option<String>,
}

impl Entrant {
    pub(super) fn new(allocator: Allocator) -> Self {
        Self { allocator, samples: Vec::new(), problem: None }
    }

    /// The figures; `None` if the allocator has a problem or no samples.
    pub(super) fn summary(&self) -> Option<Summary> {
        if self.problem.is_some() { None } else { Summary::of(&self.samples) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_with_a_problem_has_no_figures() {
        let mut entrant = Entrant::new(Allocator::new("x", None));
        assert!(entrant.summary().is_none());
        entrant.samples.push(Sample::default());
        assert!(entrant.summary().is_some());
        entrant.problem = Some("crashed".into());
        assert!(entrant.summary().is_none());
    }
}
