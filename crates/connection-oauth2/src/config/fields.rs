//! The fields that the flow itself may ask for, in addition to those that a configuration declares.

use connection_contract::{Field, Input, SetupMethod};

use super::{Client, ClientAuth, Grant, Method};

/// The key of an OAuth application in the sealed values of the key-value store.
///
/// An application that registered itself, or that the host provides, is a secret of the kind. An application that a
/// setup asked for is shared by the kinds of the provider that send its secret to the same origins. After it is
/// removed, the next setup asks again.
pub const CLIENT_KEY: &str = "oauth2-client";

/// The key of the address of a document that describes the host as an application. A host without a public address may
/// provide it as a secret value of a kind that discovers its authorization servers
/// (draft-ietf-oauth-client-id-metadata-document).
pub const CLIENT_DOCUMENT_KEY: &str = "client-document";

/// The name of the secret value that holds the private key with which the host authenticates as an application that a
/// document describes, as PKCS#8 in PEM. The host derives it for kinds that learn addresses from their provider.
pub const CLIENT_SIGNING_KEY: &str = "client-signing-key";

/// The names of these fields, which no field of a configuration may have.
pub(super) const OWN: [&str; 6] = ["callbackUrl", "clientId", "clientSecret", "method", "password", "username"];

/// Returns the fields that a kind with this configuration may ask for.
pub(super) fn own(
    client: &Client,
    auth: &ClientAuth,
    grant: Grant,
    methods: &[Method],
    ask_method: bool,
) -> Vec<Field> {
    let mut fields = Vec::new();
    if matches!(client, Client::Prompted | Client::PerConnection) {
        // The application of a single connection is stored with that connection.
        let kept = |field: Field| if matches!(client, Client::Prompted) { field.kept(CLIENT_KEY) } else { field };
        fields.push(kept(Field::text("clientId", "Client ID").key().help("from the application that you registered")));
        let key = matches!(auth, ClientAuth::PrivateKeyJwt(_));
        let label = if key { "Private key (PKCS#8, PEM)" } else { "Client secret" };
        if *auth != ClientAuth::None {
            let field = Field::secret("clientSecret", label);
            let help = "the whole text of its file, which begins with -----BEGIN PRIVATE KEY-----";
            fields.push(kept(if key { field.private_key().help(help) } else { field.key() }));
        }
    }
    if grant == Grant::Password {
        fields.push(Field::text("username", "User name"));
        fields.push(Field::secret("password", "Password"));
    }
    if methods.contains(&Method::Paste) {
        let help = "the whole address on which the browser ends after you allow access";
        fields.push(
            Field::secret("callbackUrl", "Address, or the code in it")
                .key()
                .help(help)
                .setup_method(SetupMethod::Paste),
        );
    }
    if ask_method && methods.len() > 1 {
        let choice = |method: &Method| {
            let label = match method {
                Method::Browser => "in a browser on this machine",
                Method::Device => "with a code, on any machine",
                Method::Paste => "in any browser, and paste the address it ends on",
            };
            (method.value().into(), label.into())
        };
        let choices = methods.iter().map(choice).collect();
        fields.push(Field::new("method", "How to authorize", Input::Choice(choices)));
    }
    fields
}
