//! The clock of this machine and that of a provider, as the `Date` of an answer tells them.

use std::time::Duration;

use connection_contract::{HttpResponse, Timestamp};

const TOLERATED: Duration = Duration::from_secs(60);

/// Returns how the clocks differ by an answer that arrives at Sun, 06 Nov 1994 08:49:37 GMT.
fn differs(headers: &[(&str, &str)]) -> Option<String> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HttpResponse::new(401, headers, "{}", Timestamp::from_seconds(784_111_777)).clock_differs(TOLERATED)
}

#[test]
fn the_date_of_an_answer_tells_whether_the_clocks_differ() {
    for (date, says) in [
        ("Sun, 06 Nov 1994 07:49:37 GMT", Some("60 minutes ahead of the provider's")),
        ("Sun, 06 Nov 1994 08:50:47 GMT", Some("1 minute behind the provider's")),
        ("Sun, 06 Nov 1994 08:50:37 GMT", None),
        ("Sun, 06 Nov 1994 08:48:37 GMT", None),
        ("yesterday", None),
    ] {
        let says = says.map(|says| format!("the clock of this machine is {says}"));
        assert_eq!(differs(&[("Date", date)]), says, "{date}");
        assert_eq!(differs(&[("date", date), ("Age", "3600")]), None, "the answer of a cache: {date}");
    }
    assert_eq!(differs(&[]), None);
}

/// A server without a clock states the date of its epoch or of its build.
#[test]
fn a_date_that_is_more_than_a_year_away_says_nothing_about_this_machine() {
    for date in [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sat, 06 Nov 1993 08:49:36 GMT",
        "Mon, 06 Nov 1995 08:49:38 GMT",
        "Mon, 18 Jan 2038 03:14:07 GMT",
    ] {
        assert_eq!(differs(&[("date", date)]), None, "{date}");
    }
    let control = [("Sat, 06 Nov 1993 08:49:37 GMT", "ahead of"), ("Mon, 06 Nov 1995 08:49:37 GMT", "behind")];
    for (date, side) in control {
        let says = format!("the clock of this machine is 525600 minutes {side} the provider's");
        assert_eq!(differs(&[("date", date)]), Some(says), "the control: {date}");
    }
}
