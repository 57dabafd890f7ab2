//! The parts of the suite: the tests that continuous integration runs for each change, and the others, which run at night.

/// The tests of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The tests that continuous integration runs.
    Ci,
    /// All tests but those of [`Part::Ci`].
    Night,
    /// Every test.
    All,
}

/// Tests that are too slow to run for each change.
pub(super) struct Slow {
    /// The tests, as a filter of nextest.
    pub(super) tests: &'static str,
    /// The tests that guard the same thing for each change.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is for the reader, and a test looks for these tests"))]
    pub(super) guards: &'static [&'static str],
}

/// The tests that run at night alone.
pub(super) const SLOW: &[Slow] = &[
    // Programs of others, which take seconds to start and write what they were given to their own places.
    Slow { tests: "package(connection-host) and test(/^genuine::/)", guards: &["tool_keys", "agent_clients"] },
    // Each of more than a hundred kinds answers to several hundred scripts.
    Slow {
        tests: "test(every_sentence_of_the_contract_holds_for_the_whole_catalogue)",
        guards: &["every_sentence_of_the_contract_holds_for_each_mechanism", "kind_bad_input"],
    },
    // Each stop derives a key from a passphrase several times, which is made to be slow.
    Slow {
        tests: "package(connection-core) and test(/^key_sorts::a_database_moves_to/)",
        guards: &["key_change", "a_wrong_passphrase_is_told_while_a_change_is_not_ended"],
    },
];

/// The tests that have a long form, as a filter of nextest: those of the modules that call `rounds`.
pub(super) const LONG: &str = "\
    (package(connection-rules) and test(/^(learned|differences|generated|properties)::/)) \
    or (package(connection-core) \
        and test(/^(refresh_outages|outage_recovery|filters|key_rotate|key_damage|import|many_processes\
            |upgrade_processes)::/)) \
    or (package(connection-faults) and test(/^killed::/)) \
    or (package(connection-host) and test(/^(page::many_rows|kill|approval_kills|couriers|stop_drill)::/))";

/// The drill of an upgrade without a stop, as a filter of nextest.
pub(super) const UPGRADES: &str = "package(connection-core) and test(/^upgrade_processes::/)";

impl Part {
    /// Returns the tests of this part, as a filter of nextest: `all` are the candidates, and `ci` are those of them that
    /// continuous integration runs.
    pub(super) fn of(self, all: &str, ci: &str) -> String {
        match self {
            Self::Ci => format!("({all}) and ({ci})"),
            Self::Night => format!("({all}) and not ({ci})"),
            Self::All => all.to_owned(),
        }
    }
}

/// Returns a filter for the tests that are quick enough for each change.
pub(super) fn quick_enough() -> String {
    let slow: Vec<&str> = SLOW.iter().map(|slow| slow.tests).collect();
    format!("not ({})", slow.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn a_part_and_the_rest_are_all() {
        assert_eq!(Part::Ci.of("a or b", "c"), "(a or b) and (c)");
        assert_eq!(Part::Night.of("a or b", "c"), "(a or b) and not (c)");
        assert_eq!(Part::All.of("a or b", "c"), "a or b");
    }

    #[test]
    fn the_modules_with_a_long_form_are_those_that_call_rounds() {
        let files = Workspace::find().unwrap().texts(|path| path.contains("/tests/main/") && path.ends_with(".rs"));
        let mut found = 0;
        for (path, text) in files.unwrap() {
            let is_call = |at: usize| !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            if path.starts_with("xtask/") || !text.match_indices("rounds(").any(|(at, _)| is_call(at)) {
                continue;
            }
            found += 1;
            let (package, module) = path.strip_prefix("crates/").unwrap().split_once("/tests/main/").unwrap();
            let module = module.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
            let of_package = LONG.split(" or (").find(|part| part.contains(&format!("package({package})")));
            let named = of_package.is_some_and(|part| {
                part.split(['(', ')', '|', '^', ':', '/'])
                    .any(|word| word == module || module.ends_with(&format!("::{word}")))
            });
            assert!(named, "{path} has a long form, and LONG does not name it");
        }
        assert!(found > 10, "{found} files");
    }

    #[test]
    fn each_slow_test_exists_and_is_guarded_by_tests_that_are_not_slow() {
        let files = Workspace::find().unwrap().texts(|path| path.contains("/tests/") || path.contains("/src/"));
        let files = files.unwrap();
        let exists = |name: &str| files.iter().any(|(path, text)| is_declared(path, text, name));
        let begins = |name: &str| files.iter().any(|(_, text)| text.contains(&format!("fn {name}")));
        for slow in SLOW {
            let filter = slow.tests.rsplit("test(").next().unwrap_or_default();
            for name in filter.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty()) {
                assert!(exists(name) || begins(name), "no test or module has the name {name} of {}", slow.tests);
            }
            assert!(!slow.guards.is_empty(), "{} is guarded by nothing for each change", slow.tests);
            for guard in slow.guards {
                assert!(exists(guard), "no test or module {guard} guards {}", slow.tests);
                assert!(!slow.tests.contains(guard), "{guard} is slow itself");
            }
        }
    }

    /// Returns `true` if a file is the module, or declares the function or step, with a name.
    fn is_declared(path: &str, text: &str, name: &str) -> bool {
        text.contains(&format!("fn {name}("))
            || path.ends_with(&format!("/{name}.rs"))
            || path.ends_with(&format!("/{name}/mod.rs"))
    }
}
