//! Attacks on agents, grants, rules and doors, by number, each with a control: the same without the attacker's trick.
//!
//! `docs/spec/attacks.md` says what the attacker does and what happens. The attacker is an agent with its token, a program
//! with another token, somebody who can edit the database, or a hostile provider.

mod accounts;
mod answers;
mod clients;
mod identity;
mod keys;
mod kit;
mod load;
mod requests;
mod rows;
mod secrets;
mod streams;

/// The list of attacks: a row for each, which begins with its number and ends with the name of its test.
const DOCUMENT: &str = include_str!("../../../../../docs/spec/attacks.md");

/// The files with the tests.
const FILES: [&str; 10] = [
    include_str!("accounts.rs"),
    include_str!("answers.rs"),
    include_str!("clients.rs"),
    include_str!("identity.rs"),
    include_str!("keys.rs"),
    include_str!("load.rs"),
    include_str!("requests.rs"),
    include_str!("rows.rs"),
    include_str!("secrets.rs"),
    include_str!("streams.rs"),
];

/// Returns the number and the test of each row, and checks that the row says something.
fn documented() -> Vec<(usize, &'static str)> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix("` |"));
    let row = |row: &'static str| {
        let [number, attack, happens, test] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
        assert!(attack.ends_with('.') && happens.ends_with('.'), "{row}");
        (number.parse().unwrap(), test.trim_start_matches('`'))
    };
    rows.map(row).collect()
}

#[test]
fn the_attacks_are_numbered_without_a_gap_and_each_has_one_test() {
    let documented = documented();
    assert!(documented.len() >= 40);
    let mut numbers: Vec<_> = documented.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=documented.len()).collect::<Vec<_>>());
    let mut tests: Vec<&str> = documented.iter().map(|(_, test)| *test).collect();
    for (number, test) in documented {
        assert!(test.starts_with(&format!("attack_{number:02}_")), "{test}");
    }
    let is_test = |three: &[&'static str]| match three {
        ["#[tokio::test]", function, ..] => function.strip_prefix("async fn ")?.strip_suffix("() {"),
        _ => None,
    };
    let lines = FILES.iter().map(|file| file.lines().collect::<Vec<_>>());
    let mut found: Vec<&str> = lines.flat_map(|lines| lines.windows(2).filter_map(is_test).collect::<Vec<_>>()).collect();
    tests.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, tests);
}
