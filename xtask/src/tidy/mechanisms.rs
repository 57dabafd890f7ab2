//! The rule that each mechanism exists once: code that looks like a second copy of one is reported.
//!
//! A pattern is a text, so the rule recognizes only the usual form of a copy. `docs/ARCHITECTURE.md` lists the mechanisms.

/// A text that only the code of one mechanism contains.
#[derive(Debug)]
struct Mechanism {
    pattern: &'static str,
    /// The beginning of the paths of the files that are checked.
    within: &'static str,
    /// The files that may contain the text, by the ends of their paths.
    except: &'static [&'static str],
    instead: &'static str,
}

const BACKOFF: &str = "use `Backoff` of connection-egress for pauses that grow";
const CONFLICT: &str = "use `ConflictRetries` for a row that was changed meanwhile, or name what is limited";
const ANSWER: &str = "use `AnswerClass` of connection-contract for what an answer says";
const ASK: &str = "use `SetupContext::ask_until` for a person who is asked again";
const RETRY_AFTER: &str = "use `HttpResponse::retry_after`, or `asked_pause` of connection-egress";
const DECIDE: &str = "use `door::head` and `door::decide`, or `Rules::read_request`";
const STANDING: &str = "use `AgentStanding::check` to find what has changed since a use was decided";

const MECHANISMS: &[Mechanism] = &[
    Mechanism { pattern: "saturating_mul(2).min(", within: "", except: &[], instead: BACKOFF },
    Mechanism { pattern: "const PAUSES: [", within: "", except: &[], instead: BACKOFF },
    Mechanism { pattern: "const MAX_TRIES: u", within: "crates/connection-core/src/", except: &[], instead: CONFLICT },
    Mechanism {
        pattern: "ATTEMPTS: u",
        within: "crates/connection-core/src/",
        except: &["/outbox/send.rs", "/store/conflict_retries.rs"],
        instead: CONFLICT,
    },
    Mechanism {
        pattern: "async fn purge_",
        within: "crates/connection-core/src/",
        except: &[],
        instead: "add the rows to the list in `registry/scheduler/old_rows.rs`, and compare their time in queries",
    },
    Mechanism {
        pattern: "408 |",
        within: "",
        // A client of our own server knows which of its answers may change.
        except: &["/connection-contract/src/answer.rs", "/connection-client/src/error.rs", "/again.rs"],
        instead: ANSWER,
    },
    Mechanism { pattern: "== 408", within: "", except: &[], instead: ANSWER },
    Mechanism {
        pattern: ".problem(problem",
        within: "",
        // The first two ask without end, because the provider is not asked; the last one reads a step of a server.
        except: &["/mcp/src/setup.rs", "/declared/setup.rs", "/commands/setup_steps.rs"],
        instead: ASK,
    },
    Mechanism {
        pattern: "header(\"retry-after\")",
        within: "",
        // A limit of GitHub has the header, and rmcp reads it by itself.
        except: &["/connection-contract/src/answer.rs", "/github/src/probe.rs", "/connection-rmcp/src/answer.rs"],
        instead: RETRY_AFTER,
    },
    Mechanism {
        pattern: "RequestHead::read(",
        within: "crates/connection-core/src/",
        except: &["/door/decide.rs"],
        instead: DECIDE,
    },
    Mechanism {
        pattern: ".agent_grant(",
        within: "crates/connection-core/src/",
        except: &["/grant/agent.rs", "/grant/standing/mod.rs"],
        instead: STANDING,
    },
];

/// Returns the lines of a source file that look like a second copy of a mechanism.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let is_source = path.starts_with("crates/") || path.starts_with("plugins/");
    if !is_source || !path.contains("/src/") || path.contains("/tests/") {
        return Vec::new();
    }
    let is_checked = |mechanism: &&Mechanism| {
        path.starts_with(mechanism.within) && !mechanism.except.iter().any(|file| path.ends_with(file))
    };
    let mut findings = Vec::new();
    for Mechanism { pattern, instead, .. } in MECHANISMS.iter().filter(is_checked) {
        for (index, line) in text.lines().enumerate() {
            if line.contains(pattern) {
                findings.push(format!("{path}:{}: contains `{pattern}`: {instead}", index + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_copy_is_found_in_sources_alone() {
        for mechanism in MECHANISMS {
            let text = format!("\n    {}", mechanism.pattern);
            let found = findings("crates/connection-core/src/other.rs", &text);
            assert_eq!(found.len(), 1, "{mechanism:?}");
            assert!(found[0].contains("src/other.rs:2: "), "{found:?}");
            assert!(findings("crates/connection-core/tests/main/other.rs", &text).is_empty());
            for file in mechanism.except {
                assert!(findings(&format!("crates/connection-core/src{file}"), &text).is_empty());
            }
        }
    }
}
