//! The paths at which clients look for their configurations.

use connection_mcp::clients::{Client, Locations, Platform, Scope};

fn paths(client: Client, locations: &Locations) -> Vec<String> {
    client.files(locations).iter().map(|file| file.path.to_string_lossy().replace('\\', "/")).collect()
}

fn linux() -> Locations {
    Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config")
}

fn mac() -> Locations {
    Locations::new(Platform::MacOs, "/home/ada", "/home/ada/Library/Application Support")
}

#[test]
fn the_user_files_of_linux_are_those_of_the_documentation() {
    let first: Vec<String> = Client::ALL.iter().map(|client| paths(*client, &linux()).remove(0)).collect();
    assert_eq!(
        first,
        [
            "/home/ada/.claude.json",
            "/home/ada/.config/Claude/claude_desktop_config.json",
            "/home/ada/.codex/config.toml",
            "/home/ada/.cursor/mcp.json",
            "/home/ada/.gemini/settings.json",
            "/home/ada/.config/opencode/opencode.json",
            "/home/ada/.config/Code/User/mcp.json",
            "/home/ada/.codeium/windsurf/mcp_config.json",
        ]
    );
}

#[test]
fn clients_of_macos_use_the_library_and_opencode_does_not() {
    assert_eq!(
        paths(Client::ClaudeDesktop, &mac()),
        ["/home/ada/Library/Application Support/Claude/claude_desktop_config.json"]
    );
    assert_eq!(paths(Client::VsCode, &mac())[0], "/home/ada/Library/Application Support/Code/User/mcp.json");
    assert_eq!(paths(Client::OpenCode, &mac())[1], "/home/ada/.config/opencode/opencode.jsonc");
}

#[test]
fn a_project_adds_its_files_after_those_of_the_user() {
    let locations = linux().project("/home/ada/shop");
    let added = Client::ALL.iter().flat_map(|client| client.files(&locations));
    let added = added.filter(|file| file.scope == Scope::Project);
    let added: Vec<String> = added.map(|file| file.path.to_string_lossy().replace('\\', "/")).collect();
    assert_eq!(
        added,
        [
            "/home/ada/shop/.mcp.json",
            "/home/ada/shop/.codex/config.toml",
            "/home/ada/shop/.cursor/mcp.json",
            "/home/ada/shop/.gemini/settings.json",
            "/home/ada/shop/opencode.json",
            "/home/ada/shop/opencode.jsonc",
            "/home/ada/shop/.opencode/opencode.json",
            "/home/ada/shop/.opencode/opencode.jsonc",
            "/home/ada/shop/.vscode/mcp.json",
        ]
    );
}

#[test]
fn the_directories_that_variables_name_are_used() {
    let locations = linux().claude_config_dir("/home/ada/claude").codex_home("/home/ada/codex");
    assert_eq!(paths(Client::ClaudeCode, &locations), ["/home/ada/claude/.claude.json"]);
    assert_eq!(paths(Client::Codex, &locations), ["/home/ada/codex/config.toml"]);
}

#[test]
fn the_id_of_each_client_is_the_word_in_records() {
    for client in Client::ALL {
        assert_eq!(Client::from_id(client.id()), Some(*client));
        assert_eq!(serde_json::to_string(client).unwrap(), format!("\"{}\"", client.id()));
        assert!(!client.name().is_empty());
    }
    assert_eq!(Client::from_id("emacs"), None);
}
