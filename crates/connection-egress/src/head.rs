//! How the head of an answer is read: as browsers do, because the body may hold a token that cannot be requested again.
//!
//! Nothing of this changes what is sent. A value that was folded is one line afterwards, and a line that is left out has no
//! part in the answer, so that neither can add a header to an answer that is passed on.

use reqwest::ClientBuilder;

/// The maximum number of headers of an answer. Some servers set a cookie for each of many products.
const MAX_HEADERS: usize = 1000;

/// Makes a client read a header whose value is folded over several lines, each fold as a space (RFC 9112, section 5.2), one
/// with white space before its colon, and up to [`MAX_HEADERS`] headers, and leave out lines that are no header.
///
/// White space before the colon belongs to no name, so that a length or a coding which is written so is still compared with
/// any other that the answer states. A length that is ambiguous, a NUL and a carriage return alone are still refused.
pub(super) fn tolerant(client: ClientBuilder) -> ClientBuilder {
    client
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_max_headers(MAX_HEADERS)
}
