//! The files from which images are built. The tests read them and build nothing, because a build needs a network.

use std::{fs, path::Path};

use connection_contract::ConnectionDefinition;
use connection_plugin_agent_cli::AgentCli;

#[test]
fn each_image_has_a_base_with_a_tag_and_a_user_and_the_tool_of_its_kind() {
    let kinds = [("claude", AgentCli::claude()), ("codex", AgentCli::codex()), ("gemini", AgentCli::gemini())];
    for (kind, definition) in kinds {
        let descriptor = definition.descriptor();
        let sandbox = definition.sandbox().unwrap();
        let lines = instructions(kind);
        let all =
            |word: &str| lines.iter().filter(|(name, _)| name == word).map(|(_, rest)| &**rest).collect::<Vec<_>>();
        let [base] = all("FROM")[..] else { panic!("{kind} has one base") };
        let (_, tag) = base.rsplit_once(':').unwrap_or_else(|| panic!("{base} has no tag"));
        assert!(tag.starts_with(|c: char| c.is_ascii_digit()), "{base} is of no version");
        assert!(base.starts_with("docker.io/"), "{base} names its registry");

        let users = all("USER");
        assert!(users.last().is_some_and(|user| !["root", "0"].contains(user)), "{kind} runs as somebody");
        let runs = all("RUN").join(" ");
        let home = "/agent/";
        assert!(runs.contains("usermod --login agent --home /agent --move-home node"), "{kind} has a home directory");
        assert_eq!(users, ["agent"]);
        assert!(sandbox.config_mounts.iter().all(|mount| mount.container.starts_with(home)), "mounts are in {home}");

        let package = descriptor.tools[0].install_command.as_ref().unwrap().rsplit(' ').next().unwrap().to_owned();
        let (_, version) =
            runs.split_once(&format!("npm install --global {package}@")).expect("the package is installed");
        let version = version.split(' ').next().unwrap();
        assert!(version.parse::<u32>().is_ok(), "{version} is a major version");
        assert!(runs.contains(&format!("{} --version", sandbox.binary)), "the binary is proven");
        assert_eq!(all("CMD"), [format!("[\"{}\"]", sandbox.binary)]);
        for word in ["ENV", "ARG", "COPY", "ADD", "ENTRYPOINT", "VOLUME", "EXPOSE"] {
            assert!(all(word).is_empty(), "{kind} has {word}: the host composes the run");
        }
    }
}

/// Returns the instructions of a file, without comments and with continued lines joined.
fn instructions(kind: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("images").join(kind).join("Containerfile");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let instruction = |line: &str| {
        let line = words(line);
        let (name, rest) = line.split_once(' ')?;
        Some((name.to_owned(), rest.to_owned()))
    };
    joined.lines().filter_map(instruction).collect()
}
