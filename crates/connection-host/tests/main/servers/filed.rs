//! An application whose secret is in a file of the host.

use std::{path::Path, sync::Arc};

use connection_contract::Secret;
use connection_core::{HostSecret, Outcome, SecretFile};
use connection_faults::oidc::{CLIENT, OidcServer, SECRET};
use connection_oauth2::{CLIENT_KEY, Client, client_value, oauth2};

use super::{Host, REAL, browsed, discovered, opened, parameters, passing, step};

/// The secret of an application, as the program provides a configured one.
#[derive(Debug)]
struct Filed(SecretFile);

#[async_trait::async_trait]
impl HostSecret for Filed {
    async fn read(&self) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
        Ok(client_value(CLIENT, Some(&self.0.read().await?)))
    }
}

#[tokio::test]
async fn a_secret_that_was_replaced_in_its_file_works_at_the_next_renewal() {
    let Some(server) = OidcServer::start(r#"{"redirectUris": ["http://127.0.0.1/callback"]}"#) else { return };
    let config = || discovered(&server, CLIENT, Some(SECRET)).client(Client::Prompted).build().unwrap();
    let host = Host::open(server.issuer(), config()).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    private(&path, SECRET);
    let given = Arc::new(Filed(SecretFile::at(&path)));
    let builder = host.builder(server.issuer()).secret_value(REAL, CLIENT_KEY, given);
    let registry = builder.kind(oauth2(config())).open().await.unwrap();
    let session = registry.setups().begin(&REAL).await.unwrap();
    let (_, shown) = step(&session).await;
    registry.setups().deliver(parameters(&browsed(opened(&shown)).await)).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    let Outcome::Done(done) = outcome else { panic!("not connected: {outcome:?}") };
    let connection = registry.connection(done.connection).await.unwrap();
    // The control: the file is read again, and its content is sent to the provider.
    private(&path, "replaced at the provider");
    connection.refresh().await.unwrap_err();
    private(&path, SECRET);
    let before = server.token_requests().len();
    passing(&host, &server, connection.refresh()).await.unwrap();
    assert_eq!(server.token_requests().len(), before + 1);
    registry.close().await;
    host.close().await;
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("it is written");
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is there");
}
