//! Realistic files of each client: each is adopted as a stored result says, and comes back byte for byte.

use connection_mcp::clients::{
    AdoptedEntry, Adoption, Client, ConfigFile, Entry, Locations, Platform, Replacement, Server, Stage, Step, Undo,
    find, replace, undo,
};

macro_rules! fixture {
    ($client:expr, $file:literal) => {
        (
            $client,
            include_str!(concat!("../fixtures/", $file)),
            include_str!(concat!("../fixtures/", $file, ".adopted")),
        )
    };
}

/// The files, with the result of adopting each entry that has no obstacle.
const FIXTURES: &[(Client, &str, &str)] = &[
    fixture!(Client::ClaudeCode, "claude-code/claude.json"),
    fixture!(Client::ClaudeCode, "claude-code/mcp.json"),
    fixture!(Client::ClaudeDesktop, "claude-desktop/claude_desktop_config.json"),
    fixture!(Client::Codex, "codex/config.toml"),
    fixture!(Client::Cursor, "cursor/mcp.json"),
    fixture!(Client::GeminiCli, "gemini-cli/settings.json"),
    fixture!(Client::OpenCode, "opencode/opencode.jsonc"),
    fixture!(Client::OpenCode, "opencode/opencode-2.jsonc"),
    fixture!(Client::VsCode, "vs-code/mcp.json"),
    fixture!(Client::Windsurf, "windsurf/mcp_config.json"),
];

fn command(entry: &Entry) -> [&str; 4] {
    ["connections", "mcp", "proxy", &entry.name]
}

fn adoptable(client: Client, text: &str) -> Vec<Entry> {
    let mut entries = find(client, text.as_bytes()).unwrap();
    entries.retain(|entry| matches!(&entry.server, Server::Remote(remote) if remote.obstacle.is_none()));
    entries
}

fn replacements(client: Client, text: &str) -> Vec<Replacement> {
    let entries = adoptable(client, text);
    entries.iter().map(|entry| Replacement::new(entry.place.clone(), &entry.name, command(entry))).collect()
}

fn file(client: Client) -> ConfigFile {
    client.files(&Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config")).remove(0)
}

#[test]
fn every_client_has_a_realistic_file() {
    for client in Client::ALL {
        assert!(FIXTURES.iter().any(|(own, ..)| own == client), "{client:?}");
    }
}

#[test]
fn each_file_is_adopted_as_its_stored_result_says() {
    for (client, text, adopted) in FIXTURES {
        let replaced = replace(*client, text.as_bytes(), &replacements(*client, text)).unwrap();
        assert_eq!(str::from_utf8(&replaced).unwrap(), *adopted, "{client:?}");
    }
}

#[test]
fn files_of_windows_keep_their_line_ends_and_their_byte_order_mark() {
    for (client, text, adopted) in FIXTURES {
        let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let replaced = replace(*client, windows(text).as_bytes(), &replacements(*client, text)).unwrap();
        assert_eq!(str::from_utf8(&replaced).unwrap(), windows(adopted), "{client:?}");
    }
}

#[test]
fn each_adopted_entry_is_ours_and_stays_disabled_if_it_was() {
    for (client, text, adopted) in FIXTURES {
        let before = adoptable(*client, text);
        let after = find(*client, adopted.as_bytes()).unwrap();
        for entry in before {
            let ours = after.iter().find(|one| one.place == entry.place && one.name == entry.name).unwrap();
            assert_eq!(ours.disabled, entry.disabled, "{client:?} {}", entry.name);
            let Server::Ours { connection } = &ours.server else { panic!("{client:?} {}", entry.name) };
            assert_eq!(connection.as_deref(), Some(entry.name.as_str()));
        }
        assert_eq!(adoptable(*client, adopted).len(), 0, "{client:?}");
    }
}

#[test]
fn an_undo_restores_each_file_byte_for_byte() {
    for (client, text, adopted) in FIXTURES {
        let restored = undo(text.as_bytes(), adopted.as_bytes(), adopted.as_bytes());
        assert_eq!(restored, Undo::Restore(text.as_bytes().to_vec()), "{client:?}");
    }
}

#[test]
fn a_record_carries_each_file_to_its_replacement_and_back() {
    for (client, text, adopted) in FIXTURES {
        let entries = adoptable(*client, text);
        let entries = entries
            .iter()
            .map(|entry| AdoptedEntry::new(entry.place.clone(), &entry.name, &entry.name, command(entry)));
        let record = Adoption::plan(&file(*client), text.as_bytes(), entries.collect()).unwrap();
        let record = Adoption::from_json(&record.to_json().unwrap()).unwrap();
        assert_eq!(record.next(Some(text.as_bytes())), Step::WriteFile(adopted.as_bytes()), "{client:?}");
        assert_eq!(record.next(Some(adopted.as_bytes())), Step::WriteRecord(Stage::Replaced), "{client:?}");
        let record = record.undo();
        assert_eq!(record.next(Some(adopted.as_bytes())), Step::WriteFile(text.as_bytes()), "{client:?}");
        assert_eq!(record.next(Some(text.as_bytes())), Step::RemoveRecord, "{client:?}");
    }
}

#[test]
fn no_secret_of_an_adopted_entry_is_left_or_shown() {
    for (client, text, adopted) in FIXTURES {
        let entries = find(*client, text.as_bytes()).unwrap();
        assert!(!format!("{entries:?}").contains("s3cret"), "{client:?}");
        let left = adopted.matches("s3cret").count();
        // The one entry with an obstacle keeps its password and its header.
        let expected = if *client == Client::Windsurf { 2 } else { 0 };
        assert_eq!(left, expected, "{client:?}");
    }
}
