//! Replacing an entry in any layout changes no other byte, and no text makes the readers panic.

use std::ops::Range;

use connection_mcp::clients::{Client, Place, Replacement, Server, Undo, find, replace, undo};
use proptest::prelude::*;

fn ours(name: &str) -> Replacement {
    Replacement::new(Place::File, name, ["connections", "mcp", "proxy", name])
}

/// White space and comments, which may be between any two tokens.
fn gap() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec!["", " ", "\n", "\t", "\r\n", "// it's {\n", "/* \"url\": */", "\n    "]);
    prop::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

/// A member of an entry, as text with gaps.
fn member() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        (r#""headers""#, r#"{ "A": "s3cret" }"#),
        (r#""disabled""#, "true"),
        (r#""timeout""#, "1.5e3"),
        (r#""unknown""#, r#"[ {}, null, "}" ]"#),
        (r#""disabledTools""#, "[\n// none\n]"),
        (r#""env""#, r#"{"A":"\"}{"}"#),
    ]);
    (text, gap(), gap()).prop_map(|((name, value), before, after)| format!("{name}{before}:{after}{value}"))
}

/// The members of a server, between its braces.
fn server() -> impl Strategy<Value = String> {
    let rest = prop::collection::vec((gap(), member(), gap()), 0..4);
    (gap(), gap(), rest, any::<bool>()).prop_map(|(before, after, rest, has_comma)| {
        let mut text = format!("{before}\"url\":\"https://a.example.com/\"{after}");
        for (before, member, after) in rest {
            text = format!("{text},{before}{member}{after}");
        }
        if has_comma { text + "," } else { text }
    })
}

/// A configuration with the range of each of its servers `s0`, `s1` and so on.
fn configuration() -> impl Strategy<Value = (String, Vec<Range<usize>>)> {
    let servers = prop::collection::vec((gap(), gap(), server(), gap()), 1..5);
    let start = prop::sample::select(vec!["", "\u{feff}"]);
    (start, gap(), servers, gap(), any::<bool>()).prop_map(|(start, first, servers, last, has_comma)| {
        let mut text = format!("{start}{first}{{ \"a\": [1, -0.0], // first\n\"mcpServers\":{first}{{");
        let mut ranges = Vec::new();
        let count = servers.len();
        for (index, (before, between, server, after)) in servers.into_iter().enumerate() {
            text = format!("{text}{before}\"s{index}\"{between}:");
            let from = text.len();
            text = format!("{text}{{{server}}}");
            ranges.push(from..text.len());
            text += &after;
            if has_comma || index + 1 < count {
                text += ",";
            }
        }
        (format!("{text}}}{last}, \"z\": \"mcpServers\" }}{last}"), ranges)
    })
}

/// A section of TOML for the server `it`, in one of the forms that exist.
fn section() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[mcp_servers.it]\nurl = \"https://a.example.com/\" # here\nenabled = false\n",
        "[ mcp_servers . \"it\" ]\n\turl='https://a.example.com/'\n\thttp_headers.A = \"s3cret\"\n",
        "[mcp_servers.it]\nbearer_token_env_var = \"A\"\ntool_timeout_sec = 1.5\nurl = \"https://a.example.com/\"\n",
        "[mcp_servers]\nit = { url = \"https://a.example.com/\", http_headers = { A = \"s3cret\" } } # one\n",
        "[mcp_servers]\nit.url = \"https://a.example.com/\"\nit.scopes = [\n  \"a\", # b\n]\n",
        "[mcp_servers.it]\ncommand = \"npx\"\nargs = [\"mcp-remote\",\n \"https://a.example.com/\"]\n",
    ])
    .prop_map(str::to_owned)
}

/// Lines of TOML around the section.
fn around(name: &'static str) -> impl Strategy<Value = String> {
    let line =
        prop::sample::select(vec!["", "# a [comment]", "a = 1 # b", "'b c' = \"\"\"\n[mcp_servers.it]\n\"\"\"", "\t"]);
    prop::sample::subsequence(vec![0, 1, 2, 3], 0..4).prop_flat_map(move |chosen| {
        let lines = chosen.into_iter().map(|_| line.clone()).collect::<Vec<_>>();
        lines.prop_map(move |lines| {
            // A key occurs once in a table.
            let tables = lines.iter().enumerate().map(|(index, line)| format!("[{name}.t{index}]\n{line}\n"));
            tables.collect()
        })
    })
}

/// Text that is nearly a configuration.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"mcpServers\"",
        "\"url\"",
        ":",
        ",",
        "\"https://a.example.com/\"",
        "\n",
        "\r",
        "//",
        "/*",
        "=",
        "[mcp_servers.it]",
        "mcp_servers.it.url",
        "url",
        "'",
        "\"",
        "\u{feff}",
        "é",
        "null",
        "it",
        ".",
        "\\u00",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_replacement_in_json_changes_only_its_entry((text, ranges) in configuration()) {
        let mut changed = text.clone().into_bytes();
        // From the last one to the first one, so that the ranges before stay right.
        for (index, range) in ranges.iter().enumerate().rev() {
            let before = changed.clone();
            changed = replace(Client::Windsurf, &before, &[ours(&format!("s{index}"))]).unwrap();
            prop_assert!(changed.starts_with(&before[..range.start]));
            prop_assert!(changed.ends_with(&before[range.end..]));
        }
        let all: Vec<Replacement> = (0..ranges.len()).map(|index| ours(&format!("s{index}"))).collect();
        prop_assert_eq!(&replace(Client::Windsurf, text.as_bytes(), &all).unwrap(), &changed);
        prop_assert!(!changed.windows(6).any(|part| part == b"s3cret"));
        let entries = find(Client::Windsurf, &changed).unwrap();
        prop_assert_eq!(entries.len(), ranges.len());
        let all_ours = entries.iter().all(|entry| matches!(&entry.server, Server::Ours { .. }));
        prop_assert!(all_ours);
        prop_assert_eq!(undo(text.as_bytes(), &changed, &changed), Undo::Restore(text.into_bytes()));
    }

    #[test]
    fn a_replacement_in_toml_changes_only_its_entry(
        before in around("before"),
        section in section(),
        after in around("after"),
        is_windows in any::<bool>(),
    ) {
        let [before, section, after] =
            [before, section, after].map(|text| if is_windows { text.replace('\n', "\r\n") } else { text });
        let text = format!("{before}{section}{after}");
        let changed = replace(Client::Codex, text.as_bytes(), &[ours("it")]).unwrap();
        let changed_text = str::from_utf8(&changed).unwrap();
        prop_assert!(changed_text.starts_with(&before));
        prop_assert!(changed_text.ends_with(&after));
        let inside = &changed_text[before.len()..changed_text.len() - after.len()];
        prop_assert!(!inside.contains("s3cret") && !inside.contains("example.com"));
        prop_assert!(!is_windows || inside.matches('\n').count() == inside.matches("\r\n").count());
        prop_assert_eq!(undo(text.as_bytes(), &changed, &changed), Undo::Restore(text.into_bytes()));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in nearly(), client in prop::sample::select(Client::ALL.to_vec())) {
        if let Ok(entries) = find(client, text.as_bytes()) {
            for entry in entries {
                drop(replace(client, text.as_bytes(), &[Replacement::new(entry.place, entry.name, ["x"])]));
            }
        }
    }
}
