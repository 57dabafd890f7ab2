//! The presets `read` and `ask`, compared with every operation that a provider's public description lists.
//!
//! `tests/operations/README.md` says where the lists come from and how they are refreshed.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fmt;

use connection_rules::{Effect, Preset, Profile, RequestParts, Rules};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::presets::descriptor;

/// A provider: the list of its operations, and what was reviewed about them.
struct Provider {
    name: &'static str,
    operations: Vec<Operation>,
    reviewed: Reviewed,
}

/// A method of HTTP and the template of a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
struct Operation {
    method: String,
    path: String,
    /// The path with `{}` in place of each parameter.
    form: String,
}

/// The exceptions from the rule that a `GET` reads and that every other method changes something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    /// The kinds that reach the operations.
    kinds: Vec<String>,
    /// `true` if a `GET` counts as a change unless it is listed as reading.
    #[serde(default)]
    gets_change: bool,
    /// Operations that read, and that the preset `read` allows.
    #[serde(default)]
    reads: Vec<Exception>,
    /// `GET`s that change something, also such that the list of operations does not have.
    #[serde(default)]
    changes: Vec<Exception>,
    /// `GET`s that read, and that the preset `read` denies all the same.
    #[serde(default)]
    omitted: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    operations: Vec<Operation>,
    reason: String,
    source: String,
}

/// What the preset `read` has to decide about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It reads, so it is allowed.
    Allowed,
    /// It changes something.
    Change,
    /// It reads, and is left out on purpose.
    Omitted,
}

/// Returns the providers, with their files.
fn providers() -> Vec<Provider> {
    macro_rules! providers {
        ($($name:literal),*) => {
            [$(($name, include_str!(concat!("../operations/", $name, ".txt")),
                include_str!(concat!("../operations/", $name, ".toml")))),*]
        };
    }
    let files = providers!(
        "asana",
        "github",
        "gitlab",
        "google-calendar",
        "google-drive",
        "google-gmail",
        "hubspot",
        "microsoft-graph",
        "notion",
        "openai",
        "slack",
        "stripe",
        "twilio"
    );
    files.into_iter().map(|(name, list, reviewed)| Provider::read(name, list, reviewed)).collect()
}

/// Returns `true` if a request is one of the operations that a provider's description lists.
pub(crate) fn is_operation(provider: &str, method: &str, path: &str) -> bool {
    let provider = providers().into_iter().find(|listed| listed.name == provider).expect("it has a list");
    let fits = |form: &str| {
        let (form, path): (Vec<&str>, Vec<&str>) = (form.split('/').collect(), path.split('/').collect());
        let fits = |(form, part): (&&str, &&str)| match form.split_once("{}") {
            Some((start, end)) => {
                part.len() > start.len() + end.len() && part.starts_with(start) && part.ends_with(end)
            }
            None => form == part,
        };
        form.len() == path.len() && form.iter().zip(&path).all(fits)
    };
    provider.operations.iter().any(|operation| operation.method == method && fits(&operation.form))
}

impl Provider {
    fn read(name: &'static str, list: &str, reviewed: &str) -> Self {
        let (head, lines): (Vec<&str>, Vec<&str>) = list.lines().partition(|line| line.starts_with('#'));
        assert!(head[0].starts_with("# Source: ") && head[1].starts_with("# Part: "), "{name} names no source");
        let operations = lines.into_iter().map(|line| Operation::from(line.to_owned())).collect();
        let reviewed: Reviewed = toml::from_str(reviewed).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
        Self { name, operations, reviewed }
    }

    /// Returns every operation with what is expected of it, and the changes that the list does not have.
    fn expected(&self) -> Vec<(&Operation, Expected)> {
        let others = all(&self.reviewed.changes).filter(|other| !self.has(other));
        self.operations.iter().chain(others).map(|operation| (operation, self.expected_of(operation))).collect()
    }

    fn has(&self, other: &Operation) -> bool {
        self.operations.iter().any(|operation| operation.is_in(other))
    }

    fn expected_of(&self, operation: &Operation) -> Expected {
        let is_in = |exceptions: &[Exception]| all(exceptions).any(|exception| operation.is_in(exception));
        if is_in(&self.reviewed.changes) {
            Expected::Change
        } else if is_in(&self.reviewed.omitted) {
            Expected::Omitted
        } else if is_in(&self.reviewed.reads) || (operation.is_get() && !self.reviewed.gets_change) {
            Expected::Allowed
        } else {
            Expected::Change
        }
    }
}

/// Returns the operations of all exceptions.
fn all(exceptions: &[Exception]) -> impl Iterator<Item = &Operation> {
    exceptions.iter().flat_map(|exception| &exception.operations)
}

impl From<String> for Operation {
    fn from(line: String) -> Self {
        let (method, path) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: no method and path"));
        assert!(path.starts_with('/'), "{line}: the path has no / at its beginning");
        Self { method: method.to_owned(), path: path.to_owned(), form: nameless(path) }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Operation {
    fn is_get(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Returns the bodies with which the operation is tried.
    fn bodies(&self) -> &'static [Body] {
        if self.is_get() { &BODIES[..1] } else { BODIES }
    }

    /// Returns `true` if an exception is about this operation. The names of parameters do not matter, and `**` at the
    /// end of the exception stands for the rest.
    fn is_in(&self, exception: &Self) -> bool {
        let is_rest = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.method == exception.method
            && match exception.form.strip_suffix("/**") {
                Some(beginning) => self.form.strip_prefix(beginning).is_some_and(is_rest),
                None => self.form == exception.form,
            }
    }

    /// Returns the path with one value in place of each parameter.
    fn with(&self, value: &str) -> String {
        self.form.replace("{}", value)
    }

    /// Returns paths of a `GET` that some servers take for the same one.
    fn disguised(&self) -> Vec<String> {
        let path = self.with("7");
        let forms = [path.to_uppercase(), format!("{path}/"), format!("{path}.json"), format!("{path};a=b")];
        if self.is_get() { forms.to_vec() } else { Vec::new() }
    }

    /// Returns the path of this operation that lies nearest to a pattern: a literal of the pattern stands where this
    /// operation has a parameter.
    fn near(&self, pattern: &str) -> Option<String> {
        let (own, other): (Vec<&str>, Vec<&str>) = (self.form.split('/').collect(), pattern.split('/').collect());
        let has_form = own.len() == other.len() || (other.last() == Some(&"**") && own.len() + 1 >= other.len());
        let segment = |(index, own): (usize, &&str)| match other.get(index) {
            Some(literal) if *own == "{}" && !literal.starts_with(['{', '*']) => (*literal).to_owned(),
            _ => own.replace("{}", "7"),
        };
        has_form.then(|| own.iter().enumerate().map(segment).collect::<Vec<_>>().join("/"))
    }
}

/// Returns a path whose parameters have no names.
fn nameless(path: &str) -> String {
    let mut parts = path.split('{');
    let mut nameless = parts.next().unwrap().to_owned();
    for part in parts {
        let (_, rest) = part.split_once('}').unwrap_or_else(|| panic!("{path}: a brace is open"));
        nameless.push_str("{}");
        nameless.push_str(rest);
    }
    nameless
}

/// A body that a request may have: its media type and its bytes.
type Body = Option<(&'static str, &'static [u8])>;

/// Bodies with which a request that changes something might look like one that reads.
const BODIES: &[Body] = &[
    None,
    Some(("application/json", b"{}")),
    Some(("application/json", br#"{"query":"{ viewer { login } }"}"#)),
    Some(("application/x-www-form-urlencoded", b"name=value")),
];

/// Decides about a request as a door does: the head is read, then the body if the rules want it. Returns the reason if
/// the request is refused.
fn decide(rules: &Rules, profile: &Profile, method: &str, path: &str, body: Body) -> Result<Effect, String> {
    let mut parts = RequestParts::new(method, path);
    if let Some((media, bytes)) = body {
        parts = parts.header("content-type", media).body_length(Some(bytes.len() as u64));
    }
    let body = body.map(|(_, bytes)| bytes).unwrap_or_default();
    let request = rules.read_request(parts, body, profile).map_err(|refused| refused.to_string())?;
    Ok(rules.decide(&request).effect())
}

/// The profile of a kind, with values that a parameter of a path may have.
struct Reader {
    profile: Profile,
    values: Vec<&'static str>,
}

impl Reader {
    fn of_kind(kind: &str) -> Self {
        let profile = Profile::of_kind(&descriptor(kind), []);
        let mut values = vec!["7", "a-name.of_1"];
        if profile.is_encoded_slash_data {
            values.push("group%2Fproject");
        }
        Self { profile, values }
    }
}

/// Returns what is wrong with the rules `read` of a kind of this provider.
fn wrong_with_read(provider: &Provider, reader: &Reader, rules: &Rules) -> Vec<String> {
    let permitting = rules.rules().iter().filter(|rule| rule.effect() != Effect::Deny);
    let patterns: Vec<String> = permitting.filter_map(|rule| rule.path().map(ToString::to_string)).collect();
    let mut findings = Vec::new();
    for (operation, expected) in provider.expected() {
        let methods = if operation.method == "GET" { vec!["GET", "HEAD"] } else { vec![operation.method.as_str()] };
        for method in methods {
            let place = format!("{method} {}", operation.path);
            let decided = |path: &str, body| decide(rules, &reader.profile, method, path, body);
            let passes = |path: &str, body| matches!(decided(path, body), Ok(Effect::Allow | Effect::Ask));
            let mut paths: Vec<String> = reader.values.iter().map(|value| operation.with(value)).collect();
            if expected == Expected::Allowed {
                let denied = paths.iter().map(|path| decided(path, None)).find(|found| *found != Ok(Effect::Allow));
                findings.extend(denied.map(|found| format!("{place} reads, and is not allowed: {found:?}")));
                continue;
            }
            paths.extend(patterns.iter().filter_map(|pattern| operation.near(pattern)));
            paths.extend(operation.disguised());
            if let Some(path) = paths.iter().find(|path| operation.bodies().iter().any(|body| passes(path, *body))) {
                let what = if expected == Expected::Change { "changes something" } else { "is left out" };
                findings.push(format!("{place} {what}, and is let through as {path}"));
            }
        }
    }
    findings
}

/// Returns what is wrong with the rules `ask` of a kind of this provider: they ask about each `GET` and deny the rest.
fn wrong_with_ask(provider: &Provider, reader: &Reader, rules: &Rules) -> Vec<String> {
    let mut findings = Vec::new();
    for (operation, _) in provider.expected() {
        let expected = if operation.is_get() { Effect::Ask } else { Effect::Deny };
        for body in operation.bodies() {
            let found = decide(rules, &reader.profile, &operation.method, &operation.with("7"), *body);
            if found != Ok(expected) {
                findings.push(format!("{operation}: {found:?}, not {expected}"));
            }
        }
    }
    findings
}

fn preset(kind: &str, name: &str) -> Rules {
    let presets = Preset::of_kind(&descriptor(kind)).unwrap();
    presets.into_iter().find(|preset| preset.name() == name).unwrap().into_rules()
}

fn provider(name: &str) -> Provider {
    providers().into_iter().find(|provider| provider.name == name).unwrap()
}

#[test]
fn read_allows_every_operation_that_reads_and_none_that_changes_something() {
    let mut operations = 0;
    let mut findings = Vec::new();
    for provider in providers() {
        operations += provider.operations.len();
        for kind in &provider.reviewed.kinds {
            let found = wrong_with_read(&provider, &Reader::of_kind(kind), &preset(kind, "read"));
            findings.extend(found.into_iter().map(|finding| format!("{kind}: {finding}")));
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    assert!(operations >= 4_000, "{operations} operations");
}

#[test]
fn ask_asks_about_every_get_and_denies_every_other_operation() {
    for provider in providers() {
        for kind in &provider.reviewed.kinds {
            let found = wrong_with_ask(&provider, &Reader::of_kind(kind), &preset(kind, "ask"));
            assert!(found.is_empty(), "{kind}:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn each_exception_is_about_an_operation_and_has_a_reason_and_a_source() {
    for provider in providers() {
        let Reviewed { reads, changes, omitted, .. } = &provider.reviewed;
        for exception in reads.iter().chain(changes).chain(omitted) {
            let place = format!("{}: {}", provider.name, exception.operations[0]);
            assert!(exception.reason.ends_with('.') && exception.source.starts_with("https://"), "{place}");
        }
        let others: Vec<String> =
            all(reads).chain(all(omitted)).filter(|other| !provider.has(other)).map(ToString::to_string).collect();
        assert!(others.is_empty(), "{} has no operation {others:?}", provider.name);
        assert!(all(changes).chain(all(omitted)).all(Operation::is_get), "{}: an exception is no GET", provider.name);
    }
}

/// The control of a comparison: an altered preset of this kind is found, with these words.
#[track_caller]
fn found(name: &str, kind: &str, alter: impl Fn(&mut Vec<Value>), expected: &str) {
    let text: Value = {
        let descriptor = descriptor(kind);
        let read = descriptor.rules.iter().find(|preset| &*preset.name == "read").unwrap();
        serde_json::from_str(&read.rules).unwrap()
    };
    let mut list = text["rule"].as_array().unwrap().clone();
    alter(&mut list);
    let rules = Rules::from_value(&json!({ "rule": list })).unwrap();
    let findings = wrong_with_read(&provider(name), &Reader::of_kind(kind), &rules);
    assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}:\n{}", findings.join("\n"));
}

/// Returns a rule that allows this method, for every path or for one.
fn allow(method: &str, path: Option<&str>) -> Value {
    match path {
        Some(path) => json!({ "name": "altered", "methods": [method], "path": path, "effect": "allow" }),
        None => json!({ "name": "altered", "methods": [method], "effect": "allow" }),
    }
}

#[test]
fn an_altered_preset_is_found() {
    let without = |field: &'static str, value: &'static str| {
        move |rules: &mut Vec<Value>| rules.retain(|rule| rule[field] != value)
    };
    let with = |method: &'static str, path: Option<&'static str>| {
        move |rules: &mut Vec<Value>| rules.insert(0, allow(method, path))
    };
    let issues = "/repos/{owner}/{repo}/issues";
    found("github", "github", with("POST", Some(issues)), "POST /repos/{owner}/{repo}/issues changes something");
    found("github", "github-oauth", with("DELETE", None), "DELETE /repos/{owner}/{repo} changes something");
    found("github", "github", without("effect", "deny"), "GET /orgs/{org}/secret-scanning/alerts is left out");
    found("github", "github", without("name", "reads"), "GET /user reads, and is not allowed");
    found("slack", "slack", with("GET", None), "GET /chat.postMessage changes something");
    found("gitlab", "gitlab", without("effect", "deny"), "merge_ref changes something");
    found("twilio", "twilio", with("HEAD", None), "HEAD /2010-04-01/Accounts/{sid}.json is left out");
    found("google-drive", "google-drive", with("POST", Some("/batch/{api}/{version}")), "POST /batch/drive/v3 changes");
    // A literal of the rule stands where the operation has a parameter.
    found("notion", "notion", with("POST", Some("/v1/pages/search/move")), "is let through as /v1/pages/search/move");
}

#[test]
fn an_altered_ask_is_found() {
    let rules = json!({ "rule": [{ "name": "reads", "methods": ["GET", "PUT"], "effect": "ask" }] });
    let found = wrong_with_ask(&provider("github"), &Reader::of_kind("github"), &Rules::from_value(&rules).unwrap());
    assert!(found.iter().any(|finding| finding.starts_with("PUT /")), "{found:?}");
}

#[test]
fn a_list_that_is_refreshed_keeps_its_order() {
    for Provider { name, operations, .. } in providers() {
        let key = |operation: &Operation| format!("{} {}", operation.path, operation.method);
        assert!(operations.is_sorted_by(|one, other| key(one) < key(other)), "{name} is not sorted, or has one twice");
    }
}
