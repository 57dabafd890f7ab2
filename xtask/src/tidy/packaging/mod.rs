//! The rule that the files of `packaging` agree with the program, with each other and with the guide for operators.
//!
//! They are not compiled, and most tests do not run them. So a changed default, limit or name would break them
//! unnoticed.

mod archives;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::release::IN_PACKAGE;
use crate::workspace::Workspace;

const CONFIGURATION: &str = "packaging/systemd/config.toml";
const CONTAINER: &str = "packaging/container/config.json";
const CONTAINER_ROOT: &str = "packaging/container/root.sh";
const CREDENTIAL: &str = "packaging/systemd/key-credential.conf";
const GUIDE: &str = "docs/guide/operators.md";
const MANIFEST: &str = "crates/connection-host/Cargo.toml";
const NETWORK: &str = "packaging/kubernetes/networkpolicy.yaml";
const ROUTES: &str = "crates/connection-host/src/commands/serve/routes.rs";
const SERVE: &str = "crates/connection-host/src/commands/serve/running.rs";
const SERVER: &str = "crates/connection-inbound/src/server/connections.rs";
const SERVICE: &str = "packaging/kubernetes/service.yaml";
const STATEFUL_SET: &str = "packaging/kubernetes/statefulset.yaml";
const UNIT: &str = "packaging/systemd/connections.service";
const WORDS: &str = "docs/spec/words.md";
const WORKFLOW: &str = ".github/workflows/release.yml";

const READ: &[&str] = &[
    CONFIGURATION,
    CONTAINER,
    CONTAINER_ROOT,
    CREDENTIAL,
    GUIDE,
    MANIFEST,
    NETWORK,
    ROUTES,
    SERVE,
    SERVER,
    SERVICE,
    STATEFUL_SET,
    UNIT,
    WORDS,
    WORKFLOW,
];

/// The texts of the files, by path.
type Texts = BTreeMap<String, String>;

/// Returns what does not agree.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    Ok(disagreements(&texts(workspace)?))
}

fn texts(workspace: &Workspace) -> Result<Texts, Failure> {
    let read = |path: &str| path.starts_with("packaging/") || READ.contains(&path);
    Ok(workspace.texts(read)?.into_iter().collect())
}

fn disagreements(texts: &Texts) -> Vec<String> {
    let missing: Vec<String> =
        READ.iter().filter(|path| !texts.contains_key(**path)).map(|path| format!("{path} is missing")).collect();
    if !missing.is_empty() {
        return missing;
    }
    let mut findings = settings::findings(texts);
    findings.extend(addresses(texts));
    findings.extend(directories(texts));
    findings.extend(time_limits(texts));
    findings.extend(archives::findings(text(texts, MANIFEST), text(texts, WORKFLOW)));
    findings
}

/// Compares the port and the paths of the checks with those of the program.
fn addresses(texts: &Texts) -> Vec<String> {
    let port = between(text(texts, WORDS), "Unless set, it is 127.0.0.1:", ".").unwrap_or_default();
    let live = between(text(texts, ROUTES), "const LIVE: &str = \"", "\"").unwrap_or_default();
    let ready = between(text(texts, ROUTES), "const READY: &str = \"", "\"").unwrap_or_default();
    if [port, live, ready].contains(&"") {
        return vec![format!("{WORDS}, {ROUTES}: the port or the path of a check is not found")];
    }
    let expected = [
        (CONTAINER, format!("CONNECTIONS_INBOUND__LISTEN=0.0.0.0:{port}\""), 1),
        (CONTAINER, format!("\"{port}/tcp\""), 1),
        (CONTAINER, format!("/dev/tcp/127.0.0.1/{port} "), 1),
        (CONTAINER, format!("'GET {live} HTTP/1.1"), 1),
        (GUIDE, format!("--publish 127.0.0.1:{port}:{port} "), 1),
        (GUIDE, format!("port {port}.\n"), 1),
        (NETWORK, format!("- port: {port}\n"), 1),
        (SERVICE, format!(" port: {port}\n"), 1),
        (STATEFUL_SET, format!("containerPort: {port}\n"), 1),
        (STATEFUL_SET, format!("path: {live}\n"), 2),
        (STATEFUL_SET, format!("path: {ready}\n"), 1),
    ];
    let differs =
        expected.iter().filter(|(path, part, times)| text(texts, path).matches(part.as_str()).count() != *times);
    differs.map(|(path, part, times)| format!("{path}: `{}` is not there {times} times", part.trim())).collect()
}

/// Checks that what is written is on a volume, that key and database are in different ones, and that each path which
/// two files name is the same.
fn directories(texts: &Texts) -> Vec<String> {
    let mut findings = Vec::new();
    let unit = text(texts, UNIT);
    let state: Vec<String> = value(unit, "StateDirectory=").split(' ').map(|name| format!("/var/lib/{name}")).collect();
    let configured = |key| between(text(texts, CONFIGURATION), &format!("{key} = \""), "\"").unwrap_or_default();
    findings.extend(apart(UNIT, &state, configured("data_dir"), configured("key.file")));

    let container = settings::assigned(text(texts, CONTAINER));
    let variable = |name| container.iter().find(|found| found.name == name).map_or("", |found| &found.value);
    let config: Value = serde_json::from_str(text(texts, CONTAINER)).unwrap_or_default();
    let volumes = config.get("Volumes").and_then(Value::as_object);
    let volumes: Vec<String> = volumes.into_iter().flat_map(|volumes| volumes.keys().cloned()).collect();
    let user = config.get("User").and_then(Value::as_str).unwrap_or_default();
    findings.extend(apart(CONTAINER, &volumes, variable("CONNECTIONS_DATA_DIR"), variable("CONNECTIONS_KEY__FILE")));
    for volume in &volumes {
        if !text(texts, GUIDE).contains(&format!(":{volume} ")) {
            findings.push(format!("{GUIDE}: no volume for {volume}"));
        }
        if !text(texts, CONTAINER_ROOT).contains(&format!(" \"$1{volume}\"")) {
            findings.push(format!("{CONTAINER_ROOT}: {volume} is not created"));
        }
    }

    let set = text(texts, STATEFUL_SET);
    let mounts: Vec<String> =
        set.lines().filter_map(|line| line.trim().strip_prefix("mountPath: ")).map(str::to_owned).collect();
    for setting in settings::assigned(set).iter().filter(|setting| setting.value.starts_with('/')) {
        if !mounts.iter().any(|mount| below(&setting.value, mount)) {
            findings.push(format!("{STATEFUL_SET}: {} is on no volume", setting.name));
        }
    }

    let program = value(unit, "ExecStart=").split(' ').next().unwrap_or_default();
    let configuration = value(unit, "Environment=CONNECTIONS_CONFIG=");
    let credential = value(text(texts, CREDENTIAL), "Environment=CONNECTIONS_KEY__FILE=%d/");
    let loaded = value(text(texts, CREDENTIAL), "LoadCredential=");
    for (path, part) in [
        (CONTAINER, format!("\"Entrypoint\": [\"{IN_PACKAGE}\"]")),
        (CONTAINER_ROOT, format!(":x:{user}:")),
        (CONTAINER_ROOT, format!("--owner={} ", user.replace(':', " --group="))),
        (GUIDE, format!("install -m 0755 connections {}/\n", parent(program))),
        (GUIDE, format!("{CONFIGURATION} {configuration}\n")),
        (GUIDE, format!("--config {configuration} ")),
        (GUIDE, format!("LoadCredential={loaded} ")),
        (GUIDE, format!("$CREDENTIALS_DIRECTORY/{credential} ")),
        (CREDENTIAL, format!("LoadCredential={credential}:")),
        // Without it, the watchdog of the unit has no effect.
        (UNIT, "Type=notify\n".to_owned()),
    ] {
        if !text(texts, path).contains(&part) {
            findings.push(format!("{path}: `{}` is missing", part.trim()));
        }
    }
    findings
}

/// Returns a finding unless the database and the key are below two different ones of these directories.
fn apart(path: &str, directories: &[String], data: &str, key: &str) -> Option<String> {
    let place = |file| directories.iter().position(|directory| below(file, directory));
    let is_apart = place(data).is_some() && place(key).is_some() && place(data) != place(key);
    (!is_apart).then(|| format!("{path}: `{data}` and `{key}` are not in two of its directories"))
}

/// Checks that a server which is stopped has more time than it takes to finish.
fn time_limits(texts: &Texts) -> Vec<String> {
    let constant = |path, name| seconds(text(texts, path), &format!("const {name}: Duration = Duration::from_secs("));
    let drain = [(SERVER, "LAST"), (SERVER, "REFUSING"), (SERVE, "USUAL_REQUEST"), (SERVE, "MAX_SHUTDOWN_TIME")];
    let Some(drain) = drain.into_iter().map(|(path, name)| constant(path, name)).sum::<Option<u64>>() else {
        return vec![format!("{SERVE}, {SERVER}: the limits of a server that is stopped are not found")];
    };
    let before = seconds(text(texts, STATEFUL_SET), "STOP_DELAY\n              value: \"");
    let grace = seconds(text(texts, STATEFUL_SET), "terminationGracePeriodSeconds: ");
    let allowed = [
        (UNIT, seconds(text(texts, UNIT), "TimeoutStopSec=")),
        (GUIDE, seconds(text(texts, GUIDE), "--stop-timeout ")),
        (STATEFUL_SET, grace.zip(before).map(|(grace, before)| grace.saturating_sub(before))),
    ];
    let too_short = allowed.into_iter().filter(|(_, allowed)| allowed.is_none_or(|allowed| allowed <= drain));
    too_short.map(|(path, _)| format!("{path}: a server that is stopped needs more than {drain} seconds")).collect()
}

fn text<'a>(texts: &'a Texts, path: &str) -> &'a str {
    texts.get(path).map_or("", String::as_str)
}

/// Returns the rest of the line that begins with `start`.
fn value<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

fn seconds(text: &str, start: &str) -> Option<u64> {
    let (_, rest) = text.split_once(start)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn below(path: &str, directory: &str) -> bool {
    Path::new(path).starts_with(directory)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each change of one file, with a part of the finding that it must cause.
    const CHANGES: &[(&str, &str, &str, &str)] = &[
        (CONFIGURATION, "public_url", "public_address", "no configuration key"),
        (CONFIGURATION, "connections-key/root.key", "connections/root.key", "are not in two"),
        (CONTAINER, "CONNECTIONS_DATA_DIR", "CONNECTIONS_DATA", "CONNECTIONS_DATA is no variable"),
        (CONTAINER, "0.0.0.0:8745", "0.0.0.0:8080", "CONNECTIONS_INBOUND__LISTEN=0.0.0.0:8745"),
        (CONTAINER, "8745/tcp", "80/tcp", "8745/tcp"),
        (CONTAINER, "127.0.0.1/8745", "127.0.0.1/80", "/dev/tcp/127.0.0.1/8745"),
        (CONTAINER, "/livez", "/healthz", "GET /livez"),
        (CONTAINER, "\"/var/lib/connections\": {},", "", "are not in two"),
        (CONTAINER, "[\"/usr/bin/connections", "[\"/usr/local/bin/connections", "Entrypoint"),
        (CONTAINER, "10001:10001", "10002:10001", "`:x:10002:10001:` is missing"),
        (CONTAINER_ROOT, "--owner=10001", "--owner=0", "--owner=10001 --group=10001"),
        (CONTAINER_ROOT, "$1/var/lib/connections-key", "$1/var/lib/key", "is not created"),
        (CREDENTIAL, "CONNECTIONS_KEY__FILE", "CONNECTIONS_KEY_FILE", "CONNECTIONS_KEY_FILE is no variable"),
        (CREDENTIAL, "%d/root.key", "%d/key", "LoadCredential=key:"),
        (GUIDE, "--stop-timeout 120", "--stop-timeout 105", "more than 105 seconds"),
        (GUIDE, "--publish 127.0.0.1:8745", "--publish 127.0.0.1:80", "--publish"),
        (GUIDE, "connections-key:/var/lib/connections-key", "connections-key:/key", "no volume for"),
        (GUIDE, "CONNECTIONS_INBOUND__PUBLIC_URL=", "CONNECTIONS_PUBLIC_URL=", "is no variable"),
        (GUIDE, "connections /usr/local/bin/", "connections /usr/bin/", "install -m 0755"),
        (MANIFEST, "connections-{ version }-{ target }{", "connections-{ target }{", "the archive"),
        (MANIFEST, "bin-dir = \"connections-{ version }", "bin-dir = \"{ version }", "the directory"),
        (MANIFEST, "pkg-fmt = \"zip\"", "pkg-fmt = \"tgz\"", "x86_64-pc-windows-msvc"),
        (MANIFEST, "pkg-fmt = \"tgz\"", "pkg-fmt = \"txz\"", "x86_64-unknown-linux-gnu"),
        (MANIFEST, "download/v{ version }", "download/{ version }", "the tag"),
        (MANIFEST, "overrides.x86_64-pc-windows-msvc", "overrides.x86_64-pc-windows-gnu", "x86_64-pc-windows"),
        (NETWORK, "- port: 8745", "- port: 80", "- port: 8745"),
        (ROUTES, "\"/livez\"", "\"/live\"", "path: /live` is not there 2 times"),
        (ROUTES, "\"/readyz\"", "\"/ready\"", "path: /ready` is not there 1 times"),
        (SERVE, "from_secs(60)", "from_secs(90)", "more than 135 seconds"),
        (
            SERVER,
            "LAST: Duration = Duration::from_secs(13)",
            "LAST: Duration = Duration::from_secs(58)",
            "more than 150",
        ),
        (SERVICE, " port: 8745", " port: 80", "`port: 8745` is not there"),
        (STATEFUL_SET, "containerPort: 8745", "containerPort: 80", "containerPort: 8745"),
        (STATEFUL_SET, "path: /livez", "path: /healthz", "path: /livez` is not there 2 times"),
        (STATEFUL_SET, "value: \"5\"", "value: \"30\"", "more than 105"),
        (STATEFUL_SET, "terminationGracePeriodSeconds: 130", "terminationGracePeriodSeconds: 110", "more than 105"),
        (
            STATEFUL_SET,
            "mountPath: /run/secrets",
            "mountPath: /secrets",
            "CONNECTIONS_DATABASE_URL_FILE is on no volume",
        ),
        (STATEFUL_SET, "name: CONNECTIONS_STATE_DIR", "name: CONNECTIONS_STATE", "CONNECTIONS_STATE is no variable"),
        (UNIT, "Type=notify", "Type=exec", "`Type=notify` is missing"),
        (UNIT, "TimeoutStopSec=120", "TimeoutStopSec=90", "more than 105 seconds"),
        (UNIT, "StateDirectory=connections connections-key", "StateDirectory=connections", "are not in two"),
        (UNIT, "CONNECTIONS_CONFIG=", "CONNECTIONS_CONFIGURATION=", "CONNECTIONS_CONFIGURATION is no variable"),
        (UNIT, "/etc/connections/config.toml", "/etc/connections.toml", "/etc/connections.toml"),
        (WORDS, "127.0.0.1:8745.", "127.0.0.1:8700.", "8700/tcp"),
        (WORDS, "`CONNECTIONS_STATE_DIR`", "`CONNECTIONS_STATE_DIRECTORY`", "CONNECTIONS_STATE_DIR is no variable"),
        (WORKFLOW, "x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu", "x86_64-pc-windows-msvc is no target"),
        (WORKFLOW, "\"v$VERSION\"", "\"$VERSION\"", "the tag"),
    ];

    #[test]
    fn each_change_of_one_file_alone_is_found() {
        let texts = texts(&Workspace::find().unwrap()).unwrap();
        assert_eq!(disagreements(&texts), [""; 0]);
        for (path, from, to, expected) in CHANGES {
            let mut changed = texts.clone();
            let text = changed.get_mut(*path).unwrap();
            assert!(text.contains(from), "{path}: {from}");
            *text = text.replace(from, to);
            let found = disagreements(&changed);
            assert!(found.iter().any(|finding| finding.contains(expected)), "{path}: {from}: {found:#?}");
        }
    }

    #[test]
    fn a_file_that_is_missing_is_found() {
        let mut texts = texts(&Workspace::find().unwrap()).unwrap();
        texts.remove(UNIT);
        assert_eq!(disagreements(&texts), [format!("{UNIT} is missing")]);
    }
}
