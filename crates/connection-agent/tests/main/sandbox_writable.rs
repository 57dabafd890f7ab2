//! The parts of a tool's configuration in which changes from a container stay, and the limits of private copies.

use std::{fs, path::Path};

use connection_agent::{Sandbox, SandboxError, SandboxMount, SandboxPolicy, SandboxRun, SandboxWritable};
use connection_contract::{Kind, MountMode};
use connection_core::SpawnOptions;

use crate::tool::{TOOL, Tools, tool};

/// A kind that declares its configuration as writable.
const WRITTEN: Kind = Kind::from_static("written");

/// A user with configuration: the kind needs `.tool/sessions` and `.toolrc/logs` in a later run.
async fn tools() -> Tools {
    let it = Tools::with(|builder| builder.kind(tool(WRITTEN))).await;
    it.write(".tool/sessions/one", "before");
    it.write(".tool/login", "the user's");
    it.write(".toolrc/logs/one", "before");
    it.write(".toolrc/settings", "the user's");
    it
}

fn compose(it: &Tools, kind: &Kind, policy: SandboxPolicy) -> Result<SandboxRun, SandboxError> {
    let policy = policy.scratch(it.path("scratch"));
    Sandbox::new(&it.registry, kind).unwrap().compose(&policy, &SpawnOptions::new("tool"))
}

fn writable(it: &Tools, writable: SandboxWritable) -> Result<SandboxRun, SandboxError> {
    compose(it, &TOOL, SandboxPolicy::new().writable(writable))
}

fn named(it: &Tools, names: &[&str]) -> Result<SandboxRun, SandboxError> {
    writable(it, SandboxWritable::Subdirectories(names.iter().map(|name| (*name).to_owned()).collect()))
}

fn modes(run: &SandboxRun) -> Vec<(&str, MountMode)> {
    run.mounts.iter().map(|mount| (&*mount.target, mount.mode)).collect()
}

fn at<'a>(run: &'a SandboxRun, target: &str) -> &'a SandboxMount {
    run.mounts.iter().find(|mount| mount.target == target).unwrap()
}

#[tokio::test]
async fn nothing_of_the_configuration_is_writable_unless_the_host_allows_it() {
    let it = tools().await;
    let expected = [("/config/.tool", MountMode::ReadOnly), ("/config/.toolrc", MountMode::Copied)];
    assert_eq!(modes(&compose(&it, &TOOL, SandboxPolicy::new()).unwrap()), expected);
    // The declaration of a kind does not widen what the host allows.
    let written = compose(&it, &WRITTEN, SandboxPolicy::new()).unwrap();
    assert_eq!(modes(&written), [("/config/.toolrc", MountMode::Copied)]);
    // The control: the host allows it.
    let everything = SandboxPolicy::new().writable(SandboxWritable::Everything);
    let written = compose(&it, &WRITTEN, everything).unwrap();
    assert_eq!(modes(&written), [("/config/.toolrc", MountMode::Writable)]);
    assert_eq!(at(&written, "/config/.toolrc").source, it.path(".toolrc"));
}

#[tokio::test]
async fn a_subdirectory_that_the_host_allows_is_the_users_own_and_no_part_of_the_copy() {
    let it = tools().await;
    let run = writable(&it, SandboxWritable::Declared).unwrap();
    let expected = [
        ("/config/.tool", MountMode::ReadOnly),
        ("/config/.tool/sessions", MountMode::Writable),
        ("/config/.toolrc", MountMode::Copied),
        ("/config/.toolrc/logs", MountMode::Writable),
    ];
    assert_eq!(modes(&run), expected);
    let prepared = run.prepare().unwrap();
    let logs = at(prepared.run(), "/config/.toolrc/logs").source.clone();
    assert_eq!(logs, it.path(".toolrc/logs").canonicalize().unwrap());
    let argv: Vec<_> = prepared.argv().into_iter().map(|arg| arg.into_string().unwrap()).collect();
    assert!(argv.contains(&format!("{}:/config/.toolrc/logs", logs.display())), "{argv:?}");
    let copy = at(prepared.run(), "/config/.toolrc").source.clone();
    assert!(copy.starts_with(it.path("scratch")));
    assert_eq!(fs::read_to_string(copy.join("settings")).unwrap(), "the user's");
    // The directory exists, for engines that mount on it, and is empty.
    assert_eq!(fs::read_dir(copy.join("logs")).unwrap().count(), 0);
    drop(prepared);
    assert_eq!(fs::read_to_string(it.path(".toolrc/logs/one")).unwrap(), "before", "only the copy goes");
    // Each name is mounted once, and an outer directory includes an inner one. A missing directory is reported.
    it.write(".tool/sessions/2026/one", "before");
    let run = named(&it, &["sessions/2026", "sessions", "sessions", "session"]).unwrap();
    let targets: Vec<_> = modes(&run).into_iter().map(|(target, _)| target.to_owned()).collect();
    assert_eq!(targets, ["/config/.tool", "/config/.tool/sessions", "/config/.toolrc"]);
    assert!(run.left_out.iter().any(|line| line.starts_with("/config/.tool/session: ")), "{:?}", run.left_out);
}

#[tokio::test]
async fn a_whole_configuration_is_writable_where_the_host_says_so_and_a_file_beside_it_stays_a_copy() {
    let it = tools().await;
    let run = writable(&it, SandboxWritable::Everything).unwrap();
    assert_eq!(modes(&run), [("/config/.tool", MountMode::Writable), ("/config/.toolrc", MountMode::Writable)]);
    fs::remove_dir_all(it.path(".toolrc")).unwrap();
    it.write(".toolrc", "a file");
    let run = writable(&it, SandboxWritable::Everything).unwrap();
    assert_eq!(modes(&run), [("/config/.tool", MountMode::Writable), ("/config/.toolrc", MountMode::Copied)]);
}

#[tokio::test]
async fn a_name_that_leads_out_of_the_configuration_is_refused() {
    let it = tools().await;
    for name in ["..", "../.toolrc", "sessions/../..", "/etc", "", ".", "sessions/", "a\\..\\b", "a:b", "a,b", "a\nb"] {
        let error = named(&it, &[name]).unwrap_err();
        assert!(matches!(&error, SandboxError::Mount { problem, .. } if problem.contains("without '..'")), "{error}");
    }
    // A file system that ignores case would mount a directory other than the one that was left out of the copy.
    let run = named(&it, &["Sessions"]).unwrap();
    assert_eq!(modes(&run), [("/config/.tool", MountMode::ReadOnly), ("/config/.toolrc", MountMode::Copied)]);
    let error = named(&it, &["login"]).unwrap_err().to_string();
    assert!(error.contains("it is not a directory"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_never_mounted_whether_it_is_there_before_or_comes_later() {
    use std::os::unix::fs::symlink;
    let it = tools().await;
    let outside = it.write("outside/secret", "canary").parent().unwrap().to_owned();
    fs::create_dir(outside.join("deep")).unwrap();
    let is_link = |error: SandboxError| {
        assert!(matches!(error, SandboxError::Mount { problem, .. } if problem.contains("it is a link")), "{error}");
    };
    symlink(&outside, it.path(".tool/link")).unwrap();
    is_link(named(&it, &["link"]).unwrap_err());
    is_link(named(&it, &["link/deep"]).unwrap_err());
    // Another container may write there between the composition of a run and its start.
    let swap = |path: &Path| {
        fs::remove_dir_all(path).unwrap();
        symlink(&outside, path).unwrap();
    };
    let run = writable(&it, SandboxWritable::Declared).unwrap();
    swap(&it.path(".tool/sessions"));
    is_link(run.prepare().unwrap_err());
    assert_eq!(fs::read_dir(it.path("scratch")).unwrap().count(), 1, "the lock of the whole");
    // The configuration itself may be a link, since a person names it.
    fs::rename(it.path(".toolrc"), it.path("elsewhere")).unwrap();
    symlink(it.path("elsewhere"), it.path(".toolrc")).unwrap();
    fs::remove_file(it.path(".tool/sessions")).unwrap();
    let prepared = writable(&it, SandboxWritable::Declared).unwrap().prepare().unwrap();
    let logs = it.path("elsewhere/logs").canonicalize().unwrap();
    assert_eq!(at(prepared.run(), "/config/.toolrc/logs").source, logs);
}

#[tokio::test]
async fn a_copy_that_is_too_large_is_refused_by_the_name_of_the_setting_and_what_was_found() {
    let it = tools().await;
    let refused = |policy: SandboxPolicy| compose(&it, &TOOL, policy).unwrap().prepare().unwrap_err();
    let left = || fs::read_dir(it.path("scratch")).unwrap().count();
    // The directory, `logs`, the file in it, and `settings`.
    let error = refused(SandboxPolicy::new().copy_entries(3));
    let message = error.to_string();
    assert!(message.contains(".toolrc' is too large to be copied for the container"), "{message}");
    assert!(message.ends_with("sandbox.copy_entries allows 3 entries, and it holds 4 entries"), "{message}");
    assert_eq!((error.code(), left()), ("sandbox_failed", 1));
    let remedy = error.remedy().unwrap();
    assert!(remedy.starts_with("raise sandbox.copy_entries"), "{remedy}");
    compose(&it, &TOOL, SandboxPolicy::new().copy_entries(4)).unwrap().prepare().unwrap();
    let large = fs::File::create(it.path(".toolrc/logs/large")).unwrap();
    large.set_len(3 << 20).unwrap();
    let error = refused(SandboxPolicy::new().copy_size(2 << 20)).to_string();
    assert!(error.ends_with("sandbox.copy_size allows 2 MiB, and it holds 4 MiB"), "{error}");
    assert_eq!(left(), 1);
    // A writable directory is not copied.
    let declared = SandboxPolicy::new().copy_size(2 << 20).writable(SandboxWritable::Declared);
    compose(&it, &TOOL, declared).unwrap().prepare().unwrap();
}
