//! Tests of the requirements, and of those that may be missing.

use super::detection::{Detection, Version};
use super::{
    API_TESTER, BARE_TARGET, BROWSER, CLAUDE, CLIENT, CLIPPY, CODEX, DENY, DRIVER, ENGINE, GEMINI, GH, MACHETE, MCP,
    MORE_SERVERS, NODE, NPM, Need, OLDER_RUNTIME, POOLER, POSTGRES, PYTHON, RUSTFMT, SANDBOX, SERVERS, STATIC_PROGRAM,
    Scope, UNIT_CHECKER, as_root, has_environment, has_library, has_packages, has_program, may_be_missing, needs,
};

const DENY_VERSION: Version = Version { major: 0, minor: 20 };

#[test]
fn a_version_that_is_compatible_will_do() {
    assert_eq!(DENY_VERSION.judge("cargo-deny 0.20.2\n"), Detection::Here);
    assert_eq!(Version { major: 0, minor: 9 }.judge("0.9.2"), Detection::Here);
    assert_eq!(Version { major: 1, minor: 2 }.judge("tool 1.7.0"), Detection::Here);
}

#[test]
fn a_version_that_is_older_or_newer_in_the_wrong_place_will_not_do() {
    assert_eq!(DENY_VERSION.judge("cargo-deny 0.19.9"), Detection::Outdated("0.19.9".to_owned()));
    assert_eq!(DENY_VERSION.judge("cargo-deny 0.21.0"), Detection::Outdated("0.21.0".to_owned()));
    assert_eq!(Version { major: 1, minor: 2 }.judge("tool 1.1.9"), Detection::Outdated("1.1.9".to_owned()));
    assert_eq!(Version { major: 1, minor: 2 }.judge("tool 2.3.0"), Detection::Outdated("2.3.0".to_owned()));
}

#[test]
fn a_tool_that_tells_no_version_is_missing() {
    assert_eq!(DENY_VERSION.judge("no idea"), Detection::Missing);
}

#[test]
fn only_the_bare_target_and_servers_may_be_missing_and_only_containers_and_the_tools_of_others_in_ci() {
    let anywhere = [CLAUDE, CODEX, GEMINI, ENGINE, STATIC_PROGRAM, OLDER_RUNTIME];
    for need in needs(Scope::Everything) {
        assert_eq!(may_be_missing(need, true), anywhere.contains(&need), "{need:?}");
        let optional = [
            Need::BareTarget,
            POSTGRES,
            POOLER,
            NODE,
            NPM,
            SERVERS,
            CLIENT,
            MCP,
            PYTHON,
            MORE_SERVERS,
            API_TESTER,
            BROWSER,
            DRIVER,
            UNIT_CHECKER,
            SANDBOX,
            GH,
        ];
        assert_eq!(may_be_missing(need, false), optional.contains(&need) || anywhere.contains(&need));
    }
}

#[test]
fn everything_holds_all_that_the_other_scopes_need_and_each_once() {
    let everything = needs(Scope::Everything);
    for scope in [Scope::BareTarget, Scope::Book, Scope::Tests] {
        assert!(needs(scope).iter().all(|need| everything.contains(need)));
    }
    for need in [RUSTFMT, CLIPPY, DENY, MACHETE, Need::BareTarget, Need::BookMaker, SERVERS, CODEX, DRIVER, ENGINE] {
        assert_eq!(everything.iter().filter(|known| **known == need).count(), 1, "{need:?}");
    }
}

/// A page that is not tested in a browser has its own notice.
#[test]
fn each_skipped_check_is_reported() {
    assert_eq!(BROWSER.loss(), DRIVER.loss());
    let losses = [BROWSER, NODE, CLAUDE, POSTGRES, UNIT_CHECKER, Need::BareTarget].map(Need::loss);
    assert!((0..losses.len()).all(|at| !losses[..at].contains(&losses[at])), "{losses:?}");
}

#[test]
fn an_unprivileged_user_runs_sudo_without_variables() {
    let install = ["install", "chromium"];
    assert_eq!(as_root(false, &install).join(" "), "DEBIAN_FRONTEND=noninteractive apt-get install chromium");
    let by_sudo = "sudo --non-interactive env DEBIAN_FRONTEND=noninteractive apt-get install chromium";
    assert_eq!(as_root(true, &install).join(" "), by_sudo);
}

#[test]
fn a_program_is_found_by_its_name() {
    assert!(has_program("cargo") || has_program("cargo.exe"));
    assert!(!has_program("connections-no-such-program"));
}

#[test]
fn packages_are_there_when_what_is_installed_is_what_is_locked() {
    let directory = tempfile::tempdir().unwrap();
    let lock = |name: &str, integrity: &str| {
        let text = format!("{{\n  \"a\": {{\n    \"integrity\": \"{integrity}\"\n  }}\n}}\n");
        std::fs::write(directory.path().join(name), text).unwrap();
    };
    assert!(!has_packages(directory.path()));
    std::fs::create_dir(directory.path().join("node_modules")).unwrap();
    lock("package-lock.json", "sha512-a");
    assert!(!has_packages(directory.path()));
    lock("node_modules/.package-lock.json", "sha512-b");
    assert!(!has_packages(directory.path()));
    lock("node_modules/.package-lock.json", "sha512-a");
    assert!(has_packages(directory.path()));
}

#[test]
fn an_optional_package_of_another_platform_need_not_be_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("node_modules")).unwrap();
    let package = |name: &str, is_optional: bool| {
        let optional = if is_optional { ",\n      \"optional\": true" } else { "" };
        format!("    \"{name}\": {{\n      \"integrity\": \"sha512-{name}\"{optional}\n    }},\n")
    };
    let write = |name: &str, packages: &[String]| {
        std::fs::write(directory.path().join(name), packages.concat()).unwrap();
    };
    write("package-lock.json", &[package("a", false), package("linux", true), package("darwin", true)]);
    for (there, is_enough) in [
        (vec![package("a", false), package("linux", true)], true),
        (vec![package("a", false)], true),
        (vec![package("linux", true)], false),
        (vec![package("a", false), package("other", false)], false),
    ] {
        write("node_modules/.package-lock.json", &there);
        assert_eq!(has_packages(directory.path()), is_enough);
    }
}

#[test]
fn an_environment_is_that_of_the_requirements_it_was_made_for() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let is_there = || has_environment(directory.path(), &directory.path().join(".venv"));
    assert!(!is_there());
    write("requirements.txt", "a==1");
    std::fs::create_dir(directory.path().join(".venv")).unwrap();
    assert!(!is_there());
    write(".venv/requirements.txt", "a==0");
    assert!(!is_there());
    write(".venv/requirements.txt", "a==1");
    assert!(is_there());
}

#[test]
fn a_target_without_libraries_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!has_library(directory.path()));
    assert!(!has_library(&directory.path().join(BARE_TARGET)));
    std::fs::write(directory.path().join("libcore-1.rlib"), "").unwrap();
    assert!(has_library(directory.path()));
}

#[test]
fn what_only_a_release_needs_is_not_installed_for_the_checks_and_is_required_for_a_release() {
    let everything = needs(Scope::Everything);
    let release = needs(Scope::Release);
    for need in release.iter().filter(|need| !everything.contains(need)) {
        assert!(!may_be_missing(*need, false) && !may_be_missing(*need, true), "{need:?}");
    }
    for need in needs(Scope::ReleaseBuild) {
        assert!(matches!(need, Need::Pinned { .. }) && release.contains(&need) && !everything.contains(&need));
    }
    let shared: Vec<_> = release.iter().filter(|need| everything.contains(need)).collect();
    assert_eq!(shared, [&Need::Compiler, &NODE, &NPM, &SANDBOX]);
}
