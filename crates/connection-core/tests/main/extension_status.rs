//! The status computed from presence and measurements, each cell of its table; then the same for real rows.

use connection_contract::{AuthType, Liveness, Platform, RequirementAuth, RequirementOAuth, RequirementRedirect};
use connection_core::{ConnectionStatus, Readiness, status};

use crate::{
    acme::KIND,
    extension_kit::{acme_extension, handle, needs, of, refuses, secret_name},
    test_host::{World, connected},
};

#[test]
fn each_cell_of_the_table_is_as_documented() {
    use ConnectionStatus::{Connected, Failed, Missing, Unsupported};
    use Liveness::{Failing, Live, Offline, Unknown};
    let missing = Readiness::Missing(vec![secret_name("accessToken")]);
    let unsupported = Readiness::Unsupported("not here".into());
    let table = [
        (&Readiness::Ready, [Connected, Connected, Connected, Failed]),
        (&missing, [Missing, Missing, Missing, Missing]),
        (&unsupported, [Unsupported, Unsupported, Unsupported, Unsupported]),
    ];
    for (readiness, row) in table {
        let found = [Live, Unknown, Offline, Failing].map(|liveness| status(readiness, liveness));
        assert_eq!(found, row, "{readiness:?}");
    }
}

#[tokio::test]
async fn a_row_is_connected_until_the_provider_refuses_it_also_while_nobody_can_be_asked() {
    let world = World::new().await;
    let registry = world.acme().await;
    let handle = handle(&registry, "issues");
    let found = handle.resolve(handle.requirement()).await.unwrap();
    assert_eq!((found.status, found.error), (ConnectionStatus::Missing, None));
    assert_eq!(found.missing_secret_names, [secret_name("accessToken")]);
    let connection = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let found = handle.resolve(handle.requirement()).await.unwrap();
    assert_eq!((found.status, found.connection()), (ConnectionStatus::Connected, Some(connection.id())));
    assert_eq!(world.server.requests().len(), before, "nobody was asked");
    world.provider(|_| crate::test_server::Reply::whole(503, "", ""));
    connection.verify().await.unwrap();
    let found = handle.resolve(handle.requirement()).await.unwrap();
    assert_eq!((found.status, found.liveness()), (ConnectionStatus::Connected, Liveness::Offline));
    refuses(&world);
    connection.verify().await.unwrap();
    let found = handle.resolve(handle.requirement()).await.unwrap();
    assert_eq!((found.status, found.liveness()), (ConnectionStatus::Failed, Liveness::Failing));
    assert!(found.missing_secret_names.is_empty());
    assert_eq!(
        found.to_json().to_string(),
        r#"{"connectionId":"default","error":{"code":"unauthorized","message":"api.acme.example answered 401 Unauthorized: the provider refuses the credential","remedy":"authorize this connection again with a valid credential"},"extensionName":"issues","missingSecretNames":[],"provider":"acme","publicConfig":{"apiBaseUrl":"https://api.acme.example"},"status":"failed"}"#
    );
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(handle.resolve(handle.requirement()).await.unwrap().status, ConnectionStatus::Missing);
}

/// R-JINGLE-022 and R-JINGLE-028
#[tokio::test]
async fn what_needs_nothing_is_connected_where_it_runs_and_unsupported_elsewhere() {
    let world = World::new().await;
    let registry = world.acme().await;
    let elsewhere = if cfg!(target_os = "macos") { Platform::Linux } else { Platform::Darwin };
    let all = [Platform::Darwin, Platform::Linux, Platform::Win32];
    let reminders = || of("reminders", needs(KIND, AuthType::None, &[]));
    let found = [
        reminders(),
        all.into_iter().fold(reminders(), connection_contract::ExtensionDeclaration::platform),
        reminders().platform(elsewhere),
        acme_extension("issues").platform(elsewhere),
    ]
    .map(|declaration| registry.extensions().handle(declaration).unwrap());
    let mut statuses = Vec::new();
    for handle in &found {
        let resolved = handle.resolve(handle.requirement()).await.unwrap();
        assert!(resolved.missing_secret_names.is_empty());
        assert_eq!(resolved.error.is_some(), resolved.status == ConnectionStatus::Unsupported);
        statuses.push(resolved.status.as_str());
    }
    assert_eq!(statuses, ["connected", "connected", "unsupported", "unsupported"]);
    // An extension for another platform stays unsupported, whatever is connected.
    connected(&registry, "key-1").await;
    let resolved = found[3].resolve(found[3].requirement()).await.unwrap();
    assert_eq!(resolved.status, ConnectionStatus::Unsupported);
}

#[tokio::test]
async fn a_redirect_that_nobody_knows_is_unsupported_and_no_error_and_a_connection_that_is_there_serves() {
    let world = World::new().await;
    let registry = world.acme().await;
    let by = |redirect| {
        let oauth = RequirementOAuth::new("https://acme.example/a", "https://acme.example/t", "client", redirect);
        let auth = RequirementAuth::new(AuthType::OAuth, [secret_name("accessToken")]).oauth(oauth);
        let requirement = connection_contract::Requirement::new("default", KIND, "Acme", auth);
        registry.extensions().handle(of("issues", requirement)).unwrap()
    };
    let unknown = by(RequirementRedirect::Other("carrier-pigeon".into()));
    let known = by(RequirementRedirect::Loopback);
    let found = unknown.resolve(unknown.requirement()).await.unwrap();
    assert_eq!(found.status, ConnectionStatus::Unsupported);
    let json = found.to_json();
    let error = found.error.unwrap();
    assert_eq!(error.code, "connection_unsupported");
    assert!(error.message.as_str().contains("carrier-pigeon"));
    assert_eq!(
        json.to_string(),
        r#"{"connectionId":"default","error":{"code":"connection_unsupported","message":"this host does not know the redirect type 'carrier-pigeon'","remedy":null},"extensionName":"issues","missingSecretNames":[],"provider":"acme","publicConfig":{},"status":"unsupported"}"#
    );
    assert_eq!(known.resolve(known.requirement()).await.unwrap().status, ConnectionStatus::Missing);
    // The form of authentication determines how a new connection is made, and says nothing about an existing one.
    connected(&registry, "key-1").await;
    for handle in [unknown, known] {
        assert_eq!(handle.resolve(handle.requirement()).await.unwrap().status, ConnectionStatus::Connected);
    }
}
