//! A listener for the requests of a client, with which a command shows the author of a kind what is sent.

use std::sync::Arc;

use connection_contract::{HttpError, HttpRequest, HttpResponse, Secret};

/// A listener for requests, which a host registers with [`HttpPolicy::observer`](crate::HttpPolicy::observer).
///
/// It sees credentials: a request has its headers and its body as they are sent. A body that is sent while it arrives
/// is not shown.
///
/// ```
/// use connection_contract::{HttpError, HttpRequest, Secret};
/// use connection_egress::HttpObserver;
///
/// struct Methods;
///
/// impl HttpObserver for Methods {
///     fn answered(&self, request: &HttpRequest, answer: Result<(u16, Option<&Secret>), HttpError>) {
///         println!("{}: {:?}", request.method, answer.map(|(status, _)| status));
///     }
/// }
/// ```
pub trait HttpObserver: Send + Sync {
    /// Receives a request with its answer: the status, and the body if the client has read it.
    ///
    /// # When it is called
    ///
    /// Called once for each request that the policy allows, after its answer arrived or was lost. A request that is
    /// redirected counts once.
    fn answered(&self, request: &HttpRequest, answer: Result<(u16, Option<&Secret>), HttpError>);
}

/// A request that is being sent, and the observer that receives its answer.
pub(super) struct Observed {
    pub(super) observer: Arc<dyn HttpObserver>,
    pub(super) request: HttpRequest,
}

impl Observed {
    pub(super) fn answered(&self, answer: Result<&HttpResponse, &HttpError>) {
        let answer = answer.map(|response| (response.status(), Some(response.body()))).map_err(|error| *error);
        self.observer.answered(&self.request, answer);
    }

    pub(super) fn began(&self, answer: Result<u16, HttpError>) {
        self.observer.answered(&self.request, answer.map(|status| (status, None)));
    }
}
