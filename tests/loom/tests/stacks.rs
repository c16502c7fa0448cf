//! Tests of the lock-free stacks: nothing is lost, and nothing comes out twice.
#![cfg(loom)]

use larder_loom::arena::DeferredRuns;
use larder_loom::base::units::{Class, Page};
use larder_loom::depot::inbox::Inbox;
use larder_loom::region::{Magazine, Memory, OBJECTS, Object, Region, Run};
use loom::sync::Arc;
use loom::thread;

#[derive(Default)]
struct Home {
    memory: Memory,
    inbox: Inbox,
}

impl Home {
    fn leave(&self, addresses: [usize; 2]) {
        let magazine = Magazine(addresses.map(Object::mint).into());
        self.inbox.push_all(self.memory.links(), Class(1), magazine);
    }

    fn take(&self, taken: &mut Vec<usize>) {
        self.inbox.take(|| self.memory.links(), Class(1), |object| taken.push(object.address()));
    }
}

#[test]
fn an_inbox_keeps_what_two_threads_leave_while_a_third_takes() {
    loom::model(|| {
        let home = Arc::new(Home::default());
        let leavers = [[1, 2], [3, 4]].map(|addresses| {
            let home = Arc::clone(&home);
            thread::spawn(move || home.leave(addresses))
        });
        let mut taken = Vec::new();
        home.take(&mut taken);
        leavers.into_iter().for_each(|leaver| leaver.join().unwrap());
        home.take(&mut taken);
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3, 4]);
    });
}

#[test]
fn an_object_taken_may_be_left_again() {
    loom::model(|| {
        let home = Arc::new(Home::default());
        home.leave([1, 2]);
        let other = Arc::clone(&home);
        let leaver = thread::spawn(move || other.leave([3, 4]));
        let mut taken = Vec::new();
        home.take(&mut taken);
        let links = home.memory.links();
        taken.drain(..).for_each(|address| home.inbox.push(links, Object::mint(address)));
        leaver.join().unwrap();
        home.take(&mut taken);
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3, 4]);
    });
}

#[derive(Default)]
struct Pages {
    region: Region,
    runs: DeferredRuns,
}

impl Pages {
    /// Leaves a run whose length follows from its page.
    fn leave(&self, page: u32) {
        self.runs.push(&self.region, Run { page: Page(page), pages: page + 10, zero: false });
    }

    fn take(&self, taken: &mut Vec<u32>) {
        while let Some(run) = self.runs.pop(&self.region) {
            assert_eq!(run, Run { page: run.page, pages: run.page.0 + 10, zero: false });
            taken.push(run.page.0);
        }
    }
}

#[test]
fn deferred_runs_come_once_each() {
    loom::model(|| {
        let pages = Arc::new(Pages::default());
        let leavers = [[0, 1], [2, 3]].map(|numbers| {
            let pages = Arc::clone(&pages);
            thread::spawn(move || numbers.iter().for_each(|&page| pages.leave(page)))
        });
        let mut taken = Vec::new();
        pages.take(&mut taken);
        leavers.into_iter().for_each(|leaver| leaver.join().unwrap());
        pages.take(&mut taken);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3]);
        assert_eq!(taken.len(), OBJECTS);
    });
}

#[test]
fn a_deferred_run_may_be_left_again() {
    loom::model(|| {
        let pages = Arc::new(Pages::default());
        pages.leave(0);
        let other = Arc::clone(&pages);
        let leaver = thread::spawn(move || [1, 2].iter().for_each(|&page| other.leave(page)));
        let mut taken = Vec::new();
        pages.take(&mut taken);
        taken.drain(..).for_each(|page| pages.leave(page));
        leaver.join().unwrap();
        pages.take(&mut taken);
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
    });
}
