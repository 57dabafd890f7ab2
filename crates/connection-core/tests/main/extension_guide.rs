//! A host and its extensions, as shown in the guide.

use connection_contract::{ExtensionDeclaration, Kind, SecretName};
use connection_core::{
    ConnectionId, ConnectionRegistry, ConnectionStatus, Error, ExtensionHandle, Outcome, RequiredAction, SetupSession,
};

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, secret_name},
    test_host::{World, answers, step},
};

// region: offer
/// Creates the handle of an extension and resolves its requirement. If no connection satisfies the requirement, the
/// result is logged, so that a person sees how to connect.
async fn offer(registry: &ConnectionRegistry, declaration: ExtensionDeclaration) -> Result<ExtensionHandle, Error> {
    let handle = registry.extensions().handle(declaration)?;
    let resolved = handle.resolve(handle.requirement()).await?;
    if resolved.status != ConnectionStatus::Connected {
        tracing::info!(resolved = %resolved.to_json(), "shown to the person");
    }
    Ok(handle)
}
// end: offer

// region: connect
/// Begins the setup in which a person connects what the extension needs, and which grants it the connection.
async fn connect(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> Result<Option<SetupSession>, Error> {
    match handle.connection_required().await? {
        Some(view) if view.action == RequiredAction::Connect => {
            let kind: &Kind = &view.kinds[0];
            registry.setups().begin(kind).extension(handle).await.map(Some)
        }
        _ => Ok(None),
    }
}
// end: connect

// region: grant
/// Grants the same connection to another extension, and then revokes the grant.
async fn share(registry: &ConnectionRegistry, connection: ConnectionId, token: SecretName) -> Result<(), Error> {
    registry.extensions().grant("release-notes", connection, &[token]).await?;
    registry.extensions().revoke("release-notes", connection).await?;
    Ok(())
}
// end: grant

// region: use
/// Sends a request with the credential attached, uses a secret during one call, and lists the variables of a command.
async fn list(handle: &ExtensionHandle) -> Result<Vec<String>, Error> {
    let request = handle.request("GET", "/me").await?;
    let answer = handle.send(request).await?;
    let length = handle.with_access_token(handle.requirement(), async |token| token.expose().len()).await?;
    let context = handle.inject(Some("list")).await?;
    let variables = context.environment()?;
    let names = variables.into_iter().map(|(name, _)| name);
    Ok([answer.status().to_string(), length.to_string()].into_iter().chain(names).collect())
}
// end: use

// region: settings
/// Changes a setting, unless the settings were changed after they were read.
async fn open_behind(handle: &ExtensionHandle) -> Result<(), Error> {
    let settings = handle.preferences(None).await?;
    handle.set_preferences(None).set("open", true).expected(settings.revisions).await?;
    Ok(())
}
// end: settings

#[tokio::test]
async fn a_host_as_the_guide_has_it_connects_shares_and_uses() {
    let world = World::new().await;
    let registry = world.acme().await;
    let handle = offer(&registry, acme_extension("issues")).await.unwrap();
    let session = connect(&registry, &handle).await.unwrap().expect("it is missing");
    assert_eq!(*session.kind(), KIND);
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    // The connection has its own `apiBaseUrl`, so the preference is not passed beside it.
    let preferences = ["DEFAULT_DATABASE", "OPEN", "LAYOUT", "LIMIT"];
    let preferences = preferences.map(|name| format!("PREFERENCE_{name}"));
    let first = ["200", "5", "ACCESS_TOKEN", "PUBLIC_API_BASE_URL"].map(str::to_owned);
    let others = preferences.to_vec();
    assert_eq!(list(&handle).await.unwrap(), [first.to_vec(), others].concat());
    assert!(connect(&registry, &handle).await.unwrap().is_none());
    share(&registry, done.connection, secret_name("accessToken")).await.unwrap();
    open_behind(&handle).await.unwrap();
    assert_eq!(handle.preferences(None).await.unwrap().set, ["open"]);
}
