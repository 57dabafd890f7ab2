//! Usage of an account: the limits that Codex writes into its session files, and the costs that a provider reports.
//!
//! Only numbers and times from a session file leave this module.

use connection_contract::prelude::*;

use crate::{
    AgentCli,
    login::{Login, LoginMethod, SUBSCRIPTION},
    session::{self, number, spoken},
    spend,
};

/// Number of the newest session files that are searched for the limits that were written last. A resumed session
/// continues in its old file, so the newest file is not enough.
const SESSIONS: usize = 5;
/// Maximum size of a session file in bytes. A longer file is skipped.
const MAX_SESSION_LENGTH: usize = 32 << 20;
/// Interval after which the numbers have changed enough to fetch them again.
const INTERVAL: Duration = Duration::from_secs(300);

impl UsageSource<Login> for AgentCli {
    fn fetch<'a>(
        &'a self,
        login: &'a Login,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
        Box::pin(async move {
            let mut snapshot = UsageSnapshot::new(ctx.now());
            let usage = &self.0.usage;
            if let (true, LoginMethod::Own { .. }, Some(directory), Some(files)) =
                (usage.rollouts, login.how(), ctx.directory(), ctx.files())
                && let Some((observed, windows)) = limits(directory, files, ctx.now()).await.map_err(NotLive::from)?
            {
                snapshot = windows.into_iter().fold(UsageSnapshot::new(observed), UsageSnapshot::metric);
            }
            if let (Some(key), Some(costs)) = (login.admin_key(), usage.costs) {
                snapshot = snapshot.metric(spend::this_month(self.0, costs, key, ctx).await?);
            }
            Ok(snapshot)
        })
    }

    /// A tool's own login may belong to a subscription or to a console. The result is `None` if the files do not say
    /// which.
    fn auth_mode(&self, login: &Login) -> Option<Text> {
        match login.how() {
            LoginMethod::ApiKey(_) => Some(Text::Borrowed("api_key")),
            // A tool prints its token only for subscribers.
            LoginMethod::SetupToken(_) | LoginMethod::Own { is_subscription: true, .. } => {
                Some(Text::Borrowed(SUBSCRIPTION))
            }
            LoginMethod::Own { is_subscription: false, .. } => None,
        }
    }

    fn poll_interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn format_session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        session::metrics(self.0.usage.session, session)
    }
}

/// Id of the limits of the account itself. The tool writes the limits of single models under other ids.
const MAIN_LIMIT: &str = "codex";

/// Returns the limits that were written last, and the time of the entry.
async fn limits(
    root: &GrantedDirectory,
    files: &dyn FileService,
    now: Timestamp,
) -> Result<Option<(Timestamp, Vec<TimeWindow>)>, ServiceError> {
    let mut newest: Option<(Timestamp, Vec<TimeWindow>)> = None;
    for path in newest_sessions(root, files).await? {
        let content = match files.read(root, &path, MAX_SESSION_LENGTH).await {
            Ok(content) => content,
            Err(ServiceError::NotFound | ServiceError::TooLarge) => continue,
            Err(error) => return Err(error),
        };
        // The file is split before it is decoded, because its last line may end within a character.
        let lines = content.expose().rsplit(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        let found = lines.filter(|line| line.contains("\"rate_limits\"")).find_map(|line| limits_in_line(line, now));
        newest = match (newest, found) {
            (Some(newest), Some(found)) if found.0 <= newest.0 => Some(newest),
            (newest, found) => found.or(newest),
        };
    }
    Ok(newest)
}

/// Returns the paths of the newest sessions, `sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl`, whose names sort by time.
async fn newest_sessions(root: &GrantedDirectory, files: &dyn FileService) -> Result<Vec<String>, ServiceError> {
    let mut found = Vec::new();
    for year in names(root, "sessions", files).await? {
        for month in names(root, &year, files).await? {
            for day in names(root, &month, files).await? {
                let sessions = names(root, &day, files).await?;
                found.extend(sessions.into_iter().filter(|path| path.ends_with(".jsonl")));
                if found.len() >= SESSIONS {
                    found.truncate(SESSIONS);
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// Returns the paths of the entries of a directory, the last name first. The list is empty if the directory does not
/// exist.
async fn names(root: &GrantedDirectory, path: &str, files: &dyn FileService) -> Result<Vec<String>, ServiceError> {
    let listed = match files.list(root, path).await {
        Ok(listed) => listed,
        Err(ServiceError::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<_> = listed.into_iter().map(|stat| format!("{path}/{}", stat.name)).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

/// Returns the limits in one line and their time. A window that has restarted since then is left out, because its
/// present usage is unknown.
fn limits_in_line(line: &str, now: Timestamp) -> Option<(Timestamp, Vec<TimeWindow>)> {
    let line = Value::parse(line.as_bytes()).ok()?;
    let at = Timestamp::parse(line["timestamp"].as_str()?)?;
    let limits = &line["payload"]["rate_limits"];
    if limits["limit_id"].as_str().is_some_and(|id| id != MAIN_LIMIT) {
        return None;
    }
    let windows: Vec<_> = ["primary", "secondary"].into_iter().filter_map(|id| window(id, &limits[id], at)).collect();
    if windows.is_empty() {
        return None;
    }
    Some((at, windows.into_iter().filter(|window| window.resets_at.is_none_or(|reset| reset > now)).collect()))
}

fn window(id: &'static str, limit: &Value, at: Timestamp) -> Option<TimeWindow> {
    let percent = number(&limit["used_percent"]).filter(|percent| percent.is_finite())?;
    let seconds = |field: &str| limit[field].as_i64().and_then(|number| u64::try_from(number).ok());
    let length = seconds("window_minutes").map(|minutes| minutes.saturating_mul(60));
    let label = length.map_or_else(|| "Limit".to_owned(), |length| format!("Limit of {}", spoken(length)));
    let mut window = TimeWindow::new(id, label, percent / 100.0);
    if let Some(length) = length {
        window = window.window(Duration::from_secs(length));
    }
    // Earlier versions wrote the number of seconds until the reset.
    let reset = limit["resets_at"].as_i64().map(Timestamp::from_seconds);
    Some(match reset.or_else(|| seconds("resets_in_seconds").map(|left| at.after(left))) {
        Some(reset) => window.resets_at(reset),
        None => window,
    })
}
