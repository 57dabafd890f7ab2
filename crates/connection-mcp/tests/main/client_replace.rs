//! Replacing entries: forms, refusals and what an entry keeps.

use connection_mcp::clients::{Client, ConfigError, Place, Replacement, replace};

fn ours(name: &str) -> Replacement {
    Replacement::new(Place::File, name, ["connections", "mcp", "proxy", name])
}

#[track_caller]
fn check(client: Client, before: &str, after: &str) {
    let replaced = replace(client, before.as_bytes(), &[ours("it")]).unwrap();
    assert_eq!(str::from_utf8(&replaced).unwrap(), after);
}

#[test]
fn each_form_of_toml_is_replaced_in_its_own_form() {
    let args = r#"["mcp", "proxy", "it"]"#;
    for (before, after) in [
        (
            "[mcp_servers.it]\nurl = 'https://a.example.com/'",
            format!("[mcp_servers.it]\ncommand = \"connections\"\nargs = {args}"),
        ),
        (
            "mcp_servers.it.url = 'https://a.example.com/'\nmcp_servers.it.enabled = false\n",
            format!(
                "mcp_servers.it.command = \"connections\"\nmcp_servers.it.args = {args}\n\
                 mcp_servers.it.enabled = false\n"
            ),
        ),
        (
            "mcp_servers = { it = { enabled = true, url = 'https://a.example.com/' }, b = { command = 'b' } } # all\n",
            format!(
                "mcp_servers = {{ it = {{ command = \"connections\", args = {args}, enabled = true }}, \
                 b = {{ command = 'b' }} }} # all\n"
            ),
        ),
        (
            "[mcp_servers.it.http_headers]\nA = \"s3cret\"\n[mcp_servers.it]\n  url = \"https://a.example.com/\"\n",
            format!("[mcp_servers.it]\n  command = \"connections\"\n  args = {args}\n"),
        ),
    ] {
        check(Client::Codex, before, &after);
    }
}

#[test]
fn a_toml_form_without_a_place_of_its_own_is_refused_and_not_guessed() {
    let before = b"mcp_servers = { it.url = 'https://a.example.com/' }\n";
    assert_eq!(replace(Client::Codex, before, &[ours("it")]).unwrap_err(), ConfigError::Form { name: "it".to_owned() });
}

#[test]
fn an_entry_on_one_line_stays_on_one_line() {
    check(
        Client::Cursor,
        r#"{"mcpServers":{"it":{"url":"https://a.example.com/"}}}"#,
        r#"{"mcpServers":{"it":{"type":"stdio","command":"connections","args":["mcp","proxy","it"]}}}"#,
    );
    check(
        Client::Windsurf,
        r#"{"mcpServers": {"it": {"url": "https://a.example.com/", "disabled": false}}}"#,
        r#"{"mcpServers": {"it": {"command": "connections", "args": ["mcp", "proxy", "it"], "disabled": false}}}"#,
    );
}

#[test]
fn an_entry_with_its_braces_beside_its_members_is_replaced() {
    let config = |entry: &str| format!("{{\"mcpServers\": {{\n  \"it\": {{{entry}}} // last\n}}}}");
    check(
        Client::Windsurf,
        &config(" \"url\": \"https://a.example.com/\",\n          \"timeout\": 5 "),
        &config("\n    \"command\": \"connections\",\n    \"args\": [\"mcp\", \"proxy\", \"it\"],\n    \"timeout\": 5"),
    );
}

#[test]
fn a_member_that_stays_keeps_its_text() {
    let kept = "\t\"includeTools\": [ // reading\n\t\t\"a\\u0062\"\n\t]";
    let entry = |members: &str| format!("{{ \"mcpServers\": {{ \"it\": {{\n{members}\n}} }} }}");
    check(
        Client::GeminiCli,
        &entry(&format!("{kept},\n\t\"url\": \"https://a.example.com/\"")),
        &entry(&format!("\t\"command\": \"connections\",\n\t\"args\": [\"mcp\", \"proxy\", \"it\"],\n{kept}")),
    );
}

#[test]
fn the_last_of_two_entries_with_one_name_is_replaced_because_clients_use_it() {
    check(
        Client::Windsurf,
        r#"{"mcpServers":{"it":{"url":"https://a.example.com/"},"it":{"url":"https://b.example.com/"}}}"#,
        r#"{"mcpServers":{"it":{"url":"https://a.example.com/"},"it":{"command":"connections",REST}}}"#
            .replace("REST", r#""args":["mcp","proxy","it"]"#)
            .as_str(),
    );
}

#[test]
fn an_entry_that_opens_beside_its_first_member_is_indented_as_its_line() {
    check(
        Client::Windsurf,
        "{\"mcpServers\":\r\n\t{\"it\": {\"url\": \"https://a.example.com/\",\r\n\t\t\"timeout\": 5}}}",
        "{\"mcpServers\":\r\n\t{\"it\": {\r\n\t\t\"command\": \"connections\",\r\n\t\t\"args\": \
         [\"mcp\", \"proxy\", \"it\"],\r\n\t\t\"timeout\": 5}}}",
    );
}

#[test]
fn names_and_commands_with_special_characters_are_quoted() {
    let name = "a \"b\"\\c\u{e9}";
    let command = ["C:\\Program Files\\connections.exe", "mcp", "proxy", "it's \"one\"\n"];
    let json = format!(r#"{{ "mcpServers": {{ {}: {{ "url": "https://a.example.com/" }} }} }}"#, quoted(name));
    let toml = format!("[mcp_servers.{}]\nurl = 'https://a.example.com/'\n", quoted(name));
    for (client, text) in [(Client::Cursor, json), (Client::Codex, toml)] {
        let replacement = Replacement::new(Place::File, name, command);
        // The result is read again, so that a wrong quotation would be an error.
        replace(client, text.as_bytes(), &[replacement]).unwrap();
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn replacements_that_make_no_sense_are_refused() {
    let config = br#"{ "mcpServers": { "it": { "url": "https://a.example.com/" }, "text": "" } }"#;
    let it = || "it".to_owned();
    let empty = Replacement::new(Place::File, "it", [""; 0]);
    for (replacements, error) in [
        (vec![empty], ConfigError::EmptyCommand { name: it() }),
        (vec![ours("it"), ours("it")], ConfigError::Repeated { name: it() }),
        (vec![ours("other")], ConfigError::NoEntry { place: Place::File, name: "other".to_owned() }),
        (vec![ours("text")], ConfigError::NoEntry { place: Place::File, name: "text".to_owned() }),
    ] {
        assert_eq!(replace(Client::Cursor, config, &replacements).unwrap_err(), error);
    }
    let place = Place::Project("/home/ada/shop".to_owned());
    let error = replace(Client::ClaudeCode, config, &[Replacement::new(place, "it", ["x"])]).unwrap_err();
    assert_eq!(error.to_string(), "the file has no server \"it\" of the project /home/ada/shop");
}

#[test]
fn nothing_is_replaced_without_replacements() {
    let config = b"\xef\xbb\xbf{ \"a\": 1 }\r\n";
    assert_eq!(replace(Client::Cursor, config, &[]).unwrap(), config);
}
