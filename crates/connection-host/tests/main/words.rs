//! The page `docs/spec/words.md` agrees with the code.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use connection_api as api;
use connection_contract::reason;
use connection_core::EVENT_NAMES;
use connection_host::words::{ERROR_CODES, Exit, KEYS, SHAPES};

use crate::json_shapes::{OF_API, members_of};

const PAGE: &str = include_str!("../../../../docs/spec/words.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The members of shapes of the API that have closed lists of words.
const WORDS: &[(&str, &[&str])] = &[
    ("`liveness`", api::Liveness::WORDS),
    ("`auth`", api::AuthType::WORDS),
    ("`input`", api::Input::WORDS),
    ("`capabilities`", api::Capability::WORDS),
    ("`ways`, `way`", api::Way::WORDS),
    ("`teardown`, `previous` of a removal", api::Teardown::WORDS),
    ("`type`", api::FileType::WORDS),
    ("`encoding`", api::Encoding::WORDS),
    ("`state` of a setup", api::SetupStage::WORDS),
    ("`state` of a probe", api::DirectoryState::WORDS),
    ("`status`", api::RequirementStatus::WORDS),
    ("`action`", api::RequiredAction::WORDS),
    ("`signedBy`", api::SignedBy::WORDS),
    ("`audience`", api::Audience::WORDS),
    ("`state` of a grant", api::GrantState::WORDS),
];

/// Returns the rows of the tables below a heading. The backticks around each cell are removed.
#[track_caller]
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).expect("the page has the heading");
    let cells = |line: &str| {
        let line = line.trim_matches('|');
        line.split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
    };
    section.lines().filter(|line| line.starts_with("| `")).map(cells).collect()
}

#[track_caller]
fn names(heading: &str) -> Vec<String> {
    rows(heading).into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn the_keys_are_those_of_the_page() {
    let code: Vec<_> = KEYS
        .iter()
        .map(|key| vec![key.name.to_owned(), key.variable(), key.value.expected().to_owned(), key.help.to_owned()])
        .collect();
    assert_eq!(rows("Configuration keys"), code);
}

#[test]
fn the_exit_codes_are_those_of_the_page() {
    let code: Vec<_> = Exit::ALL.iter().map(|exit| exit.number().to_string()).collect();
    assert_eq!(names("Exit codes"), code);
}

#[test]
fn the_error_codes_are_those_of_the_page() {
    let code: Vec<_> = ERROR_CODES.iter().map(|(code, exit)| (code.to_string(), exit.number().to_string())).collect();
    let page: Vec<_> = rows("Error codes").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(page, code);
}

#[test]
fn the_reason_codes_are_those_of_the_page() {
    assert_eq!(names("Reason codes"), reason::ALL);
}

#[test]
fn the_event_names_are_those_of_the_page() {
    assert_eq!(names("Event names"), EVENT_NAMES);
}

#[test]
fn the_shapes_are_those_of_the_page() {
    let page: BTreeMap<_, _> = rows("JSON shapes")
        .into_iter()
        .filter(|row| row.len() == 3)
        .map(|row| (row[0].clone(), row[2].split("` `").map(str::to_owned).collect::<BTreeSet<_>>()))
        .collect();
    let members = |name: &'static str| members_of(name).unwrap().into_iter().collect();
    let names = SHAPES.iter().map(|(name, _)| *name).chain(OF_API.iter().map(|(name, _)| *name));
    let code: BTreeMap<_, BTreeSet<_>> = names.map(|name| (name.to_owned(), members(name))).collect();
    assert_eq!(page, code);
}

#[test]
fn the_closed_lists_of_words_are_those_of_the_api() {
    let section = PAGE.split("These members have closed lists of words:").nth(1).unwrap();
    for (member, words) in WORDS {
        let row = section.lines().find_map(|line| line.strip_prefix(&format!("| {member} | ")));
        let row = row.unwrap_or_else(|| panic!("the page has no row for {member}"));
        let listed: Vec<_> = row.split([';', '|']).next().unwrap().split('`').skip(1).step_by(2).collect();
        assert_eq!(listed, *words, "{member}");
    }
}

/// Every code with which our sources make an error is on the list, and no other.
#[test]
fn no_error_code_is_left_out_and_none_is_made_up() {
    let mut used = BTreeSet::new();
    let packages = ["host", "agent", "core", "egress", "replay", "seal", "contract"];
    for package in packages.map(|package| format!("connection-{package}")) {
        for text in sources(&Path::new(ROOT).join("crates").join(package).join("src")) {
            used.extend(codes_in(&text));
        }
    }
    let listed: BTreeSet<_> = ERROR_CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    let reasons: BTreeSet<_> = reason::ALL.iter().map(|code| (*code).to_owned()).collect();
    let missing: Vec<_> = used
        .difference(&listed)
        .filter(|code| !reasons.contains(*code))
        .filter(|code| !INBOUND.contains(&code.as_str()))
        .collect();
    assert!(missing.is_empty(), "not on the list: {missing:?}");
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(unused.is_empty(), "on the list and nowhere in the code: {unused:?}");
}

/// Codes of callbacks and webhooks, which are logged and printed by no command.
const INBOUND: [&str; 11] = [
    "callback_gone",
    "callback_not_now",
    "callback_other_browser",
    "callback_other_kind",
    "callback_repeated",
    "callback_unknown",
    "webhook_busy",
    "webhook_inbox_full",
    "webhook_not_authentic",
    "webhook_too_large",
    "webhook_unknown",
];

fn sources(directory: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            texts.extend(sources(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "words.rs" {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// Returns the literals in `Error::new(…, "code"` and `SetupFailure::new("code"`, and those in bodies of
/// `fn code(&self) -> &'static str` and in tables of `codes_and_remedies!`.
fn codes_in(text: &str) -> Vec<String> {
    // An attribute names a feature and no code.
    let text = text.lines().filter(|line| !line.trim_start().starts_with("#[")).collect::<Vec<_>>().join("\n");
    let mut codes = Vec::new();
    for (call, reach) in [("Error::new(", 80), ("Self::new(", 80), ("SetupFailure::new(", 40)] {
        for (at, _) in text.match_indices(call) {
            let rest: String = text[at + call.len()..].chars().take(reach).collect();
            // A code that is not a literal here is made elsewhere.
            if call.starts_with("Setup") && !rest.trim_start().starts_with('"') {
                continue;
            }
            codes.extend(rest.split('"').nth(1).map(str::to_owned));
        }
    }
    for (start, end) in [("fn code(&self) -> &'static str {", "\n    }\n"), ("codes_and_remedies! {", "\n}\n")] {
        for (at, _) in text.match_indices(start) {
            let body = text[at..].split(end).next().unwrap_or_default();
            codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let is_code =
        |code: &String| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    codes.into_iter().filter(is_code).collect()
}
