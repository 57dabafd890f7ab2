//! AWS Signature Version 4, as the [IAM User Guide] describes it.
//!
//! The headers that the guide demands are signed: `host`, `content-type` and all that begin with `x-amz-`. The body is
//! in memory, so its hash is always signed.
//!
//! [IAM User Guide]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

use connection_contract::{Context, CredentialError, HttpRequest, Secret, encode, host};

use super::Signer;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The service whose path is signed as it is sent, and whose requests carry the hash of their body.
const S3: &str = "s3";

/// The values with which requests are signed.
pub(super) struct Sigv4Signer {
    pub(super) id: Secret,
    pub(super) key: Secret,
    pub(super) token: Option<Secret>,
    /// Name of the service; `None` for the first label of the host.
    pub(super) service: Option<String>,
    pub(super) region: String,
}

impl Signer for Sigv4Signer {
    fn sign(&self, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<(), CredentialError> {
        let origin = host::origin(request.url()).ok_or(CredentialError::Malformed)?;
        let host = origin.as_str().split_once("://").map_or("", |(_, host)| host).to_owned();
        let first = host.split(['.', ':']).next().unwrap_or_default();
        let service = self.service.clone().unwrap_or_else(|| first.to_owned());
        // The basic format of ISO 8601.
        let time = ctx.now().to_rfc3339().replace(['-', ':'], "");
        let date = time.get(..8).unwrap_or_default().to_owned();
        let digest = encode::hex(&ctx.crypto().sha256(request.body.expose()));

        request.set_header("x-amz-date", time.clone());
        if let Some(token) = &self.token {
            request.set_header("x-amz-security-token", token.duplicate());
        }
        if service == S3 {
            request.set_header("x-amz-content-sha256", digest.clone());
        }
        let (names, headers) = headers(request, &host);
        let (path, query) = request_target(request.url());
        let path = if service == S3 { path.to_owned() } else { twice_encoded(path) };
        let parts = [&request.method, path.as_str(), &sorted(query), headers.expose_str().unwrap_or_default()];
        let canonical = Secret::from([&parts.join("\n"), "\n", &names, "\n", &digest].concat());

        let scope = format!("{date}/{}/{service}/aws4_request", self.region);
        let digest = encode::hex(&ctx.crypto().sha256(canonical.expose()));
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{digest}");
        let start = Secret::concat(&[b"AWS4", self.key.expose()]);
        let steps = [date.as_str(), &self.region, &service, "aws4_request"];
        let hmac = |key: Secret, step: &str| Secret::new(ctx.crypto().hmac_sha256(&key, step.as_bytes()));
        let key = steps.into_iter().fold(start, hmac);
        let signature = encode::hex(&ctx.crypto().hmac_sha256(&key, text.as_bytes()));
        let head = format!("{ALGORITHM} Credential=");
        let tail = format!("/{scope}, SignedHeaders={names}, Signature={signature}");
        request.set_header("authorization", Secret::concat(&[head.as_bytes(), self.id.expose(), tail.as_bytes()]));
        Ok(())
    }
}

/// Returns the names of the signed headers, and one line for each of them.
fn headers(request: &HttpRequest, host: &str) -> (String, Secret) {
    let mut signed = vec![("host".to_owned(), Secret::from(host))];
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if name == "content-type" || name.starts_with("x-amz-") {
            let text = String::from_utf8_lossy(value.expose()).split_whitespace().collect::<Vec<_>>().join(" ");
            signed.push((name, Secret::from(text)));
        }
    }
    signed.sort_by(|(a, _), (b, _)| a.cmp(b));
    let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines: Vec<&[u8]> = Vec::new();
    for (name, value) in &signed {
        lines.extend([name.as_bytes(), b":", value.expose(), b"\n"]);
    }
    (names.join(";"), Secret::concat(&lines))
}

/// Returns the path and the query of an address, both percent-encoded.
fn request_target(url: &str) -> (&str, &str) {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    (path, query)
}

/// Returns a path that is percent-encoded once more, segment by segment.
fn twice_encoded(path: &str) -> String {
    path.split('/').map(encode::percent_encode).collect::<Vec<_>>().join("/")
}

/// Returns a query whose parameters are encoded in one way, and sorted by their encoded names and values.
fn sorted(query: &str) -> String {
    let again = |text: &str| encode::percent_encode(&encode::from_percent(text).unwrap_or_else(|| text.to_owned()));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (again(name), again(value)))
        .collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
