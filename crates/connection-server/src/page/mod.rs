//! The page: static files that are embedded in the program, and the document that loads them.

mod files;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use files::{ASSETS, DOCUMENT};

/// The paths that show the page. Its script finds the screen in the path.
const SCREENS: &[&str] = &[
    "/",
    "/connections",
    "/connections/{id}",
    "/connect",
    "/connect/{kind}",
    "/setups/{id}",
    "/extensions",
    "/extensions/{name}",
    "/agents",
    "/agents/{name}",
    "/approvals",
    "/approvals/{id}",
    "/consent",
    "/profiles",
    "/usage",
    "/activity",
    "/uses",
    "/system",
    "/link",
];

/// The place of the assets' path in the document.
const PLACE: &str = "%ASSETS%";

/// The policy of the document: its own files and its own API, and nothing of another site.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The time for which a browser may keep an asset. The path has a digest of all files, so an asset never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// A file of the page, as it is embedded in the program.
#[derive(Debug)]
struct Asset {
    path: &'static str,
    bytes: &'static [u8],
}

/// A body with its compressed form, which is made when the first browser asks for it.
#[derive(Debug)]
struct Content {
    media_type: &'static str,
    plain: Bytes,
    compressed: OnceLock<Bytes>,
}

/// The state that the handlers share.
#[derive(Debug)]
struct Page {
    /// A digest of all files.
    version: String,
    document: Content,
    assets: Vec<(&'static str, Content)>,
}

/// Returns the routes of the page: its document at each path of a screen, and its files below `/assets`.
///
/// `base` is the path below which browsers see the page and the API: empty, or beginning with `/` and without one at
/// the end. It is written into the document, so that the page also works behind a proxy that removes the path.
///
/// The page calls the routes of [`api_router`](crate::api_router) at the same base.
///
/// ```
/// use axum::Router;
/// use connection_server::page_router;
///
/// let routes: Router = page_router("/accounts");
/// # drop(routes);
/// ```
pub fn page_router<S>(base: &str) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let version = version();
    let document = DOCUMENT.replace(PLACE, &format!("{base}/assets/{version}"));
    let assets = ASSETS.iter().map(|asset| (asset.path, Content::new(asset.path, Bytes::from_static(asset.bytes))));
    let page = Page { version, document: Content::new("index.html", document.into()), assets: assets.collect() };
    let screens = SCREENS.iter().fold(Router::new(), |router, path| router.route(path, get(show_document)));
    screens.route("/assets/{version}/{*path}", get(show_asset)).with_state(Arc::new(page))
}

async fn show_document(State(page): State<Arc<Page>>, headers: HeaderMap) -> Response {
    let tag = format!("\"{}\"", page.version);
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // The browser asks again each time, and gets 304 unless the program is another one.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => page.document.response(&headers),
    };
    response.headers_mut().extend(fixed);
    // A digest in hexadecimal is a valid value.
    response.headers_mut().extend(HeaderValue::from_str(&tag).map(|tag| (header::ETAG, tag)));
    response
}

async fn show_asset(
    State(page): State<Arc<Page>>,
    Path((version, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    // The files of another version do not fit the document that asks for them: the page offers to load itself again.
    let found = page.assets.iter().find(|(name, _)| *name == path).filter(|_| version == page.version);
    let Some((_, content)) = found else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = content.response(&headers);
    let fixed: [(HeaderName, &str); 3] = [
        (header::CACHE_CONTROL, FOREVER),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    response.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

impl Content {
    fn new(path: &str, plain: Bytes) -> Self {
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let media_type = match ending {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            _ => "text/plain; charset=utf-8",
        };
        Self { media_type, plain, compressed: OnceLock::new() }
    }

    /// Returns the body in the form that the browser accepts.
    fn response(&self, headers: &HeaderMap) -> Response {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        // A font is compressed already.
        if self.media_type.starts_with("font/") {
            return ([kind], self.plain.clone()).into_response();
        }
        let vary = (header::VARY, HeaderValue::from_static("accept-encoding"));
        if !accepts_gzip(headers) {
            return ([kind, vary], self.plain.clone()).into_response();
        }
        let body = self.compressed.get_or_init(|| compressed(&self.plain)).clone();
        let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        ([kind, vary, encoding], body).into_response()
    }
}

/// Returns `true` if the header `Accept-Encoding` names gzip and does not refuse it (RFC 9110, section 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn compressed(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    drop(encoder.write_all(plain));
    encoder.finish().unwrap_or_default().into()
}

/// Returns a digest of all files, by which browsers tell one build from another.
fn version() -> String {
    let mut hasher = DefaultHasher::new();
    DOCUMENT.hash(&mut hasher);
    for asset in ASSETS {
        (asset.path, asset.bytes).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
