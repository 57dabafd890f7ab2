//! The refresh protocol holds against everything that the model allows, and each rejected design fails.
//!
//! If `CONNECTIONS_TEST_WRITE_MODEL` is set, the tables in `docs/design/refresh.md` are written instead of compared.

use std::{fs, path::Path, sync::LazyLock};

use connection_faults::model::{self, Case, Expected, Invariant, Outcome};

static PROTOCOL: LazyLock<Vec<Outcome>> = LazyLock::new(|| explored(model::protocol()));
static REJECTED: LazyLock<Vec<Outcome>> = LazyLock::new(|| explored(model::rejected()));
static COMPARED: LazyLock<Vec<Outcome>> = LazyLock::new(|| explored(model::compared()));

fn explored(cases: Vec<Case>) -> Vec<Outcome> {
    cases.iter().map(Case::explore).collect()
}

#[test]
fn the_protocol_holds_against_all_that_may_happen() {
    for outcome in PROTOCOL.iter().chain(COMPARED.iter()) {
        assert!(outcome.broken.is_empty(), "{}: {:#?}", outcome.case.name, outcome.broken);
        assert!(outcome.ends.live > 0, "{} never ends well", outcome.case.name);
    }
}

#[test]
fn each_rejected_design_fails() {
    for Outcome { case, broken, .. } in REJECTED.iter() {
        let Expected::Breaks(invariant) = case.expected else { panic!("{} is not rejected", case.name) };
        assert!(broken.contains_key(&invariant), "{}: {invariant:?} holds: {broken:#?}", case.name);
    }
}

#[test]
fn each_rejected_design_lacks_a_part_of_the_protocol() {
    for outcome in model::rejected().iter().map(|case| case.mended().explore()) {
        assert!(outcome.broken.is_empty(), "{}: {:#?}", outcome.case.name, outcome.broken);
    }
}

/// A provider whose refresh tokens stay valid refuses none of them, so no person has to authorize again.
#[test]
fn no_fault_makes_anybody_authorize_again_at_a_stable_provider() {
    let stable: Vec<_> = PROTOCOL.iter().filter(|outcome| outcome.case.is_stable()).collect();
    assert!(stable.len() > 1);
    for outcome in stable {
        assert_eq!(outcome.ends.failing, 0, "{}", outcome.case.name);
    }
}

/// A bound on replays breaks the invariant that forbids giving up too early, and no other.
#[test]
fn a_bound_on_replays_gives_up_what_the_provider_takes() {
    for name in ["no replay", "final after one replay"] {
        let bounded = REJECTED.iter().find(|outcome| outcome.case.name == name).unwrap();
        assert_eq!(bounded.broken.keys().copied().collect::<Vec<_>>(), [Invariant::NothingIsGivenUp], "{name}");
    }
}

#[test]
fn the_documented_tables_are_what_was_explored() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/design/refresh.md");
    let text = fs::read_to_string(&file).unwrap();
    let tables = [
        ("protocol", model::held(&PROTOCOL)),
        ("rejected", model::failed(&REJECTED)),
        ("compared", model::ended(&COMPARED)),
    ];
    let expected = tables.iter().fold(text.clone(), |text, (name, table)| filled(&text, name, table));
    if std::env::var_os("CONNECTIONS_TEST_WRITE_MODEL").is_some() {
        fs::write(&file, &expected).unwrap();
    } else {
        assert_eq!(text, expected, "set CONNECTIONS_TEST_WRITE_MODEL to write it anew");
    }
}

/// Returns the text with the table between its markers.
fn filled(text: &str, name: &str, table: &str) -> String {
    let start = format!("<!-- explored: {name} -->\n");
    let end = "<!-- end of what was explored -->";
    let (before, rest) = text.split_once(&start).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{start}\n{table}\n{end}{after}")
}
