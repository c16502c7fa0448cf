//! The facts that a report needs in addition to the figures.

use super::machine::Machine;

/// How the figures were measured.
pub(super) struct Facts {
    /// How larder reaches its per-CPU caches.
    pub(super) mode: String,
    /// The time of the start, in the format of RFC 3339.
    pub(super) started: String,
    pub(super) machine: Machine,
    /// Environment variables for allocators that the user has set.
    pub(super) environment: Vec<String>,
    pub(super) scale: &'static str,
    pub(super) rounds: u32,
    pub(super) seconds: u64,
    pub(super) interrupted: bool,
}

impl Facts {
    /// The facts in one line.
    pub(super) fn line(&self) -> String {
        let rounds = if self.rounds == 1 { "1 round".into() } else { format!("{} rounds", self.rounds) };
        let cut = if self.interrupted { "; INTERRUPTED: not all was run" } else { "" };
        let with: String = self.environment.iter().map(|it| format!("; {it}")).collect();
        let Self { mode, started, machine, scale, seconds, .. } = self;
        format!(
            "larder: {mode}; {rounds} at scale {scale} in {seconds} s from {started} on {}{with}{cut}",
            machine.line()
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::bench) fn facts() -> Facts {
        Facts {
            mode: "rseq by mm_cid".into(),
            started: "2026-01-02T03:04:05Z".into(),
            machine: Machine::here(),
            environment: vec!["LARDER_CONF=thp:never".into()],
            scale: "quick",
            rounds: 2,
            seconds: 5,
            interrupted: false,
        }
    }

    #[test]
    fn the_line_tells_what_the_user_set() {
        assert!(facts().line().ends_with("; LARDER_CONF=thp:never"));
    }

    #[test]
    fn the_line_tells_of_an_interrupt() {
        assert!(facts().line().contains("2 rounds at scale quick in 5 s"));
        assert!(Facts { interrupted: true, ..facts() }.line().ends_with("INTERRUPTED: not all was run"));
    }
}
