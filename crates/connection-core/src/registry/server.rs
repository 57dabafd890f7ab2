//! The face for servers: the state of this process and its store, and what a receiver of requests needs.

use std::sync::Arc;

use connection_contract::{BoxFuture, HttpError, HttpResponse, Kind, Secret, encode, host};

use super::{AnswerRoom, ConnectionRegistry};
use crate::{
    Clock, ConnectionId, Error, ProfileId, WeakConnectionRegistry, connection,
    store::{OfKindRow, called},
};

/// Number of connections of a kind that are read at once.
const KIND_PAGE: i64 = 500;

/// A connection in a list of one [kind](Server::connections_of_kind).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindConnection {
    /// The id of the connection.
    pub id: ConnectionId,
    /// The owner that the connection belongs to.
    pub owner: String,
    /// The profile of the kind's tool that the connection belongs to.
    pub profile: Option<ProfileId>,
    /// The credential, as a number that grows with each credential that is stored for the connection.
    pub credential: u64,
}

impl KindConnection {
    fn of(row: OfKindRow) -> Self {
        let OfKindRow { id, owner, generation, profile_id } = row;
        let profile = profile_id.as_deref().and_then(|id| id.parse().ok());
        Self { id, owner, profile, credential: generation.try_into().unwrap_or_default() }
    }
}

/// Methods for a program that keeps running, watches its own state, or receives requests itself.
///
/// [`health`](Self::health), [`ready`](Self::ready), [`counts`](Self::counts), [`store_name`](Self::store_name) and
/// [`answer_room`](Self::answer_room) are for its log, its checks and its metrics. The other methods are the tools of a receiver of callbacks and webhooks, such as `connection-inbound`.
///
/// # Examples
///
/// ```
/// use connection_core::{AnswerRoom, ConnectionRegistry};
///
/// async fn report(registry: &ConnectionRegistry) {
///     let server = registry.server();
///     println!("{}: {}", server.store_name(), if server.health().await { "up" } else { "down" });
///     if let AnswerRoom::Memory = server.answer_room() {
///         println!("an answer that the store cannot take is lost with this process");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    pub(super) registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the state of this process and its store, and the tools of a receiver of requests.
    pub fn server(&self) -> Server<'_> {
        Server { registry: self }
    }
}

impl<'a> Server<'a> {
    /// Returns a readable name of the database: `PostgreSQL at db.example:5432`, or `the database` and the path of its
    /// file. The name contains no password.
    pub fn store_name(self) -> String {
        called(self.registry.shared.store.place())
    }

    /// Returns `true` if the store can be read.
    pub fn health(self) -> BoxFuture<'a, bool> {
        Box::pin(self.registry.shared.store.health())
    }

    /// Returns the place where this process keeps an answer that its store cannot take at the moment.
    pub fn answer_room(self) -> AnswerRoom {
        self.registry.shared.answer_room()
    }

    /// Returns the number of connections of all owners, or of those of one kind, as
    /// [`count_connections`](ConnectionRegistry::count_connections) does for one owner.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn count_connections(self, kind: Option<&'a Kind>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(connection::count(&self.registry.shared, None, kind))
    }

    /// Returns the connections of one kind, of all owners, in the order of their ids: the first 500 after the given
    /// one. An empty list is the end.
    ///
    /// This method is for tasks that a program repeats for every connection, such as polling. It reads an index, at a
    /// cost that does not depend on the number of connections of other kinds.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn connections_of_kind(
        self,
        kind: &'a Kind,
        after: Option<ConnectionId>,
    ) -> BoxFuture<'a, Result<Vec<KindConnection>, Error>> {
        Box::pin(async move {
            let mut reader = self.registry.shared.reader().await?;
            let rows = reader.accounts_of_kind(kind.as_str(), after, KIND_PAGE).await?;
            Ok(rows.into_iter().map(KindConnection::of).collect())
        })
    }

    /// Returns the kinds that serve every owner and of which there are connections, in the order of their names.
    ///
    /// A kind in the list need not be registered. A program that registers kinds only when they are used finds out in
    /// this way which ones are. It takes one query for each kind in the list, whatever the number of connections. The
    /// kinds that extensions bring are made when they are used, and are not in the list.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn connected_kinds(self) -> BoxFuture<'a, Result<Vec<Kind>, Error>> {
        Box::pin(async move {
            let mut reader = self.registry.shared.reader().await?;
            let mut kinds = Vec::new();
            let mut last = String::new();
            while let Some(kind) = reader.next_kind(&last).await? {
                // A name that no kind can have was not written by this program.
                kinds.extend(Kind::parse(&kind));
                last = kind;
            }
            Ok(kinds)
        })
    }

    /// Returns a handle that does not keep the registry alive.
    pub fn downgrade(self) -> WeakConnectionRegistry {
        WeakConnectionRegistry::of(self.registry)
    }

    /// Returns the clock that the registry was opened with.
    pub fn clock(self) -> Arc<dyn Clock> {
        self.registry.shared.clock.clone()
    }

    /// Returns 256 random bits as text, for a host to give to a browser.
    pub fn fresh_token(self) -> Secret {
        self.registry.shared.fresh_token()
    }

    /// Returns the answer to a challenge, which every process of this store can compute and no other program can.
    ///
    /// A host that sends itself a request over the network uses it to check that it has reached itself.
    pub fn callback_proof(self, challenge: &str) -> String {
        encode::hex(&self.registry.shared.sealer.mac("connections/callback-proof/v1", challenge.as_bytes()))
    }

    /// Sends a GET request to an address of this host, as an outside client does.
    ///
    /// No credential is sent, private addresses are allowed, and a redirect to another origin is not followed.
    ///
    /// # Errors
    ///
    /// The reason why there is no answer.
    pub fn send_to_self(
        self,
        base: &'a str,
        path_and_query: &'a str,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(self.registry.shared.send_to_self(base, |base| host::request("GET", base, path_and_query)))
    }
}
