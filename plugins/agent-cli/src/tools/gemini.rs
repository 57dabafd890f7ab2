//! Gemini CLI: <https://geminicli.com/docs>.

use connection_contract::Kind;

use crate::spec::{Api, At, Directory, Image, Session, Tool, Usage, Version};

pub(crate) static GEMINI: Tool = Tool {
    kind: Kind::from_static("gemini"),
    name: "Gemini CLI",
    provider: "Google",
    binary: "gemini",
    // The tool leaves a `projects.json.*.tmp` in `~/.gemini` each time (seen with 0.61.0).
    version: Version::NotAsked,
    places: &[".local/bin"],
    package: "@google/gemini-cli",
    docs: "https://geminicli.com/docs/get-started/installation",
    sign_in_docs: "https://geminicli.com/docs/get-started/authentication",
    // No command only signs in: the tool asks at its first start. `NO_BROWSER` is named in the tool's own messages
    // (seen with 0.61.0).
    sign_in: &["gemini"],
    sign_in_hint: "choose 'Sign in with Google', with NO_BROWSER=true where no browser opens, or give a key in GEMINI_API_KEY",
    // The variable is for a run without a person: <https://geminicli.com/docs/get-started/authentication#headless>.
    token_env: "GEMINI_API_KEY",
    token_command: None,
    token_page: None,
    directory: Directory {
        // Hosts set this variable, and <https://github.com/google-gemini/gemini-cli/issues/2815> requests it. The tool
        // reads `GEMINI_CLI_HOME` instead, which names the parent of `.gemini`:
        // <https://geminicli.com/docs/reference/configuration>.
        variable: "GEMINI_CONFIG_DIR",
        name: ".gemini",
        parent_env: Some("GEMINI_CLI_HOME"),
        must_exist: false,
        markers: &["settings.json", "google_accounts.json", "oauth_creds.json", "projects.json"],
        // The file is named in
        // <https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/config/storage.ts>. With
        // GEMINI_FORCE_ENCRYPTED_FILE_STORAGE, the tool encrypts its login in another file, which is not read.
        logins: &[At("oauth_creds.json", "/refresh_token", None), At("oauth_creds.json", "/access_token", None)],
        // <https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/utils/userAccountManager.ts>
        accounts: &[At("google_accounts.json", "/active", None)],
        ids: &[],
        people: &[],
        plans: &[],
    },
    api: Api {
        origin: "https://generativelanguage.googleapis.com",
        // <https://ai.google.dev/api/models#method:-models.list>
        models: "/v1beta/models",
        list: "models",
        // <https://ai.google.dev/gemini-api/docs/api-key>
        header: "x-goog-api-key",
        more_headers: &[],
        console: "https://aistudio.google.com/app/apikey",
    },
    // The order is that of Shift+Tab. `yolo` can be chosen only at the start:
    // <https://geminicli.com/docs/reference/configuration>.
    modes: &["default", "auto_edit", "plan", "yolo"],
    cache_ttl: None,
    image: Image {
        name: "localhost/connections/gemini:1",
        files: &[],
        // The tool resumes the sessions in it: <https://geminicli.com/docs/cli/session-management>.
        keeps: &["tmp"],
        // The variables are documented at <https://geminicli.com/docs/reference/configuration#environment-variables>.
        // The tool's own sandbox is not for use inside another one.
        variables: &[("GEMINI_TELEMETRY_ENABLED", "false"), ("GEMINI_SANDBOX", "false")],
    },
    // The tool reports on a session, but not on the limits of an account.
    usage: Usage { rollouts: false, costs: None, session: Session::Telemetry },
};
