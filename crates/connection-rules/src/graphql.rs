//! The operations of a GraphQL document.

use apollo_parser::{
    Parser,
    cst::{CstNode as _, Definition},
};

/// Maximum number of tokens of a document.
const MAX_TOKENS: usize = 20_000;
/// Maximum depth of selections and values.
const MAX_DEPTH: usize = 64;

/// A kind of GraphQL operation.
///
/// ```
/// use connection_rules::Operation;
///
/// assert_eq!(Operation::Mutation.as_str(), "mutation");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification of GraphQL has these three")]
pub enum Operation {
    /// An operation that changes something.
    Mutation,
    /// An operation that reads.
    Query,
    /// An operation that receives events until it is ended.
    Subscription,
}

impl Operation {
    pub(crate) const ALL: [Self; 3] = [Self::Query, Self::Mutation, Self::Subscription];

    /// Returns the word that stands for the operation in a document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Query => "query",
            Self::Subscription => "subscription",
        }
    }
}

/// Returns the kinds of all operations of a document, whichever of them would be executed.
///
/// A document with an error, without an operation, or with a definition of a type is `None`.
pub(crate) fn operations(document: &str) -> Option<Vec<Operation>> {
    let tree = Parser::new(document).recursion_limit(MAX_DEPTH).token_limit(MAX_TOKENS).parse();
    if tree.errors().len() > 0 {
        return None;
    }
    let mut operations = Vec::new();
    for definition in tree.document().definitions() {
        match definition {
            Definition::OperationDefinition(operation) => {
                let kind = match operation.operation_type() {
                    // A selection without a word before it is a query.
                    None => Operation::Query,
                    Some(word) => *Operation::ALL.iter().find(|kind| word.syntax().text() == kind.as_str())?,
                };
                operations.push(kind);
            }
            Definition::FragmentDefinition(_) => {}
            _ => return None,
        }
    }
    operations.sort_unstable();
    operations.dedup();
    (!operations.is_empty()).then_some(operations)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    /// Reads the words with which definitions begin, without the parser.
    fn words(document: &str) -> Vec<Operation> {
        let mut found = Vec::new();
        let (mut rest, mut depth, mut is_start) = (document, 0_i32, true);
        while let Some(c) = rest.chars().next() {
            let mut length = c.len_utf8();
            match c {
                '#' => length = rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '"' => length = text_length(rest),
                '{' | '(' | '[' => {
                    if c == '{' && depth == 0 && is_start {
                        found.push(Operation::Query);
                    }
                    is_start = false;
                    depth += 1;
                }
                '}' | ')' | ']' => {
                    depth -= 1;
                    is_start = c == '}' && depth == 0;
                }
                c if c.is_ascii_alphabetic() || c == '_' => {
                    length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                    if is_start {
                        found.extend(Operation::ALL.iter().filter(|kind| kind.as_str() == &rest[..length]));
                    }
                    is_start = false;
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the length of the text that begins a document.
    fn text_length(document: &str) -> usize {
        let is_block = document.starts_with("\"\"\"");
        let (end, escape) = if is_block { ("\"\"\"", "\\\"\"\"") } else { ("\"", "\\") };
        let mut length = end.len();
        loop {
            let rest = &document[length..];
            if rest.starts_with(escape) {
                length += escape.len() + if is_block { 0 } else { rest.chars().nth(1).map_or(0, char::len_utf8) };
            } else if rest.starts_with(end) || rest.is_empty() {
                return length + end.len().min(rest.len());
            } else {
                length += rest.chars().next().map_or(0, char::len_utf8);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn the_parser_finds_the_operations_that_a_plain_scan_finds(parts in vec(select(vec![
            "{", "}", "{a}", "{ a }", "query", "mutation", "subscription", "fragment F on T", "Q", "M", "a", "(a:", ")",
            "(a: 1)", "(a: {b: 1})", "($a: [B!] = [1])", "@d", "...", "...F", "...on T{a}", "\"", "\"\"", "\"\"\"", "\\",
            "\\\"\"\"", "(a: \"x\")", "(a: \"\"\"y\"\"\")", "#", "\n", "\r", " ", ",", "\u{feff}", ":", "{a mutation{b}}",
            "query{a}", "mutation{b}", "subscription S{c}", "#{a}\r", "#\"\n", "{a(b:\"\\\"\")}", "{a(b:\"\"\"\\\"\"\"}\"\"\")}",
        ]), 0..8)) {
            let document = parts.concat();
            if let Some(operations) = operations(&document) {
                prop_assert_eq!(operations, words(&document), "{}", document);
            }
        }
    }

    #[test]
    fn every_operation_of_a_document_counts() {
        use Operation::{Mutation, Query, Subscription};
        let cases: [(&str, Option<&[Operation]>); 16] = [
            ("{ viewer { id } }", Some(&[Query])),
            ("query A { a } mutation B { b }", Some(&[Mutation, Query])),
            ("subscription { s }", Some(&[Subscription])),
            ("#{ a }\rmutation { b }", Some(&[Mutation])),
            ("{ a(text: \"\"\"mutation { b }\"\"\") }", Some(&[Query])),
            ("{ a(text: \"\"\" \\\"\"\" } mutation { b } #\"\"\") }", Some(&[Query])),
            ("{ a(text: \"\\\"\") } mutation M { b }", Some(&[Mutation, Query])),
            ("{ ...F } fragment F on Query { mutation }", Some(&[Query])),
            ("fragment F on Mutation { a }", None),
            ("", None),
            ("mutations { b }", None),
            ("{ a } type T { b: Int }", None),
            ("{ a", None),
            ("{ a } }", None),
            ("\u{feff}mutation { b }", Some(&[Mutation])),
            ("query { a } \u{2028} mutation { b }", None),
        ];
        for (document, expected) in cases {
            assert_eq!(operations(document).as_deref(), expected, "{document}");
        }
    }

    #[test]
    fn a_document_that_is_too_deep_or_too_long_is_not_read() {
        let deep = format!("{}a{}", "{ a ".repeat(10_000), "}".repeat(10_000));
        assert_eq!(operations(&deep), None);
        let long = format!("{{ {} }}", "a ".repeat(MAX_TOKENS));
        assert_eq!(operations(&long), None);
    }
}
