//! Connections: lists of them, one in full, and what a program does with one.

use std::collections::BTreeMap;

use connection_api::{
    Connection, ConnectionPage, Empty, Refreshed, Removal, Removed, Rename, SetDefault, SetTags, ShownConnection,
    Verification,
};

use crate::{Client, ConnectionFilter, Error};

impl Client {
    /// Returns a page of connections.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn connections(&self, filter: &ConnectionFilter) -> Result<ConnectionPage, Error> {
        let call = self.get(&["connections"]);
        let call = call.query("kind", filter.kind.as_ref()).query("provider", filter.provider.as_ref());
        let call = call.query("state", filter.state.as_ref()).query("extension", filter.extension.as_ref());
        let call = call.query("search", filter.search.as_ref()).query("tag", filter.tag.as_ref());
        call.query("limit", filter.limit).query("after", filter.after.as_ref()).answer().await
    }

    /// Returns the connection with this id.
    ///
    /// # Errors
    ///
    /// As [`connections`](Self::connections); with the code `not_found` if there is none.
    pub async fn connection(&self, id: &str) -> Result<ShownConnection, Error> {
        self.get(&["connections", id]).answer().await
    }

    /// Verifies a connection at its provider, and returns it with the result. During a pause that the provider asked for,
    /// nothing is sent: see [`paused_until`](Connection::paused_until).
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection). A connection that does not work is no error.
    pub async fn verify(&self, id: &str) -> Result<Connection, Error> {
        self.post(&["connections", id, "verify"]).body(&Verification::default(), 0).answer().await
    }

    /// Verifies a connection as [`verify`](Self::verify) does, also during a pause that the provider asked for. With a token
    /// that may not refresh the connection, this is [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_now(&self, id: &str) -> Result<Connection, Error> {
        self.post(&["connections", id, "verify"]).body(&Verification { now: true }, 0).answer().await
    }

    /// Refreshes the credential of a connection now, and returns the outcome.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `not_renewed` if the provider gave no new credential.
    pub async fn refresh(&self, id: &str) -> Result<Refreshed, Error> {
        self.post(&["connections", id, "refresh"]).body(&Empty {}, 0).answer().await
    }

    /// Returns to the credential before the last re-authorization, and returns the connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `no_previous` if there is none.
    pub async fn roll_back(&self, id: &str) -> Result<Connection, Error> {
        self.post(&["connections", id, "rollback"]).body(&Empty {}, 0).answer().await
    }

    /// Changes the label of a connection, and returns the connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `label_taken` if another connection of the kind has the label.
    pub async fn rename(&self, id: &str, label: &str) -> Result<Connection, Error> {
        self.patch(&["connections", id]).body(&Rename { label: label.to_owned() }, 0).answer().await
    }

    /// Sets the tags of a connection, in place of those that it had, and returns the connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `invalid_tags` for tags that the server does not accept.
    pub async fn set_tags(&self, id: &str, tags: &BTreeMap<String, String>) -> Result<Connection, Error> {
        self.put(&["connections", id, "tags"]).body(&SetTags { tags: tags.clone() }, 0).answer().await
    }

    /// Makes a connection the default of its provider, or leaves the provider without a default, and returns the
    /// connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection).
    pub async fn set_default(&self, id: &str, is_default: bool) -> Result<Connection, Error> {
        self.post(&["connections", id, "default"]).body(&SetDefault { default: is_default }, 0).answer().await
    }

    /// Returns what a removal would do.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection).
    pub async fn removal(&self, id: &str) -> Result<Removal, Error> {
        self.get(&["connections", id, "removal"]).answer().await
    }

    /// Removes a connection, and revokes at the provider what its setup created there.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection). A credential that was not revoked is no error.
    pub async fn remove(&self, id: &str) -> Result<Removed, Error> {
        self.delete(&["connections", id]).answer().await
    }

    /// Removes a connection as [`remove`](Self::remove) does, and also revokes a credential that a person entered, if
    /// the kind can.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub async fn remove_and_revoke(&self, id: &str) -> Result<Removed, Error> {
        self.delete(&["connections", id]).query("revoke", Some(true)).answer().await
    }
}
