//! The page `docs/spec/words.md` agrees with the code: its tables are made from it, apart from what explains a name.
//!
//! `CONNECTIONS_TEST_RECORD=1 cargo test -p connection-host --test main words` writes them again.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{collections::BTreeSet, path::Path};

use connection_api as api;
use connection_contract::reason;
use connection_core::EVENT_NAMES;
use connection_host::words::{ERROR_CODES, Exit, KEYS, Key, SHAPES};

use crate::{
    json_shapes::{OF_API, members_of},
    program::is_recorded,
};

const PAGE: &str = include_str!("../../../../docs/spec/words.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The members that have a closed list of words of the API, with the name of the list and its words.
macro_rules! lists {
    ($($member:literal $name:ident)+) => {
        &[$(($member, stringify!($name), api::$name::WORDS)),+]
    };
}

const LISTS: &[(&str, &str, &[&str])] = lists! {
    "`liveness`" Liveness
    "`auth`" AuthType
    "`input`" Input
    "`capabilities`" Capability
    "`ways`, `way`" Way
    "`teardown`, `previous` of a removal" Teardown
    "`type`" FileType
    "`encoding`" Encoding
    "`state` of a setup" SetupStage
    "`state` of a probe" DirectoryState
    "`status`" RequirementStatus
    "`action`" RequiredAction
    "`signedBy`" SignedBy
    "`audience`" Audience
    "`role`" Role
    "`state` of a grant" GrantState
    "`before`, `after` of a difference of rules" RuleEffect
    "`decision`" RulesDecision
    "`state` of an approval" ApprovalState
    "`impact`" Impact
    "`kind` of a part of a difference" ChangeKind
    "`door`" UseDoor
    "`outcome` of a refresh" RefreshOutcome
    "`outcome` of a use" UseOutcome
};

/// The lists that no command prints, because they are in requests or in answers that only programs read.
const ONLY_OF_THE_API: [&str; 9] = [
    "Chain",
    "EventDeliveryState",
    "ListState",
    "NewAudience",
    "NewRole",
    "Order",
    "RemedyAction",
    "SendEncoding",
    "SetupType",
];

/// The rows of a table of the page, with the cells as they are written.
type Rows = Vec<Vec<String>>;

/// Replaces the rows of the one table of the page that has these columns.
#[track_caller]
fn rewrite(page: &mut String, columns: &str, rows: impl FnOnce(Rows) -> Rows) {
    let (before, rest) = page.split_once(&format!("| {columns} |\n")).expect("the page has the table");
    let (table, after) = rest.split_once("\n\n").expect("a line without a table follows");
    let (rule, table) = table.split_once('\n').expect("the table has rows");
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let rows = rows(table.lines().map(cells).collect());
    let lines: Vec<_> = rows.iter().map(|cells| format!("| {} |", cells.join(" | "))).collect();
    *page = format!("{before}| {columns} |\n{rule}\n{}\n\n{after}", lines.join("\n"));
}

/// Returns these rows with their last cells, which explain the names and are written by hand: each is that of the row of
/// the page with the same first cell.
fn explained(made: impl Iterator<Item = Vec<String>>) -> impl FnOnce(Rows) -> Rows {
    move |page| {
        let last = |first: &str| page.iter().find(|row| row[0] == first).and_then(|row| row.last());
        made.map(|mut row| {
            row.push(last(&row[0]).cloned().unwrap_or_default());
            row
        })
        .collect()
    }
}

/// Returns these names, in the order of those that were there. A new name is at the end.
fn in_order_of(there: &[String], names: Vec<String>) -> Vec<String> {
    let mut names = names;
    names.sort_by_key(|name| there.iter().position(|one| one == name).unwrap_or(usize::MAX));
    names
}

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

/// Returns the row of each shape. People choose the order of the shapes and of their members, and say what prints one.
fn shapes(page: Rows) -> Rows {
    let first_cells: Vec<_> = page.iter().map(|row| row[0].clone()).collect();
    let names = SHAPES.iter().map(|(name, _)| *name).chain(OF_API.iter().map(|(name, _)| *name));
    let row = |name: String| {
        let there = page.iter().find(|row| row[0] == name);
        let members: Vec<_> = there.map(|row| row[2].split(' ').map(str::to_owned).collect()).unwrap_or_default();
        let of_type: BTreeSet<_> = members_of(name.trim_matches('`')).unwrap().into_iter().map(code).collect();
        let printed_by = there.map(|row| row[1].clone()).unwrap_or_default();
        vec![name, printed_by, in_order_of(&members, of_type.into_iter().collect()).join(" ")]
    };
    in_order_of(&first_cells, names.map(code).collect()).into_iter().map(row).collect()
}

/// Returns the rows of the page, with the words of the API. What follows a semicolon is written by hand, as are the rows
/// of the command alone.
#[track_caller]
fn lists(page: Rows) -> Rows {
    let mut rows = page;
    for (member, _, words) in LISTS {
        let row = rows.iter_mut().find(|row| row[0] == *member);
        let row = row.unwrap_or_else(|| panic!("the page has no row for {member}"));
        let by_hand = row[1].find(';').map(|at| row[1].split_off(at)).unwrap_or_default();
        row[1] = words.iter().map(code).collect::<Vec<_>>().join(" ") + &by_hand;
    }
    rows
}

/// With `CONNECTIONS_TEST_RECORD=1`, the test writes the page.
#[test]
fn the_tables_of_the_page_are_made_from_the_code() {
    let mut made = PAGE.to_owned();
    let keys = |_| {
        let row = |key: &Key| {
            vec![code(key.name), code(key.variable()), key.value.expected().to_owned(), key.help.to_owned()]
        };
        KEYS.iter().map(row).collect()
    };
    rewrite(&mut made, "Key | Variable | Takes | What it says", keys);
    let exits = Exit::ALL.iter().map(|exit| vec![code(exit.number())]);
    rewrite(&mut made, "Code | When", explained(exits));
    let errors = ERROR_CODES.iter().map(|(name, exit)| vec![code(name), exit.number().to_string()]);
    rewrite(&mut made, "Code | Exit | When", explained(errors));
    rewrite(&mut made, "Code | Meaning", explained(reason::ALL.iter().map(|name| vec![code(name)])));
    rewrite(&mut made, "Name | Meaning", explained(EVENT_NAMES.iter().map(|name| vec![code(name)])));
    rewrite(&mut made, "Shape | Printed by | Members", shapes);
    rewrite(&mut made, "Member | Words", lists);
    if is_recorded() {
        std::fs::write(Path::new(ROOT).join("docs/spec/words.md"), &made).unwrap();
    }
    let unexplained: Vec<_> = made.lines().filter(|line| line.starts_with('|') && line.contains("|  |")).collect();
    assert!(unexplained.is_empty(), "nobody has written what these rows mean: {unexplained:#?}");
    let differs: Vec<_> = made.lines().zip(PAGE.lines()).filter(|(made, page)| made != page).take(3).collect();
    assert!(made == PAGE, "the code and docs/spec/words.md differ, first here: {differs:#?}");
}

/// Returns the names of the lists that a source of `connection-api` declares.
fn declared_lists(source: &str) -> Vec<String> {
    let declared = source.split_once("words! {").map_or("", |(_, after)| after.split("\n}\n").next().unwrap());
    let lines = declared.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    names.map(|name| name.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn each_list_of_words_is_on_the_page_or_is_printed_by_no_command() {
    let declared = sources(&Path::new(ROOT).join("crates/connection-api/src"));
    let declared: BTreeSet<_> = declared.iter().flat_map(|source| declared_lists(source)).collect();
    let known = LISTS.iter().map(|(_, name, _)| *name).chain(ONLY_OF_THE_API).map(str::to_owned);
    assert_eq!(declared, known.collect());
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
