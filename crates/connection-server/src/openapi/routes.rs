//! Routes with their parts of the document. A part is made when the document is asked for: all of them take several
//! megabytes for a moment, and most servers are never asked.

use axum::{Router, routing::MethodRouter};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::Api;

/// Makes the part of the document about the handlers of one path.
pub(super) type Part = fn() -> UtoipaMethodRouter<Api>;

/// The handlers of one path, and their part of the document.
pub(crate) struct DocumentedPath {
    pub(crate) path: String,
    pub(crate) handlers: MethodRouter<Api>,
    pub(crate) part: Part,
}

/// Routes, and the parts of the document in the same order.
#[derive(Default)]
pub(crate) struct Routes {
    pub(super) router: Router<Api>,
    pub(super) parts: Vec<Part>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn path(mut self, path: DocumentedPath) -> Self {
        self.router = self.router.route(&path.path, path.handlers);
        self.parts.push(path.part);
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.parts.extend(other.parts);
        self
    }
}

/// Makes a [`DocumentedPath`] of handlers that `utoipa::path` describes, all with the same path.
///
/// The rules of `utoipa_axum::routes!` that begin with `@` are its own, and may change with its version. The macro as a
/// whole would also make the part of the document.
macro_rules! documented {
    ($($module:ident::$handler:ident),+) => {{
        use utoipa_axum::PathItemExt as _;
        let paths = [$(utoipa_axum::routes!(@path [path()] of $module::$handler)),+];
        debug_assert!(paths.iter().all(|path| *path == paths[0]), "{paths:?}");
        let handlers = axum::routing::MethodRouter::new();
        $(
            let methods = utoipa_axum::routes!(@path [methods()] of $module::$handler);
            let handlers = methods.iter().fold(handlers, |handlers, method| {
                handlers.on(method.to_method_filter(), $module::$handler)
            });
        )+
        let [path, ..] = paths;
        crate::openapi::DocumentedPath { path, handlers, part: || utoipa_axum::routes!($($module::$handler),+) }
    }};
}

pub(crate) use documented;
