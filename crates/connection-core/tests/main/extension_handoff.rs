//! A person is sent to the host's settings and connects there, and the extension continues, even in another
//! process.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use connection_contract::{AuthType, Requirement};
use connection_core::{
    ConnectionRegistry, ConnectionStatus, Error, ExtensionHandle, HandOffError, HandedOff, NativeExtensionSettings,
    Outcome, RequiredAction, ResolvedConnection, RetryOutcome, RetryTicket, SettingsHandOff,
};

use crate::{
    acme::{Acme, KIND},
    extension_kit::{GUIDE, TWIN, acme_extension, handle, keys_are_accounts, needs, of, refuses},
    sql,
    test_host::{World, answers, code, connected, step},
};

/// The settings of a host: begins a setup when a connection is requested, or a re-authorization of one that fails.
#[derive(Default)]
pub(crate) struct Settings {
    registry: OnceLock<ConnectionRegistry>,
    opened: Mutex<Vec<String>>,
}

#[async_trait]
impl SettingsHandOff for Settings {
    async fn open_extension_preferences(&self, owner: &str, extension: &str) -> Result<HandedOff, HandOffError> {
        self.opened.lock().unwrap().push(format!("{owner} {extension}"));
        Ok(HandedOff::shown())
    }

    async fn open_command_preferences(
        &self,
        owner: &str,
        extension: &str,
        command: &str,
    ) -> Result<HandedOff, HandOffError> {
        self.opened.lock().unwrap().push(format!("{owner} {extension} {command}"));
        Err(HandOffError::new("no window can be opened"))
    }

    async fn open_native_extension_settings(
        &self,
        owner: &str,
        settings: NativeExtensionSettings,
    ) -> Result<HandedOff, HandOffError> {
        self.opened.lock().unwrap().push(format!("{owner} {settings:?}"));
        let registry = self.registry.get().unwrap();
        let handle = handle(registry, &settings.extension_name);
        let session = match handle.connection_required().await.unwrap().map(|view| view.action) {
            Some(RequiredAction::Reauthorize) => {
                let failing = handle.resolve(handle.requirement()).await.unwrap().connection().unwrap();
                registry.connection(failing).await.unwrap().reauthorize().extension(&handle).await
            }
            _ => registry.setups().begin(&handle.kinds_for_setup()[0]).extension(&handle).await,
        };
        Ok(HandedOff::setup(session.map_err(|error| HandOffError::new(error.to_string()))?.id()))
    }
}

pub(crate) async fn open(world: &World) -> (ConnectionRegistry, Arc<Settings>) {
    let settings = Arc::new(Settings::default());
    let registry = world.builder().settings(settings.clone()).kind(Acme::default()).open().await.unwrap();
    settings.registry.set(registry.clone()).unwrap();
    (registry, settings)
}

/// Types a key into the setup that was begun last.
pub(crate) async fn answered(registry: &ConnectionRegistry, key: &str) -> Outcome {
    let session = registry.setups().resume(registry.setups().list().await.unwrap().last().unwrap().id).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    session.terminal().await.unwrap()
}

pub(crate) fn word(outcome: &RetryOutcome) -> String {
    match outcome {
        RetryOutcome::Connected { command, .. } => format!("connected {command:?}"),
        RetryOutcome::NotGranted(resolved) => format!("not granted, {}", resolved.status),
        RetryOutcome::StillMissing(resolved) => format!("{}", resolved.status),
        RetryOutcome::SetupFailed(failure) => failure.code.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn token(handle: &ExtensionHandle) -> Result<Vec<u8>, Error> {
    handle.with_access_token(handle.requirement(), async |token| token.expose().to_vec()).await
}

/// Returns the status on five paths: a person's settings, a command, a list of what an agent may mention, an
/// extension that is loaded, and one of its calls.
async fn by_five_paths(registry: &ConnectionRegistry) -> [String; 5] {
    let issues = handle(registry, "issues");
    let status = |resolved: Result<ResolvedConnection, Error>| resolved.unwrap().status.to_string();
    let used = |used: Result<(), Error>| used.map_or_else(|error| error.code().to_owned(), |()| "used".to_owned());
    let listed = registry.extensions().resolve_all(&[acme_extension("issues")]).await.unwrap().remove(0);
    [
        format!("{:?}", issues.connection_required().await.unwrap().map(|view| view.action)),
        used(issues.inject(Some("list")).await.map(drop)),
        status(listed),
        status(issues.resolve(issues.requirement()).await),
        used(token(&issues).await.map(drop)),
    ]
}

/// R-JINGLE-029
#[tokio::test]
async fn a_secret_is_set_once_and_five_paths_see_it_by_one_resolver() {
    let world = World::new().await;
    let (registry, _settings) = open(&world).await;
    let beside = world.builder().kind(Acme::default()).open().await.unwrap();
    let all_see = async |expected: [&str; 5]| {
        for registry in [&registry, &beside] {
            assert_eq!(by_five_paths(registry).await, expected);
        }
    };
    all_see(["Some(Connect)", "connection_missing", "missing", "missing", "connection_missing"]).await;
    handle(&registry, "issues").open_native_extension_settings(Some("list")).await.unwrap();
    assert!(matches!(answered(&registry, "key-1").await, Outcome::Done(_)));
    all_see(["None", "used", "connected", "connected", "used"]).await;
    refuses(&world);
    let resolved = handle(&registry, "issues").resolve(handle(&registry, "issues").requirement()).await.unwrap();
    registry.connection(resolved.connection().unwrap()).await.unwrap().verify().await.unwrap();
    all_see(["Some(Reauthorize)", "connection_failed", "failed", "failed", "connection_failed"]).await;
}

/// R-JINGLE-060 and R-JINGLE-061
#[tokio::test]
async fn what_is_missing_is_connected_by_the_hand_off_and_the_command_goes_on_in_another_process() {
    let world = World::new().await;
    let (registry, settings) = open(&world).await;
    let issues = handle(&registry, "issues");
    let required = issues.connection_required().await.unwrap().unwrap();
    assert_eq!((required.title.as_str(), required.guide.unwrap().as_str()), ("Acme", GUIDE));
    assert_eq!((required.action, required.kinds), (RequiredAction::Connect, vec![KIND]));
    let ticket = issues.open_native_extension_settings(Some("list")).await.unwrap();
    let opened = settings.opened.lock().unwrap().clone();
    assert!(opened[0].starts_with("local NativeExtensionSettings") && opened[0].contains("\"list\""), "{opened:?}");
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "missing");
    assert!(matches!(answered(&registry, "key-1").await, Outcome::Done(_)));
    // Connecting for an extension also grants it the connection.
    assert_eq!(token(&issues).await.unwrap(), b"key-1");
    assert!(issues.connection_required().await.unwrap().is_none());
    let granted = "SELECT body FROM connection_event WHERE kind = 'extension_granted'";
    assert!(sql::texts(&world.database(), granted).await[0].contains(r#""names":["accessToken"],"session":""#));
    let ticket: RetryTicket = ticket.to_string().parse().unwrap();
    let other = open(&world).await.0;
    let there = handle(&other, "issues");
    assert_eq!(word(&there.retry(ticket).await.unwrap()), r#"connected Some("list")"#);
    assert_eq!(token(&there).await.unwrap(), b"key-1");
    // Another extension has neither the ticket nor the grant.
    let foreign = handle(&other, "foreign");
    assert_eq!(foreign.retry(ticket).await.unwrap_err().code(), "unknown_ticket");
    assert_eq!(foreign.connection_required().await.unwrap().unwrap().action, RequiredAction::Grant);
    assert_eq!(token(&foreign).await.unwrap_err().code(), "not_granted");
}

#[tokio::test]
async fn a_setup_that_fails_or_is_cancelled_is_told_and_can_be_begun_again() {
    let world = World::new().await;
    let (registry, _) = open(&world).await;
    let issues = handle(&registry, "issues");
    refuses(&world);
    let failed = issues.open_native_extension_settings(None).await.unwrap();
    assert_eq!(code(&answered(&registry, "key-1").await), "unauthorized");
    assert_eq!(word(&issues.retry(failed).await.unwrap()), "unauthorized");
    let cancelled = issues.open_native_extension_settings(None).await.unwrap();
    let session = registry.setups().list().await.unwrap().pop().unwrap().id;
    registry.setups().resume(session).await.unwrap().cancel().await.unwrap();
    assert_eq!(word(&issues.retry(cancelled).await.unwrap()), "setup_cancelled");
    assert!(registry.extensions().grants().await.unwrap().is_empty());
    keys_are_accounts(&world);
    let again = issues.open_native_extension_settings(None).await.unwrap();
    answered(&registry, "key-1").await;
    assert_eq!(word(&issues.retry(again).await.unwrap()), "connected None");
    assert_eq!(word(&issues.retry(failed).await.unwrap()), "connected None", "however it came to be");
}

/// R-JINGLE-047: the connection satisfies what the extension needs at the commit, or nothing is connected.
#[tokio::test]
async fn a_declaration_that_changes_in_mid_setup_is_refused_at_the_commit_and_leaves_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let changed: Requirement = needs(KIND, AuthType::PersonalAccessToken, &["accessToken"]);
    for how in ["added again", "removed", "declared again", "the same"] {
        registry.extensions().add(&acme_extension("issues"), "1").await.unwrap();
        if how == "declared again" {
            registry.extensions().remove("issues").await.unwrap();
        }
        let issues = handle(&registry, "issues");
        let before = issues.revisions(None).await.unwrap();
        let session = registry.setups().begin(&KIND).extension(&issues).await.unwrap();
        let listed = registry.setups().list().await.unwrap();
        assert_eq!(listed.last().unwrap().extension.as_deref(), Some("issues"));
        let (no, _) = step(&session).await;
        match how {
            "added again" => drop(registry.extensions().add(&of("issues", changed.clone()), "2").await.unwrap()),
            "removed" => drop(registry.extensions().remove("issues").await.unwrap()),
            "declared again" => drop(registry.extensions().handle(of("issues", changed.clone())).unwrap()),
            _ => drop(handle(&registry, "issues")),
        }
        session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        if how == "the same" {
            assert!(matches!(outcome, Outcome::Done(_)), "the control: {outcome:?}");
            return;
        }
        let Outcome::Failed(failure) = outcome else { panic!("{how}") };
        assert_eq!(failure.code, "connection_changed", "{how}");
        assert!(registry.extensions().grants().await.unwrap().is_empty(), "{how}");
        assert_eq!(issues.revisions(None).await.unwrap(), before, "{how}");
        assert_eq!(sql::number(&world.database(), "SELECT count(*) FROM connection_account").await, Some(0));
    }
}

#[tokio::test]
async fn a_setup_for_an_extension_is_of_its_provider_and_of_the_declaration_that_counts() {
    let world = World::new().await;
    let registry = world.acme().await;
    registry.kinds().register(crate::extension_kit::Twin::new()).unwrap();
    let old = handle(&registry, "issues");
    let error = registry.setups().begin(&TWIN).extension(&old).await.unwrap_err();
    assert_eq!(error.to_string(), "'issues' needs a connection to 'acme', but 'twin' belongs to another provider");
    let newer = of("issues", needs(KIND, AuthType::PersonalAccessToken, &["accessToken"]));
    registry.extensions().add(&newer, "2").await.unwrap();
    assert_eq!(registry.setups().begin(&KIND).extension(&old).await.unwrap_err().code(), "settings_changed");
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_host_without_settings_or_whose_settings_fail_says_so() {
    let world = World::new().await;
    let (registry, settings) = open(&world).await;
    let plain = world.acme().await;
    let error = handle(&plain, "issues").open_extension_preferences().await.unwrap_err();
    assert_eq!(error.to_string(), "this host has no settings that 'issues' could open");
    let issues = handle(&registry, "issues");
    issues.open_extension_preferences().await.unwrap();
    let error = issues.open_command_preferences("list").await.unwrap_err();
    assert_eq!(error.to_string(), "the settings of 'issues' could not be opened: no window can be opened");
    assert_eq!(issues.open_command_preferences("nothing").await.unwrap_err().code(), "undeclared");
    assert_eq!(*settings.opened.lock().unwrap(), ["local issues", "local issues list"]);
}

#[tokio::test]
async fn each_thing_that_stands_in_the_way_has_its_own_action() {
    let world = World::new().await;
    keys_are_accounts(&world);
    let registry = world.acme().await;
    let issues = handle(&registry, "issues");
    let action = async |handle: &ExtensionHandle| handle.connection_required().await.unwrap().map(|view| view.action);
    let odd = registry
        .extensions()
        .handle(of("odd", needs(KIND, AuthType::ApiKey, &["accessToken", "nobodyHasThis"])))
        .unwrap();
    assert_eq!(action(&odd).await, Some(RequiredAction::Unavailable));
    assert_eq!(odd.resolve(odd.requirement()).await.unwrap().status, ConnectionStatus::Missing);
    let one = connected(&registry, "one").await;
    let two = connected(&registry, "two").await;
    one.clear_default().await.unwrap();
    assert_eq!(action(&issues).await, Some(RequiredAction::Choose));
    registry.remove(two.id()).await.unwrap();
    assert_eq!(action(&issues).await, Some(RequiredAction::Grant));
    refuses(&world);
    one.verify().await.unwrap();
    assert_eq!(action(&issues).await, Some(RequiredAction::Reauthorize));
}

#[tokio::test]
async fn a_connection_that_is_there_and_not_granted_is_no_end_of_a_hand_off() {
    let world = World::new().await;
    let (registry, _) = open(&world).await;
    let issues = handle(&registry, "issues");
    let ticket = issues.open_native_extension_settings(Some("list")).await.unwrap();
    // A person connects it without the setup that was begun.
    let connection = connected(&registry, "key-1").await;
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "not granted, connected");
    registry.extensions().grant("issues", connection.id(), &[]).await.unwrap();
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), "not granted, connected", "without the secret");
    registry.extensions().grant("issues", connection.id(), &issues.requirement().auth.secret_names).await.unwrap();
    assert_eq!(word(&issues.retry(ticket).await.unwrap()), r#"connected Some("list")"#);
}

/// If the process ends between the host's action and its answer, the ticket for it remains.
#[tokio::test]
async fn a_ticket_is_there_before_the_host_acts_and_goes_when_it_could_not() {
    let world = World::new().await;
    let (registry, settings) = open(&world).await;
    let issues = handle(&registry, "issues");
    sql::refuse(&world.database(), "INSERT ON connection_extension_ticket").await;
    assert!(issues.open_native_extension_settings(None).await.is_err());
    assert!(settings.opened.lock().unwrap().is_empty(), "nothing is begun that nobody has a ticket for");
    sql::refuse_no_more(&world.database()).await;
    assert!(issues.open_command_preferences("list").await.is_err());
    let count = "SELECT count(*) FROM connection_extension_ticket";
    assert_eq!(sql::number(&world.database(), count).await, Some(0));
    issues.open_native_extension_settings(None).await.unwrap();
    let begun = "SELECT count(*) FROM connection_extension_ticket WHERE session_id IS NOT NULL";
    assert_eq!(sql::number(&world.database(), begun).await, Some(1));
}
