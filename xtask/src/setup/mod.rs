//! `cargo xtask setup`: installs the requirements of the other commands, and prints what it installs.
//!
//! If everything is installed, the command only checks, needs no network and takes a moment. A requirement that
//! cannot be installed is a failure. The exceptions are the target without `std` and the programs that only some
//! tests need: outside of continuous integration, the checks that need them are skipped with a notice.

mod detection;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::process::{self, cargo, tool};
use crate::setup::detection::{Detection, Version};
use crate::workspace::Workspace;

/// The directory of the TypeScript client, from the root of the project.
pub(crate) const CLIENT_DIRECTORY: &str = "clients/typescript";

/// The target without `std` for which plugins are built.
pub(crate) const BARE_TARGET: &str = "x86_64-unknown-none";

/// The command whose requirements are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The build for the target without `std`.
    BareTarget,
    /// The book of the documents.
    Book,
    /// The requirements of `cargo xtask ci`.
    Everything,
    /// The program that changes code to see whether a test notices.
    Mutants,
    /// The requirements of a release and of its rehearsal, which no test needs.
    Release,
    /// The requirements of the build of the program for a release.
    ReleaseBuild,
    /// The comparison of the published crates with the last release.
    Semver,
    /// The program that runs the tests.
    TestRunner,
    /// The requirements of the tests.
    Tests,
}

/// A tool, package or program that a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The target without `std`.
    BareTarget,
    /// The program that makes the book, in the directory of the user for caches.
    BookMaker,
    /// Chromium, as a shell without windows where there is such a package.
    Browser,
    /// A C compiler, for SQLite and the cryptography.
    Compiler,
    /// The packages of a lock file for Node, installed beside it.
    NodePackages { directory: &'static str },
    /// The packages of a requirements file for Python, installed in an environment beside it.
    PythonPackages { directory: &'static str },
    /// The packages of a requirements file for Python, installed in the directory in which cargo builds.
    PythonTools { directory: &'static str },
    /// A program from the registry of cargo in exactly this version, so that each release is built in the same way.
    Pinned { package: &'static str, version: &'static str },
    /// A component of the Rust toolchain, with the command that it provides.
    Component { command: &'static str, component: &'static str },
    /// A program of the system, with the package that contains it where there is `apt-get`.
    Program { name: &'static str, package: &'static str },
    /// A cargo command from the registry, with the accepted versions.
    Installed { command: &'static str, package: &'static str, version: Version },
}

const CLIPPY: Need = Need::Component { command: "clippy", component: "clippy" };
const RUSTFMT: Need = Need::Component { command: "fmt", component: "rustfmt" };
/// PostgreSQL. The binaries are enough, because the tests make a server with them if none is running.
const POSTGRES: Need = Need::Program { name: "initdb", package: "postgresql" };
const NODE: Need = Need::Program { name: "node", package: "nodejs" };
const NPM: Need = Need::Program { name: "npm", package: "npm" };
/// The third-party servers against which tests run.
const SERVERS: Need = Need::NodePackages { directory: "crates/connection-faults/servers" };
/// The packages with which the TypeScript client is generated and tested.
const CLIENT: Need = Need::NodePackages { directory: CLIENT_DIRECTORY };
/// The command-line tools that a plugin describes.
const CLAUDE: Need = Need::NodePackages { directory: "plugins/agent-cli/tests/tools/claude" };
const CODEX: Need = Need::NodePackages { directory: "plugins/agent-cli/tests/tools/codex" };
const GEMINI: Need = Need::NodePackages { directory: "plugins/agent-cli/tests/tools/gemini" };
const PYTHON: Need = Need::Program { name: "python3", package: "python3-venv" };
const MORE_SERVERS: Need = Need::PythonPackages { directory: "crates/connection-faults/servers" };
/// The packages that send requests to the API and compare the answers with its document.
const API_TESTER: Need = Need::PythonTools { directory: "tests/api" };
/// The conformance suite of MCP, the official client, and a version of Node for them.
const MCP: Need = Need::NodePackages { directory: "tests/mcp" };
const POOLER: Need = Need::Program { name: "pgbouncer", package: "pgbouncer" };
/// The browser in which pages are tested, and the driver that controls it.
const BROWSER: Need = Need::Browser;
/// A program whose provider's address is built in.
const GH: Need = Need::Program { name: "gh", package: "gh" };
const BROWSER_SHELL: &str = "chromium-headless-shell";
const DRIVER: Need = Need::Program { name: "chromedriver", package: "chromium-driver" };
/// The program that checks the unit with which systemd runs the server.
const UNIT_CHECKER: Need = Need::Program { name: "systemd-analyze", package: "systemd" };
/// The container engine, the program in the containers, and the runtime for machines with control groups of version 1.
const ENGINE: Need = Need::Program { name: "podman", package: "podman" };
const STATIC_PROGRAM: Need = Need::Program { name: "busybox", package: "busybox-static" };
const OLDER_RUNTIME: Need = Need::Program { name: "runc", package: "runc" };
const DENY: Need = Need::Installed { command: "deny", package: "cargo-deny", version: Version { major: 0, minor: 20 } };
/// The program that compares the published crates with the last release.
const SEMVER: Need = Need::Installed {
    command: "semver-checks",
    package: "cargo-semver-checks",
    version: Version { major: 0, minor: 51 },
};
const MACHETE: Need =
    Need::Installed { command: "machete", package: "cargo-machete", version: Version { major: 0, minor: 9 } };
/// The program that changes code to see whether a test notices.
const MUTANTS: Need =
    Need::Installed { command: "mutants", package: "cargo-mutants", version: Version { major: 27, minor: 1 } };
/// The program that runs the tests.
const NEXTEST: Need =
    Need::Installed { command: "nextest", package: "cargo-nextest", version: Version { major: 0, minor: 9 } };
/// The wrapper of cargo that records in a program from which packages it was built, and the reader of that record.
const AUDITABLE: Need = Need::Pinned { package: "cargo-auditable", version: "0.7.7" };
const AUDIT_READER: Need = Need::Pinned { package: "rust-audit-info", version: "0.5.4" };
/// The programs that make a root file system of Debian's packages, list packages for it, and unpack an image.
const ROOT_MAKER: Need = Need::Program { name: "mmdebstrap", package: "mmdebstrap" };
const PACKAGE_LISTER: Need = Need::Program { name: "apt-ftparchive", package: "apt-utils" };
const IMAGE_READER: Need = Need::Program { name: "umoci", package: "umoci" };
/// The programs that run a command without a network, and in another root file system.
const NETWORK_TOOL: Need = Need::Program { name: "ip", package: "iproute2" };
const SANDBOX: Need = Need::Program { name: "bwrap", package: "bubblewrap" };

/// How long `apt-get` waits while another program installs packages, which is often so on a machine that has just started.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=120";

/// The version of `mdbook`. Another version may name anchors and files in another way, so that links break.
const MDBOOK: &str = "0.5.4";

/// Looks for each requirement in scope, and installs those that are missing.
pub(crate) fn run(workspace: &Workspace, scope: Scope) -> Result<(), Failure> {
    for need in needs(scope) {
        let name = need.name();
        match detect(workspace, need) {
            Detection::Here => continue,
            Detection::Missing => println!("setup: {name} is missing"),
            Detection::Outdated(version) => println!("setup: {name} has the version {version}, which cannot be used"),
        }
        let brought = bring(workspace, need);
        if brought.is_ok() && detect(workspace, need) == Detection::Here {
            println!("setup: {name} is now installed");
            continue;
        }
        let reason = brought.err().map_or_else(|| "it is still not found".to_owned(), |failure| failure.to_string());
        if may_be_missing(need, process::in_ci()) {
            println!("setup: SKIPPED {name}: {reason}");
            println!("setup: {}", need.loss());
        } else {
            return Err(Failure::new(format!("setup: {name} cannot be installed: {reason}")));
        }
    }
    if matches!(scope, Scope::Everything | Scope::Release) {
        println!("setup: everything is installed");
    }
    Ok(())
}

/// Returns `true` if plugins can be built without `std` on this machine.
pub(crate) fn has_bare_target(workspace: &Workspace) -> bool {
    detect(workspace, Need::BareTarget) == Detection::Here
}

/// Returns `true` if the TypeScript client can be tested on this machine.
pub(crate) fn has_client(workspace: &Workspace) -> bool {
    detect(workspace, CLIENT) == Detection::Here
}

/// Returns `true` if the conformance suite of MCP can run on this machine.
pub(crate) fn has_mcp(workspace: &Workspace) -> bool {
    detect(workspace, MCP) == Detection::Here
}

/// Returns `true` if the API can be tested against its document on this machine.
pub(crate) fn has_api_tester(workspace: &Workspace) -> bool {
    detect(workspace, API_TESTER) == Detection::Here
}

/// Returns the Python environment in which the API is tested, whether or not it exists.
pub(crate) fn api_tester(workspace: &Workspace) -> Result<PathBuf, Failure> {
    Ok(tools(workspace)?.join("api-tester"))
}

/// Returns the path of the program that makes the book, whether or not it is installed.
pub(crate) fn book_maker(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let name = format!("mdbook{}", std::env::consts::EXE_SUFFIX);
    Ok(book_maker_root(workspace)?.join("bin").join(name))
}

/// Returns the directory in which the program that makes the book is installed. It is one for all clones, because the
/// program takes a minute and a half to build, and apart from the other programs of the user, who may have another version.
fn book_maker_root(workspace: &Workspace) -> Result<PathBuf, Failure> {
    Ok(workspace.cache_directory()?.join(format!("mdbook-{MDBOOK}")))
}

/// Returns the directory for programs that only this workspace uses.
fn tools(workspace: &Workspace) -> Result<PathBuf, Failure> {
    Ok(workspace.target_directory()?.join("tools"))
}

/// The requirements of the tests.
const TESTS: [Need; 23] = [
    Need::Compiler,
    NEXTEST,
    POSTGRES,
    POOLER,
    NODE,
    NPM,
    SERVERS,
    CLIENT,
    MCP,
    CLAUDE,
    CODEX,
    GEMINI,
    PYTHON,
    MORE_SERVERS,
    API_TESTER,
    BROWSER,
    DRIVER,
    UNIT_CHECKER,
    ENGINE,
    STATIC_PROGRAM,
    OLDER_RUNTIME,
    SANDBOX,
    GH,
];
/// The requirements of the other checks.
const CHECKS: [Need; 6] = [RUSTFMT, CLIPPY, DENY, MACHETE, Need::BareTarget, Need::BookMaker];
/// The requirements of a release from the system.
const RELEASE_PROGRAMS: [Need; 5] = [ROOT_MAKER, PACKAGE_LISTER, IMAGE_READER, NETWORK_TOOL, SANDBOX];

fn needs(scope: Scope) -> Vec<Need> {
    match scope {
        Scope::BareTarget => vec![Need::BareTarget],
        Scope::Book => vec![Need::BookMaker],
        Scope::Everything => TESTS.into_iter().chain(CHECKS).collect(),
        Scope::Mutants => vec![NEXTEST, MUTANTS],
        Scope::Release => {
            let tools = [Need::Compiler, NODE, NPM, AUDITABLE, AUDIT_READER];
            tools.into_iter().chain(RELEASE_PROGRAMS).collect()
        }
        Scope::ReleaseBuild => vec![AUDITABLE],
        Scope::Semver => vec![SEMVER],
        Scope::TestRunner => vec![NEXTEST],
        Scope::Tests => TESTS.to_vec(),
    }
}

/// Returns `true` if a requirement may be missing. Outside of continuous integration this includes all that only some
/// tests need. Containers, which not every machine can run, and the third-party tools may be missing anywhere.
fn may_be_missing(need: Need, in_ci: bool) -> bool {
    if matches!(need, CLAUDE | CODEX | GEMINI | ENGINE | STATIC_PROGRAM | OLDER_RUNTIME) {
        return true;
    }
    let required = matches!(
        need,
        Need::BookMaker | Need::Compiler | Need::Component { .. } | Need::Installed { .. } | Need::Pinned { .. }
    ) || RELEASE_PROGRAMS.contains(&need) && !TESTS.contains(&need);
    !required && !in_ci
}

impl Need {
    fn name(self) -> String {
        match self {
            Self::BareTarget => format!("the target {BARE_TARGET}"),
            Self::BookMaker => format!("mdbook {MDBOOK}"),
            Self::Browser => "chromium".to_owned(),
            Self::Compiler => "a C compiler".to_owned(),
            Self::Component { component, .. } => component.to_owned(),
            Self::Installed { package, version, .. } => format!("{package} {version}"),
            Self::NodePackages { directory } => format!("what {directory}/package-lock.json names"),
            Self::Pinned { package, version } => format!("{package} {version}"),
            Self::Program { name, .. } => name.to_owned(),
            Self::PythonPackages { directory } | Self::PythonTools { directory } => {
                format!("what {directory}/requirements.txt names")
            }
        }
    }

    /// Returns the notice about what is not checked without this requirement.
    fn loss(self) -> &'static str {
        match self {
            NODE | NPM | SERVERS | PYTHON | MORE_SERVERS => "tests against servers of other projects are not run",
            CLIENT => "the TypeScript client is not tested",
            MCP => "the conformance suite of MCP is not run",
            API_TESTER => "the API is not compared with its document",
            CLAUDE | CODEX | GEMINI => "claims about a command-line tool are not compared with the real one",
            BROWSER | DRIVER => "no page is tested in a real browser",
            UNIT_CHECKER => "the unit for systemd is not verified",
            ENGINE | STATIC_PROGRAM | OLDER_RUNTIME => "no container is run",
            SANDBOX => "no tool uses the doors in a container",
            GH => "no program in Go uses the proxy of a run",
            Self::Program { .. } => "tests that need it run only if CONNECTIONS_TEST_POSTGRES_URL names a server",
            _ => "plugins are not built without std here; only their source is checked",
        }
    }
}

fn detect(workspace: &Workspace, need: Need) -> Detection {
    let root = workspace.root();
    match need {
        Need::BareTarget => {
            let mut rustc = tool(root, "rustc", &["--print", "target-libdir", "--target", BARE_TARGET]);
            Detection::when(process::output(&mut rustc).is_ok_and(|path| has_library(Path::new(path.trim()))))
        }
        Need::BookMaker => {
            let version = book_maker(workspace)
                .and_then(|path| process::output(&mut tool(root, &path.to_string_lossy(), &["--version"])));
            Detection::when(version.is_ok_and(|version| version.trim() == format!("mdbook v{MDBOOK}")))
        }
        Need::Browser => Detection::when([BROWSER_SHELL, "chromium"].into_iter().any(has_program)),
        // On Windows, the build itself finds the compiler through the registry.
        Need::Compiler if cfg!(windows) => Detection::Here,
        Need::Compiler => Detection::when(
            ["cc", "gcc", "clang"].iter().any(|name| process::answers(&mut tool(root, name, &["--version"]))),
        ),
        Need::NodePackages { directory } => Detection::when(has_packages(&root.join(directory))),
        // A wrapper of cargo passes `--version` on to cargo, so the list of installed packages is read.
        Need::Pinned { package, version } => {
            let list = process::output(&mut cargo(root, &["install", "--list"])).unwrap_or_default();
            Detection::when(list.lines().any(|line| line == format!("{package} v{version}:")))
        }
        Need::Program { name, .. } => Detection::when(has_program(name)),
        Need::PythonPackages { directory } => {
            let directory = root.join(directory);
            Detection::when(has_environment(&directory, &directory.join(".venv")))
        }
        Need::PythonTools { directory } => {
            let has_tools = |environment: PathBuf| has_environment(&root.join(directory), &environment);
            Detection::when(api_tester(workspace).is_ok_and(has_tools))
        }
        Need::Component { command, .. } => Detection::when(process::answers(&mut cargo(root, &[command, "--version"]))),
        Need::Installed { command, version, .. } => match process::output(&mut cargo(root, &[command, "--version"])) {
            Ok(said) => version.judge(&said),
            Err(_) => Detection::Missing,
        },
    }
}

/// Looks for a program in the search path, and in the directories in which Debian keeps the versions of PostgreSQL
/// and the programs for root.
fn has_program(name: &str) -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = versions.map(|version| version.path().join("bin")).chain(std::env::split_paths(&path));
    folders.chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(name).is_file())
}

/// Returns `true` if the installed packages are those of the lock file. npm keeps a copy of the lock file from the
/// installation, without the optional packages for other platforms.
fn has_packages(directory: &Path) -> bool {
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
    let (Some(wanted), Some(there)) = (read("package-lock.json"), read("node_modules/.package-lock.json")) else {
        return false;
    };
    let wanted = locked(&wanted);
    let there = locked(&there);
    let has = |list: &[Locked], sought: &Locked| list.iter().any(|one| one.integrity == sought.integrity);
    wanted.iter().all(|one| one.is_optional || has(&there, one)) && there.iter().all(|one| has(&wanted, one))
}

/// A package in a lock file.
struct Locked {
    integrity: String,
    is_optional: bool,
}

/// Reads the packages of a lock file in npm's format, in which the mark of an optional package follows its integrity
/// in the same column.
fn locked(text: &str) -> Vec<Locked> {
    let mut packages: Vec<Locked> = Vec::new();
    let mut column = 0;
    for line in text.lines() {
        let key = line.trim_start();
        if key.starts_with("\"integrity\"") {
            column = line.len() - key.len();
            packages.push(Locked { integrity: key.to_owned(), is_optional: false });
        } else if key.starts_with("\"optional\": true") && line.len() - key.len() == column {
            if let Some(last) = packages.last_mut() {
                last.is_optional = true;
            }
        } else if line.len() - key.len() < column {
            // The next package begins here.
            column = 0;
        }
    }
    packages
}

/// Returns `true` if the environment was made for the current requirements. A copy of them is put into it after the
/// installation.
fn has_environment(directory: &Path, environment: &Path) -> bool {
    let read = |directory: &Path| std::fs::read_to_string(directory.join("requirements.txt")).ok();
    let wanted = read(directory);
    wanted.is_some() && wanted == read(environment)
}

/// Makes a new environment and installs the requirements in it.
fn make_environment(root: &Path, directory: &Path, environment: &Path) -> Result<(), Failure> {
    process::run(tool(root, "python3", &["-m", "venv", "--clear"]).arg(environment))?;
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"];
    let python = environment.join("bin/python");
    process::run(tool(root, &python.to_string_lossy(), &install).current_dir(directory))?;
    let copied = std::fs::copy(directory.join("requirements.txt"), environment.join("requirements.txt"));
    copied.map(drop).map_err(|error| Failure::new(format!("the environment cannot be marked: {error}")))
}

/// Returns `true` if the directory of a target contains its libraries.
fn has_library(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with("libcore-"))
}

fn bring(workspace: &Workspace, need: Need) -> Result<(), Failure> {
    let root = workspace.root();
    match need {
        Need::BareTarget => process::run(&mut tool(root, "rustup", &["target", "add", BARE_TARGET])),
        Need::BookMaker => {
            let version = format!("={MDBOOK}");
            let directory = book_maker_root(workspace)?;
            let features = ["--no-default-features", "--features", "search"];
            let mut install = install_quickly(workspace, "mdbook", &version)?;
            process::run(install.args(features).arg("--root").arg(directory))
        }
        Need::Browser => install(root, BROWSER_SHELL).or_else(|_| install(root, "chromium")),
        Need::Compiler => {
            Err(Failure::new("install the compiler of your system (Debian: gcc, macOS: xcode-select --install)"))
        }
        Need::NodePackages { directory } => {
            let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            process::run(tool(root, "npm", &install).current_dir(root.join(directory)))
        }
        Need::Pinned { package, version } => {
            let version = format!("={version}");
            process::run(&mut cargo(root, &["install", "--locked", package, "--version", &version]))
        }
        Need::Program { package, .. } => install(root, package),
        Need::PythonPackages { directory } => {
            let directory = root.join(directory);
            make_environment(root, &directory, &directory.join(".venv"))
        }
        Need::PythonTools { directory } => make_environment(root, &root.join(directory), &api_tester(workspace)?),
        Need::Component { component, .. } => process::run(&mut tool(root, "rustup", &["component", "add", component])),
        Need::Installed { package, version, .. } => {
            process::run(&mut install_quickly(workspace, package, &version.requirement())?)
        }
    }
}

/// Returns the command that installs a program which runs for a few seconds at most. The program is built without
/// optimization, because that saves more time than a slower run costs, and in the same directory as the others, so that
/// packages which they share are built once.
fn install_quickly(workspace: &Workspace, package: &str, version: &str) -> Result<Command, Failure> {
    let mut install = cargo(workspace.root(), &["install", "--locked", "--debug", package, "--version", version]);
    install.arg("--target-dir").arg(workspace.target_directory()?.join("tools/build"));
    Ok(install)
}

/// Installs a package on Debian and its derivatives, as root or through `sudo` without a password. `apt-get` reports
/// missing permissions itself.
fn install(root: &Path, package: &str) -> Result<(), Failure> {
    if !process::answers(&mut tool(root, "apt-get", &["--version"])) {
        return Err(Failure::new(format!("install the package {package} of your system")));
    }
    let is_root = process::output(&mut tool(root, "id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    let becomes_root = !is_root && process::answers(&mut tool(root, "sudo", &["--non-interactive", "true"]));
    let run = |arguments: &[&str]| process::run(&mut tool(root, "env", &as_root(becomes_root, arguments)));
    let install = ["--option", LOCK_TIMEOUT, "install", "--yes", "--no-install-recommends", package];
    // A new machine has no package lists. Existing lists are usually recent enough, so they are updated only after a
    // failure.
    run(&install).or_else(|_| {
        run(&["update"])?;
        run(&install)
    })
}

/// Returns the command with its variable set through `env`, because `sudo` passes on no variable that is set before
/// it.
fn as_root<'a>(by_sudo: bool, arguments: &[&'a str]) -> Vec<&'a str> {
    let before: &[&str] = if by_sudo { &["sudo", "--non-interactive", "env"] } else { &[] };
    [before, &["DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat()
}

#[cfg(test)]
mod tests;
