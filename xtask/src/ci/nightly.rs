//! `cargo xtask nightly`: runs everything that `cargo xtask ci` does not, because it is slow.
//!
//! It runs once a day, before a release, and before an issue is closed. It expects that `cargo xtask ci` has passed.

use std::time::Duration;

use super::{Afterwards, Step, minimum_rust, run_steps};
use crate::failure::Failure;
use crate::report::Report;
use crate::suite::{self, Extent, Part};
use crate::workspace::Workspace;
use crate::{conformance, drills, fuzz, readme, release, setup, third_party};

/// The steps in their order: those that fail often and fast come first.
pub(super) const STEPS: &[Step] = &[
    Step { name: "setup", minutes: 6, run: |workspace| setup::run(workspace, setup::Scope::Everything) },
    Step { name: "night", minutes: 40, run: |workspace| suite::run(workspace, Extent::Whole, Part::Night, &[]) },
    Step { name: "readme", minutes: 2, run: readme::run_on_postgres },
    Step { name: "minimum-rust", minutes: 5, run: minimum_rust::run },
    Step { name: "third-party", minutes: 5, run: third_party::run },
    Step { name: "fuzz", minutes: 3, run: |workspace| fuzz::run(workspace, "60") },
    Step { name: "long", minutes: 60, run: suite::run_long_forms },
    Step { name: "conformance", minutes: 15, run: |workspace| conformance::check(workspace, &["--long"]) },
    Step { name: "drill", minutes: 3, run: |workspace| conformance::drill_mcp(workspace, &[]) },
    Step { name: "costs", minutes: 15, run: |workspace| drills::drill(workspace, "costs", &[]) },
    Step { name: "failover", minutes: 5, run: |workspace| drills::drill(workspace, "failover", &[]) },
    Step { name: "kills", minutes: 10, run: |workspace| drills::drill(workspace, "kills", &[]) },
    Step { name: "moves", minutes: 10, run: |workspace| drills::drill(workspace, "moves", &[]) },
    Step { name: "outages", minutes: 30, run: |workspace| drills::drill(workspace, "outages", &[]) },
    Step { name: "windows", minutes: 5, run: |workspace| drills::drill(workspace, "windows", &[]) },
    Step { name: "rehearsal", minutes: 40, run: |workspace| release::run(workspace, &["rehearse"]) },
];

/// Runs every step, or only the named one after the setup, and reports all failures at the end.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    let (report, failures) = run_steps(workspace, Report::new(Duration::MAX), STEPS, only, Afterwards::Continue)?;
    println!("{report}");
    let failures: Vec<String> = failures.iter().map(Failure::to_string).collect();
    Failure::unless_empty("steps that failed", &failures)
}
