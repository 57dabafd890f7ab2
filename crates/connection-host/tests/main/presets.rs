//! The presets of all kinds: each can be read, and permits nothing that was not reviewed here.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use connection_contract::{ConnectionDefinition, Descriptor};
use connection_manifest::Catalogue;
use connection_rules::{Effect, Preset, Profile, RequestHead, RequestParts, Rules};
use serde_json::{Value, json};

/// The `POST`s that presets allow: the beginning of the kinds' names, the paths, and why they change nothing.
const POSTS: &[(&str, &[&str], &str)] = &[
    ("airtable", &["/v0/{base}/{table}/listRecords"], "it lists records, with a filter that may be long"),
    ("anthropic", &["/v1/messages/count_tokens"], "it counts tokens, and creates no message"),
    ("github", &["/graphql"], "only documents whose operations are all queries match"),
    ("github", &["/markdown", "/markdown/raw"], "it returns the text as HTML, and keeps nothing"),
    ("google-calendar", &["/freeBusy"], "it returns the free and busy times of calendars"),
    ("hubspot", &["/crm/v3/objects/{type}/search"], "it searches objects"),
    ("jira", &["/rest/api/{version}/search/jql"], "it searches issues, with a query that may be long"),
    ("linear", &["/graphql"], "only documents whose operations are all queries match"),
    (
        "notion",
        &["/v1/search", "/v1/data_sources/{source}/query", "/v1/databases/{database}/query"],
        "it searches pages, and lists those of a data source",
    ),
    ("slack", SLACK, "every method takes a POST, and the page of this one says that it reads"),
];

/// The methods of Slack that read.
const SLACK: &[&str] = &[
    "/auth.test",
    "/bots.info",
    "/bookmarks.list",
    "/chat.getPermalink",
    "/conversations.history",
    "/conversations.info",
    "/conversations.list",
    "/conversations.members",
    "/conversations.replies",
    "/dnd.info",
    "/emoji.list",
    "/files.info",
    "/files.list",
    "/pins.list",
    "/reactions.get",
    "/reactions.list",
    "/search.messages",
    "/team.info",
    "/usergroups.list",
    "/usergroups.users.list",
    "/users.conversations",
    "/users.info",
    "/users.list",
    "/users.profile.get",
];

/// Kinds whose `GET`s also send and delete, so that a rule about them names its path.
const GETS_THAT_CHANGE: &[&str] = &["slack", "slack-bot-token", "slack-user", "slack-user-token", "telegram"];

/// Returns the descriptors of the kinds of the program.
fn compiled() -> Vec<Descriptor> {
    vec![
        connection_plugin_filesystem::Filesystem.descriptor(),
        connection_plugin_github::GitHub.descriptor(),
        connection_plugin_gmail::gmail().descriptor(),
        connection_plugin_mcp::Mcp.descriptor(),
        connection_plugin_notion::Notion.descriptor(),
        connection_plugin_twilio::Twilio.descriptor(),
    ]
}

fn of_catalogue(kind: &str) -> Descriptor {
    Catalogue::kind(kind).unwrap().unwrap().definition().descriptor()
}

/// Returns the descriptors of the kinds of the program and of the catalogue.
fn descriptors() -> Vec<Descriptor> {
    compiled().into_iter().chain(Catalogue::ids().map(of_catalogue)).collect()
}

pub(crate) fn descriptor(kind: &str) -> Descriptor {
    let compiled = compiled().into_iter().find(|descriptor| descriptor.kind.as_str() == kind);
    compiled.unwrap_or_else(|| of_catalogue(kind))
}

fn read(kind: &str) -> Rules {
    let presets = Preset::of_kind(&descriptor(kind)).unwrap();
    presets.into_iter().find(|preset| preset.name() == "read").unwrap().into_rules()
}

/// Decides about a request without a body, or says that it is refused.
fn decided(kind: &str, line: &str) -> &'static str {
    let (method, path) = line.split_once(' ').unwrap();
    let profile = Profile::of_kind(&descriptor(kind), []);
    match RequestHead::read(RequestParts::new(method, path), &profile).and_then(RequestHead::streamed) {
        Ok(request) => read(kind).decide(&request).effect().as_str(),
        Err(_) => "refused",
    }
}

/// Returns `true` if the table has the `POST` of a kind.
fn is_reviewed(kind: &str, path: &str) -> bool {
    POSTS.iter().any(|(of, paths, _)| kind.starts_with(of) && paths.contains(&path))
}

#[test]
fn a_preset_allows_only_gets_and_posts_that_were_reviewed() {
    let (mut presets, mut posts) = (0, 0);
    for descriptor in descriptors() {
        let kind = descriptor.kind.as_str();
        let read = Preset::of_kind(&descriptor).unwrap_or_else(|invalid| panic!("{kind}: {invalid}"));
        assert_eq!(read.len(), descriptor.rules.len() + 1, "{kind}");
        for preset in &descriptor.rules {
            presets += 1;
            let text: Value = serde_json::from_str(&preset.rules).unwrap();
            for rule in text["rule"].as_array().unwrap() {
                let place = format!("{kind}/{}: {}", preset.name, rule["name"]);
                if rule["effect"] == "deny" {
                    continue;
                }
                assert!(rule.get("upgrade").is_none() && rule.get("from").is_none(), "{place}");
                let methods = rule["methods"].as_array().unwrap_or_else(|| panic!("{place} names no method"));
                for method in methods {
                    match method.as_str().unwrap() {
                        "GET" | "HEAD" => {
                            let names_path = rule.get("path").is_some();
                            assert!(names_path || !GETS_THAT_CHANGE.contains(&kind), "{place}");
                        }
                        "POST" => {
                            posts += 1;
                            let path = rule["path"].as_str().unwrap_or_else(|| panic!("{place} names no path"));
                            assert!(is_reviewed(kind, path), "{place}: nobody reviewed POST {path}");
                            let is_graphql = path.ends_with("/graphql");
                            assert!(!is_graphql || rule["graphql"] == json!(["query"]), "{place}");
                        }
                        other => panic!("{place} allows {other}"),
                    }
                }
            }
        }
    }
    assert!(presets >= 30 && posts >= 100, "{presets} presets, {posts} rules for POST");
}

#[test]
fn a_preset_permits_no_method_that_changes_something() {
    let reads_and_posts = json!({ "rule": [{ "name": "all", "methods": ["GET", "HEAD", "POST"], "effect": "allow" }] });
    let widest = Rules::from_value(&reads_and_posts).unwrap();
    for descriptor in descriptors() {
        for preset in Preset::of_kind(&descriptor).unwrap() {
            let place = format!("{}/{}", descriptor.kind, preset.name());
            assert!(preset.rules().narrows(&widest), "{place} permits more than GET, HEAD and POST");
            for method in ["DELETE", "PATCH", "PUT", "OPTIONS"] {
                for path in ["/", "/graphql", "/v1/search", "/api/v4/user", "/2010-04-01/Accounts/AC1/Calls.json"] {
                    let head = RequestHead::read(RequestParts::new(method, path), &Profile::strict()).unwrap();
                    let request = head.streamed().unwrap();
                    assert_eq!(preset.rules().decide(&request).effect(), Effect::Deny, "{place}: {method} {path}");
                }
            }
        }
    }
}

#[test]
fn every_kind_without_presets_of_its_own_asks() {
    let telegram = descriptor("telegram");
    let presets = Preset::of_kind(&telegram).unwrap();
    assert_eq!(presets.iter().map(Preset::name).collect::<Vec<_>>(), ["ask"]);
    assert_eq!(presets[0].rules().words(), ["is asked about before GET or HEAD", "nothing else"]);
}

#[test]
fn the_presets_of_the_program_read_and_write_nothing() {
    for (kind, line, expected) in [
        ("github", "GET /repos/acme/site/issues?state=open", "allow"),
        ("github", "HEAD /user", "allow"),
        ("github", "POST /repos/acme/site/issues", "deny"),
        ("github", "POST /graphql", "deny"),
        ("github", "DELETE /repos/acme/site", "deny"),
        ("notion", "POST /v1/search", "allow"),
        ("notion", "POST /v1/data_sources/7/query", "allow"),
        ("notion", "POST /v1/pages", "deny"),
        ("gmail", "GET /users/me/messages?q=is:unread", "allow"),
        ("gmail", "POST /users/me/messages/send", "deny"),
        ("gitea", "GET /api/v1/repos/acme/site/issues?state=open", "allow"),
        ("gitea", "POST /api/v1/repos/acme/site/issues", "deny"),
        ("stripe", "GET /v1/issuing/cards/ic_1", "allow"),
        ("openai", "GET /containers", "allow"),
        ("jira", "GET /rest/api/3/issue/ACME-1?fields=summary", "allow"),
        ("microsoft-outlook", "GET /me/messages?$top=5", "allow"),
        ("twilio", "GET /2010-04-01/Accounts/AC1/Messages.json", "allow"),
        ("twilio", "POST /2010-04-01/Accounts/AC1/Messages.json", "deny"),
    ] {
        assert_eq!(decided(kind, line), expected, "{kind}: {line}");
    }
}

#[test]
fn a_read_that_shows_a_secret_or_changes_something_is_in_no_preset() {
    for (kind, line) in [
        // The answer holds the auth token of the account.
        ("twilio", "GET /2010-04-01/Accounts.json"),
        ("twilio", "GET /2010-04-01/Accounts/AC1.json"),
        ("twilio", "GET /2010-04-01/Accounts/AC1"),
        ("twilio", "GET /2010-04-01/Accounts/AC1/"),
        ("stripe", "GET /v1/apps/secrets/find?name=key"),
        ("stripe", "GET /v1/issuing/cards/ic_1?expand[]=number&expand[]=cvc"),
        ("stripe", "GET /v1/issuing/cards/ic_1/?expand%5B0%5D=cvc"),
        ("gitlab", "GET /api/v4/projects/7/variables"),
        ("gitlab", "GET /api/v4/projects/7"),
        ("gitlab", "GET /api/v4/projects/7/merge_requests/1/merge_ref"),
        ("gitlab", "GET /api/v4/projects/7/repository/health?generate=true"),
        ("gitea", "GET /api/v1/repos/acme/site/hooks"),
        ("gitea", "GET /api/v1/repos/acme/site/actions/secrets"),
        ("gitea", "GET /api/v1/user/actions/runners/registration-token"),
        ("gitea", "GET /api/v1/user/applications/oauth2"),
        ("github", "GET /repositories/7/secret-scanning/alerts"),
        ("github", "GET /organizations/7/secret-scanning/alerts?per_page=100"),
        ("github", "GET /enterprises/acme/secret-scanning/alerts"),
        ("github-oauth", "GET /repos/acme/site/Secret-Scanning/alerts/1"),
        ("google-drive", "GET /drive/v3/files/generateCseToken"),
        ("microsoft-graph", "GET /informationProtection/bitlocker/recoveryKeys/7?$select=key"),
        ("microsoft-graph", "GET /directory/deviceLocalCredentials('7')?$select=credentials"),
        // What the user viewed last is another project.
        ("jira", "GET /rest/api/3/issue/ACME-1?updateHistory=true"),
        ("jira-token", "GET /rest/agile/1.0/issue/ACME-1?updatehistory=true"),
        // The container lasts longer.
        ("openai", "GET /containers/cntr_1"),
        // The method of HTTP says nothing.
        ("slack", "GET /chat.postMessage?channel=C1&text=hello"),
        ("slack", "GET /conversations.archive?channel=C1"),
    ] {
        assert_eq!(decided(kind, line), "deny", "{kind}: {line}");
    }
}

#[test]
fn the_exceptions_of_a_kind_decide_how_its_paths_are_read() {
    let path = "GET /api/v4/projects/group%2Fproject/issues";
    assert_eq!(decided("gitlab", path), "allow");
    assert_eq!(decided("gitlab-self-managed-oauth", path), "allow");
    assert_eq!(decided("github", "GET /repos/acme%2Fsite"), "refused");
    assert_eq!(decided("gitlab", "GET /api/v4/projects/group%2F..%2Fother/issues"), "refused");
}
