//! Limits of requests that a provider states in a sentence.

use connection_contract::{AnswerClass, HttpResponse, Liveness, Timestamp, classify, names_limit, reason};

fn answered(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(status, Vec::new(), body, Timestamp::from_seconds(784_111_777))
}

#[test]
fn a_403_whose_message_states_a_limit_is_a_limit_and_not_a_refusal() {
    for body in [
        r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#,
        r#"{"message": "API rate limit exceeded for user ID 1."}"#,
        r#"{"message": "You have triggered an abuse detection mechanism."}"#,
        r#"{"error": "forbidden", "message": "rate_limit_exceeded"}"#,
        r#"{"error": "access_denied", "error_description": "Too many requests, slow down"}"#,
        r#"{"error": {"code": 403, "message": "The daily limit of requests was reached: Daily Limit Exceeded"}}"#,
        r#"{"errors": [{"detail": "This application is being throttled."}]}"#,
    ] {
        let answer = answered(403, body);
        assert_eq!(answer.class(), AnswerClass::Limit, "{body}");
        let found = classify(Ok(answer)).unwrap_err();
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::RATE_LIMITED), "{body}");
        assert_eq!(answered(401, body).class(), AnswerClass::Refusal, "{body}");
    }
    for body in [
        r#"{"message": "Resource not accessible by integration"}"#,
        r#"{"message": "Ask an administrator to raise your rate limit"}"#,
        r#"{"message": "The storage quota of this account has been exceeded"}"#,
        r#"{"error": "invalid_token", "error_description": "Rate limit exceeded"}"#,
    ] {
        assert_eq!(answered(403, body).class(), AnswerClass::Refusal, "{body}");
    }
}

#[test]
fn words_of_a_limit_count_in_a_sentence_alone() {
    assert!(names_limit("You have reached the request limit"));
    assert!(!names_limit("unreached-ratelimit-policy"));
}
