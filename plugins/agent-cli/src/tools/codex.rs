//! Codex: <https://developers.openai.com/codex>.

use connection_contract::Kind;

use crate::spec::{Api, At, Costs, Directory, Image, Session, Tool, Usage, Version};

pub(crate) static CODEX: Tool = Tool {
    kind: Kind::from_static("codex"),
    name: "Codex",
    provider: "OpenAI",
    binary: "codex",
    // The tool creates links and locks below `~/.codex/tmp` before it reads its arguments:
    // <https://github.com/openai/codex/blob/main/codex-rs/arg0/src/lib.rs>.
    version: Version::NotAsked,
    // The standalone installer uses this directory: <https://developers.openai.com/codex/environment-variables>.
    places: &[".local/bin"],
    package: "@openai/codex",
    docs: "https://developers.openai.com/codex/cli",
    // <https://developers.openai.com/codex/auth>
    sign_in_docs: "https://developers.openai.com/codex/auth",
    sign_in: &["codex", "login", "--device-auth"],
    sign_in_hint: "open the address that it prints on any machine and type the code",
    // <https://developers.openai.com/codex/environment-variables>
    token_env: "CODEX_ACCESS_TOKEN",
    token_command: None,
    token_page: None,
    directory: Directory {
        // The same page documents it. A directory that is named must exist (seen with 0.169.0).
        variable: "CODEX_HOME",
        name: ".codex",
        parent_env: None,
        must_exist: true,
        markers: &["auth.json", "config.toml", "sessions"],
        // The login is in this file unless it is in the platform's keychain:
        // <https://developers.openai.com/codex/auth>. 0.169.0 prints "Logged in" with either of the first two.
        logins: &[
            At("auth.json", "/tokens/access_token", None),
            At("auth.json", "/OPENAI_API_KEY", None),
            At("auth.json", "/tokens/id_token", None),
        ],
        // The claims of the ID token are those of OpenID Connect Core 1.0, section 5.1.
        accounts: &[At("auth.json", "/tokens/id_token", Some("/email"))],
        // A workspace is one account, which all its members share.
        ids: &[At("auth.json", "/tokens/account_id", None)],
        // The claim is named in `IdTokenInfo` of
        // <https://github.com/openai/codex/blob/main/codex-rs/login/src/token_data.rs>.
        people: &[At("auth.json", "/tokens/id_token", Some("/https:~1~1api.openai.com~1auth/chatgpt_user_id"))],
        // The same file names this claim. A free plan is not a subscription.
        plans: &[At("auth.json", "/tokens/id_token", Some("/https:~1~1api.openai.com~1auth/chatgpt_plan_type"))],
    },
    api: Api {
        origin: "https://api.openai.com",
        // <https://platform.openai.com/docs/api-reference/models/list>
        models: "/v1/models",
        list: "data",
        header: "authorization",
        more_headers: &[],
        console: "https://platform.openai.com/api-keys",
    },
    // The modes are those of `--sandbox`, the narrowest first: <https://developers.openai.com/codex/cli/reference>.
    modes: &["read-only", "workspace-write", "danger-full-access"],
    cache_ttl: None,
    // No environment variable turns anything off. `config.toml` does that, and it belongs to the user.
    image: Image {
        name: "localhost/connections/codex:1",
        files: &[],
        // The tool resumes the sessions in it: <https://developers.openai.com/codex/cli/features>.
        keeps: &["sessions"],
        variables: &[],
    },
    // The session files contain `TokenCountEvent` of
    // <https://github.com/openai/codex/blob/main/codex-rs/protocol/src/protocol.rs>.
    usage: Usage { rollouts: true, costs: Some(Costs::OpenAi), session: Session::Context },
};
