//! Whether a request may be sent again, and after what pause.
//!
//! What happened to a request decides, and not the error that the caller sees: a request may be sent again if nothing
//! was sent, or if the answer says that the provider did not process it. After any other failure, the provider may have
//! processed the request, so that only a rule of the caller's own can allow to send it again.

use std::time::Duration;

use connection_contract::{AnswerClass, HttpError, HttpResponse};

/// The longest pause before a request is sent again for which a provider may ask. A provider may ask for too long a
/// pause by mistake.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The result of a request that is sent at most once.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "who spends a secret decides on each")]
pub enum SendOnceOutcome {
    /// The provider processed the request, and answered with any status.
    Answered(HttpResponse),
    /// The provider did not process the request, because it limits the rate of requests. The request may be sent again.
    Limited(HttpResponse),
    /// No byte of the request was sent. The request may be sent again.
    NotSent(HttpError),
    /// The provider may have processed the request: there is no whole answer, or a gateway may have given it.
    Unclear {
        /// The pause for which the answer asks before the request is sent again.
        retry_after: Duration,
    },
}

impl SendOnceOutcome {
    /// Decides by the answer, or by whether the request `may_have_been_sent`.
    pub fn of(result: Result<HttpResponse, HttpError>, may_have_been_sent: impl FnOnce() -> bool) -> Self {
        match result {
            // Only the status says whether the request was processed. A gateway may ask to wait after a part of its work, and an
            // answer with 403 that asks to wait may also say that the secret is dead.
            Ok(answer) => match AnswerClass::of(answer.status()) {
                AnswerClass::Limit => Self::Limited(answer),
                AnswerClass::Outage => Self::Unclear { retry_after: asked_pause(&answer) },
                _ => Self::Answered(answer),
            },
            Err(_) if may_have_been_sent() => Self::Unclear { retry_after: Duration::ZERO },
            Err(error) => Self::NotSent(error),
        }
    }

    /// Returns `true` if the provider did not process the request, so that it may be sent again.
    pub fn is_unprocessed(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::NotSent(_))
    }
}

/// Returns the pause for which an answer asks before the same request is sent again: zero if it asks for none, or if the
/// request would not be answered differently.
pub fn asked_pause(answer: &HttpResponse) -> Duration {
    let asked = answer.pause().filter(|_| answer.class().is_temporary());
    asked.unwrap_or_default().min(MAX_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connection_contract::Timestamp;
    use proptest::prelude::*;

    fn answer(status: u16, retry_after: Option<&str>) -> HttpResponse {
        let headers = retry_after.map(|value| ("Retry-After".to_owned(), value.to_owned()));
        // Sun, 06 Nov 1994 08:49:37 GMT.
        HttpResponse::new(status, headers.into_iter().collect(), "", Timestamp::from_seconds(784_111_777))
    }

    fn outcome(status: u16) -> SendOnceOutcome {
        SendOnceOutcome::of(Ok(answer(status, None)), || unreachable!("an answer shows that the request was sent"))
    }

    #[test]
    fn only_a_limit_and_a_request_that_was_not_sent_leave_a_secret_unspent() {
        for status in 100..=999 {
            let outcome = outcome(status);
            match status {
                429 => assert!(matches!(outcome, SendOnceOutcome::Limited(_))),
                408 | 500.. => assert!(matches!(outcome, SendOnceOutcome::Unclear { .. }), "{status}"),
                _ => assert!(matches!(outcome, SendOnceOutcome::Answered(_)), "{status}"),
            }
            assert_eq!(outcome.is_unprocessed(), status == 429, "{status}");
        }
        let failed = |was_sent| SendOnceOutcome::of(Err(HttpError::Timeout), || was_sent);
        assert!(
            matches!(failed(false), SendOnceOutcome::NotSent(HttpError::Timeout)) && failed(false).is_unprocessed()
        );
        assert!(matches!(failed(true), SendOnceOutcome::Unclear { .. }) && !failed(true).is_unprocessed());
    }

    #[test]
    fn a_pause_is_read_in_both_forms_and_only_where_another_answer_can_come() {
        for (status, value, seconds) in [
            (429, "120", 120),
            (503, "Sun, 06 Nov 1994 08:50:37 GMT", 60),
            (408, " 7 ", 7),
            (503, "1.5", 2),
            (429, "-3", 0),
            (500, "soon", 0),
            (200, "120", 0),
            (404, "120", 0),
            (403, "120", 120),
            (301, "120", 0),
        ] {
            assert_eq!(asked_pause(&answer(status, Some(value))), Duration::from_secs(seconds), "{status} {value}");
        }
        assert_eq!(asked_pause(&answer(429, None)), Duration::ZERO);
        let unclear = SendOnceOutcome::of(Ok(answer(503, Some("9"))), || true);
        assert!(matches!(unclear, SendOnceOutcome::Unclear { retry_after } if retry_after == Duration::from_secs(9)));
    }

    #[test]
    fn a_limit_in_words_leaves_open_what_a_gateway_did_and_keeps_a_refusal() {
        let unclear = SendOnceOutcome::of(Ok(answer(503, Some("9"))), || true);
        assert!(!unclear.is_unprocessed(), "a gateway that asks to wait may have passed the request on");
        let refused = SendOnceOutcome::of(Ok(answer(403, Some("9"))), || true);
        assert!(matches!(refused, SendOnceOutcome::Answered(_)), "the plugin reads whether the secret is dead");
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_a_day(status in 100_u16..=999, value in "[0-9]{0,24}|.{0,40}") {
            prop_assert!(asked_pause(&answer(status, Some(&value))) <= MAX_RETRY_AFTER);
        }
    }
}
