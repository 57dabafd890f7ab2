//! Claude Code: <https://code.claude.com/docs>.

use connection_contract::Kind;
use core::time::Duration;

use crate::spec::{Api, At, Costs, Directory, Image, Session, Tool, Usage, Version};

pub(crate) static CLAUDE: Tool = Tool {
    kind: Kind::from_static("claude"),
    name: "Claude Code",
    provider: "Anthropic",
    binary: "claude",
    version: Version::Asked,
    // The native installer and local installs use these directories: <https://code.claude.com/docs/en/setup>.
    places: &[".local/bin", ".claude/local"],
    package: "@anthropic-ai/claude-code",
    docs: "https://code.claude.com/docs/en/setup",
    sign_in_docs: "https://code.claude.com/docs/en/authentication",
    sign_in: &["claude", "auth", "login"],
    // <https://code.claude.com/docs/en/authentication#generate-a-long-lived-token>
    sign_in_hint: "it opens a browser, or prints the address to open; where nobody can sign in, 'claude setup-token' \
                   prints a token for the variable CLAUDE_CODE_OAUTH_TOKEN",
    token_env: "CLAUDE_CODE_OAUTH_TOKEN",
    token_command: Some("claude setup-token"),
    // Its section "Authorization tokens" lists the tokens that the command made.
    token_page: Some("https://claude.ai/settings/claude-code"),
    directory: Directory {
        // <https://code.claude.com/docs/en/env-vars>
        variable: "CLAUDE_CONFIG_DIR",
        name: ".claude",
        parent_env: None,
        must_exist: false,
        // `.claude.json` lies in the directory if the variable is set, and otherwise beside it (seen with 2.1.197).
        markers: &[".claude.json", ".credentials.json", "settings.json", "projects"],
        // This is the file on Linux and Windows. On macOS the login is in the keychain, and the directory says nothing
        // about it: <https://code.claude.com/docs/en/authentication#credential-management>.
        logins: &[At(".credentials.json", "/claudeAiOauth/accessToken", None)],
        // `claude auth status` prints this value as the account (seen with 2.1.197).
        accounts: &[At(".claude.json", "/oauthAccount/emailAddress", None)],
        ids: &[At(".claude.json", "/oauthAccount/accountUuid", None)],
        people: &[],
        // The field exists if the login belongs to a plan of Claude.ai and not to a console.
        plans: &[At(".credentials.json", "/claudeAiOauth/subscriptionType", None)],
    },
    api: Api {
        origin: "https://api.anthropic.com",
        // <https://platform.claude.com/docs/en/api/models-list>
        models: "/v1/models",
        list: "data",
        header: "x-api-key",
        // <https://platform.claude.com/docs/en/api/versioning>
        more_headers: &[("anthropic-version", "2023-06-01")],
        console: "https://platform.claude.com/settings/keys",
    },
    // The order is that of Shift+Tab, followed by the optional modes. `dontAsk` is never part of the cycle:
    // <https://code.claude.com/docs/en/permission-modes>.
    modes: &["default", "acceptEdits", "plan", "bypassPermissions", "auto"],
    // <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>
    cache_ttl: Some(Duration::from_secs(300)),
    image: Image {
        name: "localhost/connections/claude:1",
        files: &[".claude.json"],
        // The tool resumes the sessions in it: <https://code.claude.com/docs/en/claude-directory>.
        keeps: &["projects"],
        // The variable turns off telemetry, error reports, feedback and updates:
        // <https://code.claude.com/docs/en/data-usage>.
        variables: &[("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")],
    },
    // The tool passes the limits of a subscription to a status line, and writes them into no documented file.
    usage: Usage { rollouts: false, costs: Some(Costs::Anthropic), session: Session::StatusLine },
};
