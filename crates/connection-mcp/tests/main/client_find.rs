//! Finding remote servers: what is adoptable, and why the others are not.

use connection_mcp::clients::{
    Client, ConfigError, Entry, HeaderValue, Obstacle, Place, Remote, Server, Transport, find,
};

fn entries(client: Client, text: &str) -> Vec<Entry> {
    find(client, text.as_bytes()).unwrap()
}

/// Finds the one server of a configuration with `mcpServers`.
#[track_caller]
fn remote(client: Client, fields: &str) -> Remote {
    let mut entries = entries(client, &format!(r#"{{ "mcpServers": {{ "it": {{ {fields} }} }} }}"#));
    assert_eq!(entries.len(), 1);
    match entries.remove(0).server {
        Server::Remote(remote) => remote,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(client: Client, fields: &str, transport: Transport, obstacle: Option<Obstacle>) {
    let remote = remote(client, fields);
    assert_eq!((remote.transport, remote.obstacle), (transport, obstacle));
}

/// Finds the one server that is a command line with these arguments of `npx`.
#[track_caller]
fn bridge(arguments: &str) -> Remote {
    remote(Client::Cursor, &format!(r#""command": "npx", "args": [{arguments}]"#))
}

#[test]
fn the_type_decides_the_transport() {
    let https = r#""url": "https://mcp.example.com/sse""#;
    for kind in ["http", "streamable-http", "streamableHttp"] {
        check(Client::ClaudeCode, &format!(r#""type": "{kind}", {https}"#), Transport::Http, None);
    }
    check(Client::ClaudeCode, &format!(r#""type": "sse", {https}"#), Transport::Sse, Some(Obstacle::Sse));
    check(Client::ClaudeCode, &format!(r#""type": "telnet", {https}"#), Transport::Http, Some(Obstacle::Transport));
}

#[test]
fn the_transport_that_vs_code_stores_beside_the_type_counts() {
    let fields = r#""type": "http", "transport": "sse", "url": "https://mcp.example.com/mcp""#;
    let entries = entries(Client::VsCode, &format!(r#"{{ "servers": {{ "it": {{ {fields} }} }} }}"#));
    assert!(matches!(&entries[0].server, Server::Remote(remote) if remote.obstacle == Some(Obstacle::Sse)));
}

#[test]
fn codex_refuses_an_entry_with_a_command_and_an_address_so_it_is_not_found() {
    let text = "[mcp_servers.it]\ncommand = 'npx'\nurl = 'https://mcp.example.com/mcp'\n";
    assert_eq!(entries(Client::Codex, text).len(), 0);
}

#[test]
fn a_header_of_codex_is_fixed_whatever_it_contains() {
    let text = "[mcp_servers.it]\nurl = 'https://mcp.example.com/mcp'\nhttp_headers = { A = '${TOKEN}' }\n";
    let entries = entries(Client::Codex, text);
    let Server::Remote(remote) = &entries[0].server else { panic!("it is not ours") };
    assert!(matches!(&remote.headers[0].value, HeaderValue::Fixed(value) if value.expose() == "${TOKEN}"));
}

#[test]
fn an_address_that_ends_with_sse_is_not_adopted_without_a_type() {
    check(Client::Cursor, r#""url": "https://mcp.example.com/sse?a=b""#, Transport::Sse, Some(Obstacle::Sse));
    check(Client::Cursor, r#""url": "https://mcp.example.com/sse/mcp""#, Transport::Http, None);
    check(Client::GeminiCli, r#""httpUrl": "https://mcp.example.com/sse""#, Transport::Http, None);
}

#[test]
fn gemini_prefers_an_address_over_a_command() {
    let both = r#""command": "npx", "url": "https://a.example.com/mcp", "httpUrl": "https://b.example.com/mcp""#;
    assert_eq!(remote(Client::GeminiCli, both).address.expose(), "https://b.example.com/mcp");
}

#[test]
fn a_placeholder_in_an_address_is_named_and_not_adopted() {
    for (client, address, name) in [
        (Client::ClaudeCode, "https://${HOST:-example.com}/mcp", "HOST"),
        (Client::Cursor, "${env:MCP_URL}", "env:MCP_URL"),
        (Client::GeminiCli, "https://$HOST/mcp", "HOST"),
        (Client::Windsurf, "https://example.com/${file:/a}", "file:/a"),
        (Client::ClaudeCode, "https://example.com/{env:X}", "env:X"),
    ] {
        let remote = remote(client, &format!(r#""url": "{address}""#));
        assert_eq!(remote.obstacle, Some(Obstacle::Placeholder(vec![name.to_owned()])));
        assert_eq!(remote.address.to_string(), address);
    }
}

#[test]
fn a_dollar_sign_is_a_placeholder_only_where_the_client_replaces_it() {
    check(Client::Cursor, r#""url": "https://mcp.example.com/$metadata""#, Transport::Http, None);
}

#[test]
fn addresses_that_a_connection_cannot_have_are_refused() {
    for (address, obstacle) in [
        ("https://ada:pw@mcp.example.com/mcp", Obstacle::User),
        ("http://mcp.example.com/mcp", Obstacle::Unencrypted),
        ("wss://mcp.example.com/mcp", Obstacle::Address),
        ("unix:///run/mcp.sock", Obstacle::Address),
        ("mcp.example.com", Obstacle::Address),
        ("https://", Obstacle::Address),
        ("https://mcp.example.com\\\\@evil.example.com/", Obstacle::Address),
        ("", Obstacle::Address),
    ] {
        check(Client::Cursor, &format!(r#""url": "{address}""#), Transport::Http, Some(obstacle));
    }
    for address in [
        "http://localhost:3000/mcp",
        "http://127.0.0.1/mcp",
        "http://[::1]:80/mcp",
        "http://mcp.localhost/",
        "HTTPS://EXAMPLE.COM/",
    ] {
        check(Client::Cursor, &format!(r#""url": "{address}""#), Transport::Http, None);
    }
}

#[test]
fn a_way_to_authenticate_that_only_the_client_knows_is_an_obstacle() {
    let url = r#""url": "https://mcp.example.com/mcp""#;
    check(
        Client::ClaudeCode,
        &format!(r#""type": "http", {url}, "headersHelper": "token.sh""#),
        Transport::Http,
        Some(Obstacle::Authentication("headersHelper")),
    );
    check(Client::GeminiCli, &format!(r#"{url}, "authProviderType": "dynamic_discovery""#), Transport::Http, None);
}

#[test]
fn mcp_remote_is_recognized_after_each_runner() {
    let url = "https://mcp.example.com/mcp";
    for (command, arguments) in [
        ("npx", format!(r#""mcp-remote", "{url}""#)),
        ("npx", format!(r#""-y", "mcp-remote@0.1.29", "{url}", "3334""#)),
        ("npx", format!(r#""-p", "mcp-remote@latest", "mcp-remote", "{url}""#)),
        ("/usr/local/bin/bunx", format!(r#""mcp-remote", "{url}""#)),
        ("pnpm", format!(r#""dlx", "mcp-remote", "{url}""#)),
        ("cmd", format!(r#""/C", "npx", "mcp-remote", "{url}""#)),
        ("C:\\\\tools\\\\npx.CMD", format!(r#""mcp-remote", "{url}""#)),
        ("mcp-remote", format!(r#""{url}", "--host", "127.0.0.1", "--debug""#)),
    ] {
        let remote = remote(Client::Cursor, &format!(r#""command": "{command}", "args": [{arguments}]"#));
        assert_eq!((remote.transport, remote.obstacle), (Transport::McpRemote, None), "{command} {arguments}");
        assert_eq!(remote.address.expose(), url);
    }
}

#[test]
fn other_commands_are_not_found() {
    for fields in [
        r#""command": "npx", "args": ["-y", "files-mcp", "mcp-remote", "https://mcp.example.com/mcp"]"#,
        r#""command": "npx", "args": ["-y", "mcp-remote-extra", "https://mcp.example.com/mcp"]"#,
        r#""command": "npx", "args": ["mcp-remote"]"#,
        r#""command": "node", "args": ["mcp-remote", "https://mcp.example.com/mcp"]"#,
        r#""command": "connections", "args": ["list"]"#,
        r#""type": "stdio", "command": "it", "url": "https://mcp.example.com/mcp""#,
        "",
    ] {
        let text = format!(r#"{{ "mcpServers": {{ "it": {{ {fields} }} }} }}"#);
        assert_eq!(entries(Client::Cursor, &text).len(), 0, "{fields}");
    }
}

#[test]
fn options_of_mcp_remote_that_would_be_lost_are_obstacles() {
    let url = r#""mcp-remote", "https://mcp.example.com/mcp""#;
    for option in ["--ignore-tool", "--resource", "--static-oauth-client-info", "--static-oauth-client-metadata"] {
        assert_eq!(bridge(&format!(r#"{url}, "{option}", "x""#)).obstacle, Some(Obstacle::Option(option)));
    }
    assert_eq!(bridge(&format!(r#"{url}, "--token=s3cret""#)).obstacle, Some(Obstacle::UnknownOption));
    assert_eq!(bridge(&format!(r#"{url}, "--transport", "sse-only""#)).obstacle, Some(Obstacle::Sse));
    assert_eq!(bridge(&format!(r#"{url}, "--transport", "http-only""#)).obstacle, None);
}

#[test]
fn a_header_of_mcp_remote_takes_its_variables_from_the_entry() {
    let fields = r#""command": "npx",
        "args": ["mcp-remote", "https://mcp.example.com/mcp", "--header", "Authorization: Bearer ${TOKEN}",
                 "--header", "X-Team:${TEAM}"],
        "env": { "TOKEN": "s3cret" }"#;
    let headers = remote(Client::ClaudeDesktop, fields).headers;
    let [authorization, team] = headers.as_slice() else { panic!("{headers:?}") };
    assert!(matches!(&authorization.value, HeaderValue::Fixed(value) if value.expose() == "Bearer s3cret"));
    assert!(matches!(&team.value, HeaderValue::Computed(names) if names == &["TEAM"]));
}

#[test]
fn a_variable_that_the_client_computes_makes_the_header_computed() {
    let fields = r#""command": "npx",
        "args": ["mcp-remote", "https://mcp.example.com/mcp", "--header", "Authorization: ${TOKEN}"],
        "env": { "TOKEN": "${env:OTHER}" }"#;
    let remote = remote(Client::Cursor, fields);
    assert!(matches!(&remote.headers[0].value, HeaderValue::Computed(names) if names == &["TOKEN"]));
}

#[test]
fn a_server_of_ours_is_recognized_with_the_path_of_its_program() {
    let text = r#"{ "mcp": { "it": { "type": "local", "command": ["/opt/bin/connections", "mcp", "proxy", "it"] } } }"#;
    let entries = entries(Client::OpenCode, text);
    assert!(matches!(&entries[0].server, Server::Ours { connection: Some(name) } if name == "it"));
}

#[test]
fn a_server_called_servers_is_found_in_the_first_version_of_opencode() {
    let text = r#"{ "mcp": { "servers": { "type": "remote", "url": "https://mcp.example.com/mcp" } } }"#;
    let entries = entries(Client::OpenCode, text);
    assert_eq!((entries[0].name.as_str(), &entries[0].place), ("servers", &Place::File));
}

#[test]
fn a_project_of_claude_code_disables_its_own_servers() {
    let text = r#"{ "projects": { "/home/ada/shop": {
        "mcpServers": {
            "a": { "type": "http", "url": "https://a.example.com/" },
            "b": { "type": "http", "url": "https://b.example.com/" }
        },
        "disabledMcpServers": ["b"]
    } } }"#;
    let disabled: Vec<bool> = entries(Client::ClaudeCode, text).iter().map(|entry| entry.disabled).collect();
    assert_eq!(disabled, [false, true]);
}

#[test]
fn gemini_disables_what_its_lists_leave_out() {
    let servers =
        r#""mcpServers": { "a": { "url": "https://a.example.com/" }, "b": { "url": "https://b.example.com/" } }"#;
    for rules in [r#""allowed": ["a"]"#, r#""excluded": ["b"]"#] {
        let entries = entries(Client::GeminiCli, &format!(r#"{{ "mcp": {{ {rules} }}, {servers} }}"#));
        assert_eq!(entries.iter().map(|entry| entry.disabled).collect::<Vec<_>>(), [false, true]);
    }
}

#[test]
fn a_name_that_occurs_twice_counts_once_as_in_the_clients() {
    let text =
        r#"{ "mcpServers": { "it": { "url": "https://a.example.com/" }, "it": { "url": "https://b.example.com/" } } }"#;
    let entries = entries(Client::Cursor, text);
    assert_eq!(entries.len(), 1);
    assert!(
        matches!(&entries[0].server, Server::Remote(remote) if remote.address.expose() == "https://b.example.com/")
    );
}

#[test]
fn files_without_servers_have_none() {
    for text in ["", " \n", "{}", "[]", "null", r#"{ "mcpServers": [] }"#, r#"{ "mcpServers": { "a": 1 } }"#, "// only"]
    {
        assert_eq!(entries(Client::Cursor, text).len(), 0, "{text}");
    }
    assert_eq!(entries(Client::Codex, "").len(), 0);
    assert_eq!(entries(Client::Codex, "mcp_servers = 3\n").len(), 0);
}

#[test]
fn a_broken_file_is_refused_with_the_place_and_without_its_text() {
    let error = find(Client::Cursor, b"{\n  \"token\": s3cret\n}").unwrap_err();
    assert_eq!(error, ConfigError::Syntax { format: "JSON", line: 2, column: 12 });
    assert_eq!(error.to_string(), "the file is not valid JSON (line 2, column 12)");
    let error = find(Client::Codex, b"a = 1\nb = s3cret\n").unwrap_err();
    assert!(matches!(error, ConfigError::Syntax { format: "TOML", line: 2, .. }));
    assert_eq!(find(Client::Cursor, b"{ \"\xff\": 1 }").unwrap_err(), ConfigError::NotText);
}

#[test]
fn a_shown_address_hides_its_password_and_its_query() {
    for (address, shown) in [
        ("https://a:b@c@example.com/mcp", "https://…@example.com/mcp"),
        ("https://example.com/mcp?s3cret", "https://example.com/mcp?…"),
        ("https://example.com/@ada/mcp?a=1&b=2#s3cret", "https://example.com/@ada/mcp?a=…&b=…"),
    ] {
        let remote = remote(Client::Cursor, &format!(r#""url": "{address}""#));
        assert_eq!(remote.address.to_string(), shown);
        assert_eq!(format!("{:?}", remote.address), format!("Address({shown})"));
    }
}
