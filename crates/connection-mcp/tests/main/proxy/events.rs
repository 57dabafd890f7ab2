//! The parser of server-sent events.

use connection_mcp::proxy::{Event, EventParser, EventTooLarge};
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

/// The limit of the parsers in these tests.
const LIMIT: usize = 64;

/// Returns the names and the data of the events in a text.
fn parse(text: &[u8]) -> Vec<(Option<String>, String)> {
    let events = EventParser::new(LIMIT).push(text);
    events
        .into_iter()
        .map(Result::unwrap)
        .map(|Event { name, data, .. }| (name, String::from_utf8(data).unwrap()))
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let data: Vec<String> = parse(text.as_bytes()).into_iter().map(|(_, data)| data).collect();
    assert_eq!(data, expected);
}

#[test]
fn lines_end_with_a_line_feed_a_carriage_return_or_both() {
    for end in ["\n", "\r", "\r\n"] {
        check(&format!("data: one{end}data: two{end}{end}data: three{end}{end}"), &["one\ntwo", "three"]);
    }
}

#[test]
fn a_comment_and_an_unknown_field_are_ignored() {
    check(": comment\ndata: one\nsomething: else\n:\n\n:\n\n", &["one"]);
}

#[test]
fn only_one_space_after_the_colon_is_removed() {
    check("data:one\n\ndata:  two\n\ndata\n\n", &["one", " two"]);
}

#[test]
fn an_event_that_the_stream_does_not_end_is_not_an_event() {
    check("data: one\n\ndata: two\n", &["one"]);
}

#[test]
fn a_byte_order_mark_is_ignored_at_the_beginning_alone() {
    check("\u{feff}data: one\n\n\u{feff}data: two\n\n", &["one"]);
}

#[test]
fn an_event_has_its_own_name_alone() {
    let expected = [(Some("ping".to_owned()), "one".to_owned()), (None, "two".to_owned())];
    assert_eq!(parse(b"event: ping\ndata: one\n\ndata: two\n\n"), expected);
}

#[test]
fn an_id_counts_from_the_end_of_its_event_and_stays() {
    let mut parser = EventParser::new(LIMIT);
    parser.push(b"id: 1\ndata: one\n");
    assert_eq!(parser.last_event_id(), None);
    parser.push(b"\ndata: two\n\nid: 2\n");
    assert_eq!(parser.last_event_id(), Some("1"));
}

#[test]
fn an_event_without_data_has_an_id_and_a_delay() {
    let mut parser = EventParser::new(LIMIT);
    assert_eq!(parser.push(b"id: 7\nretry: 1500\ndata:\n\n"), []);
    assert_eq!((parser.last_event_id(), parser.retry()), (Some("7"), Some(1500)));
}

#[test]
fn an_invalid_id_or_delay_is_ignored() {
    let mut parser = EventParser::new(LIMIT);
    parser.push(b"id: 1\nretry: 10\n\nid: a\0b\nretry: soon\n\nretry\n\n");
    assert_eq!((parser.last_event_id(), parser.retry()), (Some("1"), Some(10)));
}

#[test]
fn an_event_over_the_limit_is_skipped_and_reported() {
    let long = "x".repeat(LIMIT);
    for text in [
        format!("data: {long}\ndata: more\n\ndata: next\n\n"),
        format!("data: {}\ndata: {}\n\ndata: next\n\n", &long[..40], &long[..40]),
        format!(": {long}\n\ndata: next\n\n"),
    ] {
        let events = EventParser::new(LIMIT).push(text.as_bytes());
        assert_eq!(events.len(), 2);
        assert_eq!(events[0], Err(EventTooLarge));
        assert_eq!(events[1].as_ref().unwrap().data, b"next");
    }
}

/// Pieces of streams, among which line ends and fields are frequent.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"data:"[..],
        b"data: ",
        b"id: ",
        b"event: ",
        b"retry: ",
        b":",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"7",
        b"x",
        b"\xef\xbb\xbf",
        b"a longer text that two of them exceed",
        b"\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_stream_may_be_split_anywhere(
        stream in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut whole = EventParser::new(LIMIT);
        let expected = whole.push(&stream);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut parts = EventParser::new(LIMIT);
        let events: Vec<_> = cuts.windows(2).flat_map(|cut| parts.push(&stream[cut[0]..cut[1]])).collect();
        prop_assert_eq!(events, expected);
        prop_assert_eq!(parts.last_event_id(), whole.last_event_id());
        prop_assert_eq!(parts.retry(), whole.retry());
    }

    #[test]
    fn the_lines_of_a_message_arrive_with_any_end(
        lines in prop::collection::vec("[ -~]{0,8}", 1..4),
        end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
    ) {
        let stream: String = lines.iter().map(|line| format!("data: {line}{end}")).collect::<String>() + end;
        let data = lines.join("\n");
        let expected: Vec<_> = Some((None, data)).filter(|(_, data)| !data.is_empty()).into_iter().collect();
        prop_assert_eq!(parse(stream.as_bytes()), expected);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(stream in prop::collection::vec(any::<u8>(), 0..200)) {
        EventParser::new(LIMIT).push(&stream);
    }
}
