//! The two text formats of metrics, and the choice between them.
//!
//! Prometheus asks for OpenMetrics. Other programs, among them `promtool check metrics`, read the older format of
//! Prometheus alone, which differs in a few lines: it has no units and no end, counts `_total` as a part of a name, and
//! knows no type `info`.

use std::fmt::Write as _;

use axum::http::{HeaderMap, header};

const OPEN_METRICS: &str = "application/openmetrics-text";

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsFormat {
    OpenMetrics,
    Prometheus,
}

impl MetricsFormat {
    /// Returns OpenMetrics if the request accepts it at least as gladly as plain text, and Prometheus otherwise.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<_> = values.flat_map(|value| value.split(',')).map(range).collect();
        let weight = |name: &str| {
            let weights =
                ranges.iter().filter(|(range, _)| range.eq_ignore_ascii_case(name)).map(|(_, weight)| *weight);
            weights.fold(0.0, f32::max)
        };
        let open = weight(OPEN_METRICS);
        if open > 0.0 && open >= weight("text/plain") { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Returns a text of OpenMetrics in this format.
    pub(crate) fn text(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Prometheus => prometheus(&text),
        }
    }
}

/// Returns the media type of a range of `Accept`, and its weight (RFC 9110, section 12.4.2).
fn range(range: &str) -> (&str, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (name, weight.and_then(|weight| weight.trim().parse().ok()).unwrap_or(1.0))
}

/// Converts a text of OpenMetrics. The lines of the samples are the same in both formats.
fn prometheus(text: &str) -> String {
    let mut converted = String::with_capacity(text.len());
    // The help of a metric comes before its type, which decides its name.
    let mut help = None;
    for line in text.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
            continue;
        }
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) else {
            converted.push_str(line);
            converted.push('\n');
            continue;
        };
        let (suffix, kind) = match kind {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            kind => ("", kind),
        };
        if let Some((_, help)) = help.take().filter(|(described, _)| *described == name) {
            // Writing to a text does not fail.
            let _ = writeln!(converted, "# HELP {name}{suffix} {help}");
        }
        let _ = writeln!(converted, "# TYPE {name}{suffix} {kind}");
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_build The program.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                        # HELP a_wait_seconds Time.\n# TYPE a_wait_seconds histogram\n# UNIT a_wait_seconds seconds\n\
                        a_wait_seconds_sum 0.5\n# HELP a_requests Requests.\n# TYPE a_requests counter\n\
                        a_requests_total 2\n# EOF\n";

    #[test]
    fn the_format_of_prometheus_has_no_unit_no_info_and_no_end() {
        let expected = "# HELP a_build_info The program.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                        # HELP a_wait_seconds Time.\n# TYPE a_wait_seconds histogram\na_wait_seconds_sum 0.5\n\
                        # HELP a_requests_total Requests.\n# TYPE a_requests_total counter\na_requests_total 2\n";
        assert_eq!(MetricsFormat::Prometheus.text(TEXT.to_owned()), expected);
        assert_eq!(MetricsFormat::OpenMetrics.text(TEXT.to_owned()), TEXT);
    }

    #[test]
    fn open_metrics_is_for_requests_that_accept_it() {
        let asked = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            (asked, MetricsFormat::OpenMetrics),
            ("application/openmetrics-text", MetricsFormat::OpenMetrics),
            ("application/openmetrics-text;q=0", MetricsFormat::Prometheus),
            ("application/openmetrics-text;q=0.1, text/plain", MetricsFormat::Prometheus),
            ("text/plain;version=0.0.4", MetricsFormat::Prometheus),
            ("*/*", MetricsFormat::Prometheus),
            ("", MetricsFormat::Prometheus),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(MetricsFormat::accepted(&headers), expected, "{accept}");
        }
        assert_eq!(MetricsFormat::accepted(&HeaderMap::new()), MetricsFormat::Prometheus);
    }
}
