//! Threads that begin and end the measured phase together. Each prepares, calls [`Member::measured`] once, and cleans up; only the work inside that
//! call is measured. The main thread is member 0, so a team of one is a single-threaded program.

use crate::calls::Calls;
use crate::figures::{Figures, Watch};
use crate::latency::Latency;
use crate::memory::Memory;
use crate::random::Random;
use crate::run::Run;
use nix::sys::resource::UsageWho;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) operations: u64,
    pub(crate) figures: Figures,
    pub(crate) latency: Option<Latency>,
    /// The final memory, if it is not to be measured after everything was freed.
    pub(crate) last: Option<Memory>,
}

/// One thread of the team.
pub(crate) struct Member<'a, C> {
    pub(crate) index: usize,
    pub(crate) calls: C,
    pub(crate) random: Random,
    gate: &'a Gate,
}

impl<C: Calls> Member<'_, C> {
    /// Waits for all members, works, and waits for all again.
    pub(crate) fn measured<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        self.gate.meet(|watch| *watch = Progress::Running(Watch::start(UsageWho::RUSAGE_SELF, C::COUNTS)));
        self.calls.count(true);
        let result = work(self);
        self.calls.count(false);
        self.gate.meet(Progress::stop);
        result
    }
}

/// Runs `work` on each of the run's threads; `work` returns its number of operations.
pub(crate) fn team<C: Calls>(run: &Run, work: impl Fn(&mut Member<C>) -> u64 + Sync) -> Outcome {
    let gate = Gate { barrier: Barrier::new(run.threads), progress: Mutex::new(Progress::Before) };
    let mut members: Vec<_> = (0..run.threads).map(|index| Member::new(run, index, &gate)).collect();
    let operations = thread::scope(|scope| {
        let (first, others) = members.split_at_mut(1);
        let others: Vec<_> = others.iter_mut().map(|member| scope.spawn(|| work(member))).collect();
        let own: u64 = first.iter_mut().map(&work).sum();
        own + others.into_iter().filter_map(|other| other.join().ok()).sum::<u64>()
    });
    let latency = C::latency(members.into_iter().map(|member| member.calls).collect());
    Outcome { operations, figures: gate.figures(), latency, last: None }
}

impl<'a, C: Calls> Member<'a, C> {
    fn new(run: &Run, index: usize, gate: &'a Gate) -> Self {
        Self { index, calls: C::new(), random: Random::new(run.seed, index), gate }
    }
}

/// Where the members meet. The last one to arrive starts or stops the watch while the others wait.
struct Gate {
    barrier: Barrier,
    progress: Mutex<Progress>,
}

enum Progress {
    Before,
    Running(Watch),
    Done(Figures),
}

impl Progress {
    fn stop(&mut self) {
        if let Progress::Running(watch) = std::mem::replace(self, Progress::Before) {
            *self = Progress::Done(watch.stop());
        }
    }
}

impl Gate {
    fn meet(&self, last: impl FnOnce(&mut Progress)) {
        if self.barrier.wait().is_leader() {
            last(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.barrier.wait();
    }

    fn figures(self) -> Figures {
        match self.progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Progress::Done(figures) => figures,
            Progress::Before | Progress::Running(_) => crate::fail::fail(format_args!("a workload measured nothing")),
        }
    }
}
