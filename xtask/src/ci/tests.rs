//! Tests of the report, and of the steps that must exist.

use std::time::Duration;

use super::advisories::{Database, Decision, VARIABLE, Wanted, decide, wanted};
use super::minimum_rust::{toolchain, version};
use super::semver::last_release;
use super::{MAX_DURATION, OF_AN_IDLE_RUN, STEPS, names_an_engine, nightly, run};
use crate::report::{Entry, Report};
use crate::workspace::Workspace;

fn entry(name: &'static str, milliseconds: u64, minutes: Option<u64>, passed: bool) -> Entry {
    let limit = minutes.map(|minutes| Duration::from_secs(60 * minutes));
    Entry { name, took: Duration::from_millis(milliseconds), limit, passed }
}

#[test]
fn the_report_shows_seconds_per_step_what_took_longer_than_it_may_and_what_failed() {
    let mut report = Report::new(Duration::from_secs(60));
    report.add(entry("fmt", 1_250, Some(1), true));
    report.add(entry("doc", 180_100, Some(3), true));
    report.add(entry("test", 20_000, None, false));
    let expected = "\nstep          seconds\nfmt               1.2\ndoc             180.1  more than 3 minutes\n\
                    test             20.0  failed\ntotal           201.3";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn a_run_that_takes_too_long_fails() {
    let mut report = Report::new(Duration::from_secs(60));
    report.add(entry("test", 60_000, None, true));
    assert!(report.verdict().is_ok());
    report.add(entry("doc", 1_000, None, true));
    assert!(report.verdict().is_err());
}

#[test]
fn the_steps_together_may_take_three_quarters_of_an_hour() {
    let minutes: u64 = STEPS.iter().map(|step| step.minutes).sum();
    assert!(minutes <= OF_AN_IDLE_RUN, "{minutes}");
    assert!(Duration::from_secs(60 * OF_AN_IDLE_RUN) < MAX_DURATION, "a slow machine takes longer");
}

#[test]
fn the_documented_steps_are_those_of_a_run_and_setup_comes_first() {
    let page = Workspace::find().unwrap().text("CONTRIBUTING.md").unwrap().unwrap();
    let tables: Vec<_> = page.split("| Step | Minutes |").skip(1).collect();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`').to_owned(), cells.next()?.parse().ok()?))
    };
    assert_eq!(tables.len(), 2);
    for (table, steps) in tables.iter().zip([STEPS, nightly::STEPS]) {
        let table = table.split("\n\n").next().unwrap();
        let documented: Vec<(String, u64)> = table.lines().filter_map(row).collect();
        let steps: Vec<_> = steps.iter().map(|step| (step.name.to_owned(), step.minutes)).collect();
        assert_eq!(documented, steps);
        assert_eq!(steps.first().unwrap().0, "setup");
    }
}

#[test]
fn hosted_ci_runs_the_rest_once_a_day_and_before_a_release() {
    let root = Workspace::find().unwrap().root().to_owned();
    let nightly = std::fs::read_to_string(root.join(".github/workflows/nightly.yml")).unwrap();
    for part in ["schedule:", "workflow_call:", "XTASK_MINIMUM_RUST: required", "cargo xtask nightly"] {
        assert!(nightly.contains(part), "{part}");
    }
    let release = std::fs::read_to_string(root.join(".github/workflows/release.yml")).unwrap();
    assert!(release.contains("uses: ./.github/workflows/nightly.yml") && release.contains("needs: nightly"));
}

#[test]
fn a_step_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
    let failure = run(&Workspace::find().unwrap(), Some("tests")).unwrap_err().to_string();
    assert!(failure.contains("unknown step `tests`") && failure.contains("setup, fmt"), "{failure}");
}

#[test]
fn advisories_are_checked_where_they_can_be_and_required_where_that_is_said() {
    assert_eq!(wanted(VARIABLE, None).unwrap(), Wanted::WherePossible);
    assert_eq!(wanted(VARIABLE, Some("".as_ref())).unwrap(), Wanted::WherePossible);
    assert_eq!(wanted(VARIABLE, Some("required".as_ref())).unwrap(), Wanted::Required);
    for typo in ["require", "1", "no"] {
        wanted(VARIABLE, Some(typo.as_ref())).unwrap_err();
    }
    for (requirement, database, decision) in [
        (Wanted::WherePossible, Database::Fresh, Decision::Check),
        (Wanted::WherePossible, Database::Kept, Decision::CheckKept),
        (Wanted::WherePossible, Database::None, Decision::PassOver),
        (Wanted::Required, Database::Fresh, Decision::Check),
        (Wanted::Required, Database::Kept, Decision::Fail),
        (Wanted::Required, Database::None, Decision::Fail),
    ] {
        assert_eq!(decide(requirement, database), decision, "{requirement:?} {database:?}");
    }
}

#[test]
fn hosted_ci_requires_advisories_on_each_change_and_by_the_clock() {
    let root = Workspace::find().unwrap().root().to_owned();
    let job = std::fs::read_to_string(root.join(".github/workflows/ci.yml")).unwrap();
    for part in ["run: .ci/run", "XTASK_ADVISORIES: required", "schedule:", "cargo xtask ci --step advisories"] {
        assert!(job.contains(part), "{part}");
    }
}

#[test]
fn the_toolchain_of_the_minimum_version_is_found_among_those_that_are_installed() {
    let manifest = "[workspace.package]\nrust-version = \"1.94\"\n";
    assert_eq!(version(manifest).unwrap(), "1.94");
    assert!(version("[workspace.package]\n").is_err());
    let own = Workspace::find().unwrap().text("Cargo.toml").unwrap().unwrap();
    assert!(version(&own).is_ok());
    for (listed, expected) in [
        (
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.94-x86_64-unknown-linux-gnu\n",
            Some("1.94-x86_64-unknown-linux-gnu"),
        ),
        ("1.94.1-aarch64-apple-darwin (default)\n", Some("1.94.1-aarch64-apple-darwin")),
        ("1.940-x86_64-unknown-linux-gnu\nstable\n", None),
        ("", None),
    ] {
        assert_eq!(toolchain(listed, "1.94").as_deref(), expected, "{listed}");
    }
}

#[test]
fn code_that_depends_on_an_engine_is_recognized() {
    assert!(names_an_engine("#[cfg(all(unix, feature = \"postgres\"))]\nmod a;\n"));
    assert!(!names_an_engine("#[cfg(feature = \"keyring\")]\nmod a;\n"));
}

#[test]
fn the_last_release_is_the_highest_version_without_those_before_a_release() {
    for (tags, expected) in [
        ("v0.1.0\nv0.10.0\nv0.9.3\n", Some("v0.10.0")),
        ("v1.0.0-rc.1\nv0.9.3\n", Some("v0.9.3")),
        ("v1\nv1.2\nvery\n", None),
        ("", None),
    ] {
        assert_eq!(last_release(tags), expected, "{tags}");
    }
}
