//! The kinds of connections that a server can make.

use connection_api::{AcceptKind, ForgottenClient, Kind, KindChanges, ListedKind, Page};

use crate::{Client, Error};

impl Client {
    /// Returns the kinds of the server, by title.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn kinds(&self) -> Result<Vec<ListedKind>, Error> {
        self.get(&["kinds"]).answer().await.map(|page: Page<ListedKind>| page.items)
    }

    /// Returns a kind, with its guide and its fields.
    ///
    /// # Errors
    ///
    /// As [`kinds`](Self::kinds); with the code `unknown_kind` if there is none.
    pub async fn kind(&self, kind: &str) -> Result<Kind, Error> {
        self.get(&["kinds", kind]).answer().await
    }

    /// Returns how a kind changed since accounts were connected. They are not used until the change is accepted.
    ///
    /// # Errors
    ///
    /// As [`kind`](Self::kind).
    pub async fn kind_changes(&self, kind: &str) -> Result<KindChanges, Error> {
        self.get(&["kinds", kind, "accept"]).answer().await
    }

    /// Accepts the changes of a kind that a person has seen, by the text that came with them.
    ///
    /// # Errors
    ///
    /// As [`kind`](Self::kind); with the code `revision_changed` if the kind has changed again.
    pub async fn accept_kind(&self, kind: &str, seen: &str) -> Result<KindChanges, Error> {
        self.post(&["kinds", kind, "accept"]).body(&AcceptKind { seen: seen.to_owned() }, 0).answer().await
    }

    /// Forgets the application that is kept for a kind, so that the next setup asks for it again.
    ///
    /// # Errors
    ///
    /// As [`kind`](Self::kind).
    pub async fn forget_client(&self, kind: &str) -> Result<ForgottenClient, Error> {
        self.delete(&["kinds", kind, "client"]).answer().await
    }
}
