//! Properties of reading, writing and narrowing, with random rules and requests.

use connection_rules::{Diff, Effect, PathPattern, Profile, RequestHead, RequestParts, Rules};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use crate::generated::{any_request, any_rules, list_with_allowing_rule, profile, rounds, rule_list, rule_set};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(rounds(256, 10_000)) })]

    #[test]
    fn rules_that_are_written_and_read_again_are_the_same(rules in any_rules()) {
        let written = rules.to_value();
        let again = Rules::from_value(&written).unwrap();
        prop_assert_eq!(&again, &rules);
        prop_assert_eq!(again.to_value(), written);
    }

    #[test]
    fn a_path_that_is_read_and_encoded_again_is_the_same(target in "/([a-zA-Z0-9.;%/~ñ_-]|%[0-9a-fA-F]{2}){0,24}") {
        let read = |target: &str| RequestHead::read(RequestParts::new("GET", target), &profile());
        let Ok(head) = read(&target) else { return Ok(()) };
        prop_assert_eq!(head.target(), &target);
        let mut encoded: String = head
            .segments()
            .map(|segment| format!("/{}", segment.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()))
            .collect();
        if target.ends_with('/') {
            encoded.push('/');
        }
        let again = read(&encoded).unwrap();
        prop_assert_eq!(again.segments().collect::<Vec<_>>(), head.segments().collect::<Vec<_>>());
        // Nothing that was read leads to another place after it is decoded once more.
        prop_assert!(head.segments().all(|segment| segment != "." && segment != ".."));
    }

    #[test]
    fn strict_reading_refuses_more(target in "/([ab./%]|%2[fFeE]|//){0,12}") {
        let strict = RequestHead::read(RequestParts::new("GET", &target), &Profile::strict());
        let lenient = RequestHead::read(RequestParts::new("GET", &target), &profile());
        prop_assert!(strict.is_err() || lenient.is_ok());
        if let (Ok(strict), Ok(lenient)) = (strict, lenient) {
            prop_assert!(strict.segments().eq(lenient.segments()));
            prop_assert!(strict.segments().all(|segment| !segment.contains(['/', '\\'])));
        }
    }

    #[test]
    fn any_request_is_read_or_refused(
        target in "/.{0,30}", name in "[a-zA-Z_-]{1,20}|.{0,5}", value in any::<Vec<u8>>(), body in any::<Vec<u8>>(),
        media in "(application/json|application/x-www-form-urlencoded|[a-z/;= ]{0,9})(; ?charset=[a-z0-9-]{0,6})?",
        rules in any_rules()
    ) {
        let parts = RequestParts::new("POST", target).header(name, value).header("content-type", media);
        let Ok(head) = RequestHead::read(parts.clone().body_length(None), &profile()) else { return Ok(()) };
        prop_assert!(head.headers() == parts.headers && head.target() == parts.target);
        if let Ok(request) = head.with_body(body.clone()) {
            prop_assert_eq!(request.body(), Some(body.as_slice()));
            prop_assert!(rules.explain(&request).decision() == rules.decide(&request));
        }
    }

    #[test]
    fn a_document_with_a_word_for_a_change_is_not_only_a_query(
        before in "[{}()a-c:\"\\\\#\n\r,!@$. ]{0,24}", after in "[{}()a-c:\"\\\\#\n\r,!@$. ]{0,24}"
    ) {
        let rules = rule_set(&[json!({ "graphql": ["query"], "effect": "allow" })]);
        let text = format!("{before} mutation M {{ a }} {after}");
        let body = json!({ "query": text }).to_string().into_bytes();
        let parts = RequestParts::new("POST", "/").header("content-type", "application/json").body_length(None);
        let request = RequestHead::read(parts, &profile()).unwrap().with_body(body).unwrap();
        // The word is data if it stands in a comment or a text, or in a selection.
        if rules.decide(&request).is_allowed() {
            prop_assert!(before.contains(['#', '"', '{']), "{}", text);
        }
    }

    #[test]
    fn a_decision_that_wants_no_body_does_not_depend_on_it(rules in any_rules(), asked in vec(any_request(), 8)) {
        for asked in asked {
            let head = asked.head();
            if rules.wants_body(&head).is_none() {
                let streamed = rules.decide(&head.streamed().unwrap()).effect();
                prop_assert_eq!(streamed, asked.effect(&rules), "{:?}", asked);
            }
        }
    }

    #[test]
    fn an_explanation_ends_with_the_rule_that_decides(rules in any_rules(), asked in any_request()) {
        let request = asked.read();
        let explanation = rules.explain(&request);
        let decided = explanation.decision().rule();
        match decided {
            Some(rule) => prop_assert_eq!(explanation.steps().last().unwrap().rule(), rule),
            None => prop_assert_eq!(explanation.steps().len(), rules.rules().len()),
        }
    }

    #[test]
    fn a_rule_set_without_one_of_its_allowing_rules_allows_nothing_new(
        (mut list, position) in list_with_allowing_rule(), asked in vec(any_request(), 8)
    ) {
        let wide = rule_set(&list);
        list.remove(position);
        narrows(&rule_set(&list), &wide, &asked)?;
    }

    #[test]
    fn a_rule_set_with_a_denying_rule_first_allows_nothing_new(
        mut list in rule_list(), mut first in rule_list(), asked in vec(any_request(), 8)
    ) {
        let wide = rule_set(&list);
        first.truncate(1);
        first.iter_mut().for_each(|rule| rule["effect"] = json!("deny"));
        list.splice(0..0, first);
        narrows(&rule_set(&list), &wide, &asked)?;
    }

    #[test]
    fn a_rule_set_with_a_pattern_that_is_more_literal_allows_nothing_new(
        (mut list, position) in list_with_allowing_rule(), asked in vec(any_request(), 8)
    ) {
        let wide = rule_set(&list);
        let path = list[position]["path"].as_str().unwrap_or("/**").to_owned();
        list[position]["path"] = json!(path.replacen("{x}", "a", 1).replace("{y}", "b").replace("/**", "/a/**"));
        narrows(&rule_set(&list), &wide, &asked)?;
    }

    #[test]
    fn a_pattern_that_is_written_and_read_again_is_the_same(
        text in "(/([a-c%{}*.;é ]|%[0-9a-f]{2}){1,6}){0,4}(/|/\\*\\*)?"
    ) {
        let Ok(pattern) = PathPattern::read(&text) else { return Ok(()) };
        prop_assert_eq!(PathPattern::read(&pattern.to_string()), Ok(pattern));
    }
}

fn narrows(narrow: &Rules, wide: &Rules, asked: &[crate::generated::Asked]) -> Result<(), TestCaseError> {
    for asked in asked {
        let (narrow, wide): (Effect, Effect) = (asked.effect(narrow), asked.effect(wide));
        prop_assert!(narrow <= wide, "{:?}", asked);
    }
    let diff = wide.diff(narrow);
    prop_assert!(matches!(diff, Diff::None), "{:?}", diff.found().map(|difference| difference.to_string()));
    Ok(())
}
