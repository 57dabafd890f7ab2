//! The headers with which a provider states how many requests it still takes, and when it takes more, and the codes and
//! words with which it says that it takes no more.
//!
//! `connection-oauth2` knows further codes of token endpoints, such as `slow_down`, and a plugin those of its provider's API
//! ([`HttpResponse::class_by`]).

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{HttpResponse, Timestamp};

/// The headers with the number of requests that are left, and with the time when there are more. The first pair is
/// GitHub's, the second one that of Okta and X, and the last one that of the first drafts of the IETF.
const COUNTERS: [(&str, &str); 3] = [
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
];
/// From this number on, a time is a moment in seconds since the epoch, and not a number of seconds from now: no limit
/// lasts ten years.
const FIRST_MOMENT: u64 = 10 * 365 * 24 * 60 * 60;
/// From this number on, a moment is in milliseconds.
const FIRST_MILLISECOND: u64 = 1_000_000_000_000;

/// The codes of limits in bodies, in lower case and without separators: those of Slack ("Rate limits"), Google ("Resolve
/// errors", and `google.rpc.Code`), Salesforce ("Core data types", exception codes), AWS ("Common errors"), and others.
const LIMIT_CODES: [&str; 11] = [
    "dailylimitexceeded",
    "quotaexceeded",
    "ratelimited",
    "ratelimiterror",
    "ratelimitexceeded",
    "requestlimitexceeded",
    "resourceexhausted",
    "throttling",
    "throttlingexception",
    "toomanyrequests",
    "userratelimitexceeded",
];

/// The words of a sentence that says that a limit of requests was exceeded, in the form of [`LIMIT_CODES`]. GitHub has the first
/// one ("Troubleshooting the REST API", secondary rate limits).
const SENTENCES: [&str; 4] = ["abusedetection", "ratelimited", "throttled", "toomanyrequests"];
/// The words for limits of requests, which a sentence names beside one of [`EXCEEDED`].
const LIMIT_WORDS: [&str; 4] = ["apilimit", "dailylimit", "ratelimit", "requestlimit"];
const EXCEEDED: [&str; 2] = ["exceed", "reached"];

/// Returns `true` for a code that several providers use for a limit of requests, and for a sentence which says that such a
/// limit was exceeded. It is compared without case, and without `_`, `-`, `.` and spaces.
///
/// ```
/// use connection_contract::names_limit;
///
/// assert!(names_limit("REQUEST_LIMIT_EXCEEDED") && names_limit("rateLimitExceeded") && names_limit("Too Many Requests"));
/// assert!(names_limit("You have exceeded a secondary rate limit."));
/// assert!(!names_limit("storageQuotaExceeded") && !names_limit("forbidden"));
/// assert!(!names_limit("The storage limit of this account was exceeded."));
/// ```
pub fn names_limit(code: &str) -> bool {
    let is_sentence = code.trim().contains(' ');
    let letters = code.chars().filter(|c| !matches!(c, '_' | '-' | '.' | ' '));
    let code: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    let has = |words: &[&str]| words.iter().any(|words| code.contains(words));
    LIMIT_CODES.contains(&code.as_str()) || is_sentence && (has(&SENTENCES) || has(&LIMIT_WORDS) && has(&EXCEEDED))
}

/// Returns `None` unless a counter of an answer is exhausted; then the time until the provider takes more requests, if
/// the answer names it. If several are exhausted, the longest time is returned.
///
/// An answer may count several windows, in several headers of one name or in a list (RFC 9110, section 5.3).
pub(crate) fn exhausted(answer: &HttpResponse) -> Option<Option<Duration>> {
    let now = answer.received_at();
    let all = |wanted: &'static str| {
        let named = answer.headers().iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, text)| text.as_str())
    };
    let counted = COUNTERS.iter().filter_map(|(left, reset)| {
        let spent: Vec<bool> = all(left).flat_map(|text| text.split(',')).map(is_zero).collect();
        let times: Vec<Option<Duration>> = all(reset).flat_map(|text| listed(text, now)).collect();
        // A list of as many times has that of each counter at its place.
        let is_of_each = times.len() == spent.len();
        let of_spent = times.iter().enumerate().filter(|(at, _)| !is_of_each || spent.get(*at) == Some(&true));
        spent.contains(&true).then(|| of_spent.filter_map(|(_, time)| *time).max())
    });
    let stated = all("ratelimit").filter_map(|text| structured(text, now));
    // `None` is less than any time.
    counted.chain(stated).max()
}

/// Reads `RateLimit`: a list of quotas with the parameters `r` and `t` (draft-ietf-httpapi-ratelimit-headers-10), or the
/// members `remaining` and `reset` of one quota (versions 4 to 7 of the draft).
fn structured(text: &str, now: Timestamp) -> Option<Option<Duration>> {
    let mut found = None;
    let mut one = (false, None);
    for member in split(text, ',') {
        let (mut is_spent, mut reset) = (false, None);
        for parameter in split(member, ';') {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim();
            match name.trim() {
                "r" => is_spent = is_zero(value),
                "t" => reset = until(value, now),
                "remaining" => one.0 = is_zero(value),
                "reset" => one.1 = until(value, now),
                _ => {}
            }
        }
        found = found.max(is_spent.then_some(reset));
    }
    found.max(one.0.then_some(one.1))
}

/// Splits a text at a character that is not within quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        character == at && !is_quoted
    })
}

/// Returns `true` for a number that is zero, also with decimals: some providers count in fractions.
fn is_zero(text: &str) -> bool {
    let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    !whole.is_empty() && whole.bytes().chain(decimals.bytes()).all(|byte| byte == b'0')
}

/// Returns the times from now until the moments that a header lists. A date has a comma, too.
fn listed(text: &str, now: Timestamp) -> impl Iterator<Item = Option<Duration>> {
    let whole = until(text, now);
    let each = text.split(',').filter(move |_| whole.is_none()).map(move |text| until(text, now));
    whole.map(Some).into_iter().chain(each)
}

/// Returns the time from now until a moment, or a number of seconds.
pub(crate) fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let seconds = match whole_seconds(text) {
        Some(seconds) if seconds < FIRST_MOMENT => return Some(Duration::from_secs(seconds)),
        Some(moment) if moment < FIRST_MILLISECOND => i64::try_from(moment).ok()?,
        Some(moment) => i64::try_from(moment / 1_000).ok()?,
        None => Timestamp::parse(text)?.seconds(),
    };
    u64::try_from(seconds.saturating_sub(now.seconds()).max(0)).ok().map(Duration::from_secs)
}

/// Reads a number of seconds. RFC 9110, section 10.2.3, has digits alone; some servers also write fractions, which are
/// rounded up, so that the next request is not too early, and negative numbers, which are times that have passed.
fn whole_seconds(text: &str) -> Option<u64> {
    let (is_past, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    match is_past {
        true => Some(0),
        false => whole.parse::<u64>().ok()?.checked_add(u64::from(!decimals.bytes().all(|byte| byte == b'0'))),
    }
}
