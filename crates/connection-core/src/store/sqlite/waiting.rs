//! Statements that wait for the next one of their job, to run with it in one round trip to the driver.
//!
//! Each round trip wakes the driver's thread and then the caller, which takes longer than most statements. A write whose
//! result nobody reads therefore waits. SQLite runs the statements of a text in order and stops at the first that fails,
//! so the error of a statement that waited is that of the statement that it ran with.

use sqlx::{Arguments as _, SqlSafeStr as _, SqlStr, error::BoxDynError, sqlite::SqliteArguments};

/// The maximum number of statements that wait. The driver prepares each text as a whole, so long ones are bounded.
const MAX_STATEMENTS: usize = 16;

/// Statements of the writer that run together with the next statement of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Before {
    /// The text, which ends with a semicolon.
    pub(in super::super) sql: &'static str,
    /// The number of statements in the text.
    pub(in super::super) statements: usize,
    /// `true` if the text begins a transaction.
    pub(in super::super) is_begin: bool,
}

/// The statements that wait, with their arguments.
#[derive(Debug, Default)]
pub(in super::super) struct Waiting {
    text: String,
    statements: usize,
    arguments: SqliteArguments,
}

/// A text to run, with the number of its statements, and the arguments of those that come before its last one.
pub(in super::super) struct Ready {
    pub(in super::super) sql: SqlStr,
    pub(in super::super) statements: usize,
    pub(in super::super) arguments: SqliteArguments,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.statements == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.statements >= MAX_STATEMENTS
    }

    /// Adds a statement without a semicolon at its end. `bind` adds its arguments.
    pub(in super::super) fn add(
        &mut self,
        sql: &str,
        bind: impl FnOnce(&mut SqliteArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), sqlx::Error> {
        let first = self.arguments.len();
        bind(&mut self.arguments).map_err(sqlx::Error::Encode)?;
        number(&mut self.text, sql, first);
        self.text.push_str("; ");
        self.statements += 1;
        Ok(())
    }

    /// Adds statements of the writer before and after those that wait.
    pub(super) fn between(mut self, before: Option<Before>, after: Before) -> Self {
        if let Some(before) = before {
            self.text.insert_str(0, before.sql);
            self.statements += before.statements;
        }
        self.text.push_str(after.sql);
        self.statements += after.statements;
        self
    }

    /// Returns a text that runs `before`, what waits, and then `sql`, whose arguments follow those of the result.
    pub(in super::super) fn followed_by(self, before: &str, sql: &'static str) -> Ready {
        if before.is_empty() && self.is_empty() {
            return Ready { sql: sql.into_sql_str(), statements: 1, arguments: self.arguments };
        }
        let mut text = String::with_capacity(before.len() + self.text.len() + sql.len() + 8);
        text.push_str(before);
        text.push_str(&self.text);
        number(&mut text, sql, self.arguments.len());
        // Each part is a constant, apart from the numbers of the parameters.
        let sql = sqlx::AssertSqlSafe(text).into_sql_str();
        Ready { sql, statements: self.statements + 1, arguments: self.arguments }
    }
}

/// Appends a statement whose parameters `$1`, `$2` and so on are counted from `first` on.
fn number(text: &mut String, sql: &str, first: usize) {
    let mut parts = sql.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        text.push('$');
        match number.parse::<usize>() {
            Ok(number) => text.push_str(&(number + first).to_string()),
            // This is no parameter, such as the path `$.name` in JSON.
            Err(_) => text.push_str(number),
        }
        text.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(waiting: &mut Waiting, sql: &str, arguments: &[i64]) {
        let bind = |into: &mut SqliteArguments| arguments.iter().try_for_each(|argument| into.add(*argument));
        waiting.add(sql, bind).unwrap();
    }

    #[test]
    fn parameters_are_counted_over_all_statements() {
        let mut waiting = Waiting::default();
        add(&mut waiting, "UPDATE a SET b = $2 WHERE c = $1 AND d <> $2", &[1, 2]);
        add(&mut waiting, "DELETE FROM e", &[]);
        add(&mut waiting, "INSERT INTO f VALUES ($1, '$.g', '$')", &[3]);
        let ready = waiting.followed_by("BEGIN; ", "SELECT h FROM i WHERE j = $1 AND k = $11");
        assert_eq!(
            ready.sql.as_str(),
            "BEGIN; UPDATE a SET b = $2 WHERE c = $1 AND d <> $2; DELETE FROM e; INSERT INTO f VALUES ($3, '$.g', '$'); \
             SELECT h FROM i WHERE j = $4 AND k = $14"
        );
        assert_eq!((ready.statements, ready.arguments.len()), (4, 3));
    }

    #[test]
    fn what_runs_alone_is_unchanged() {
        let ready = Waiting::default().followed_by("", "SELECT a FROM b WHERE c = $1");
        assert_eq!((ready.sql.as_str(), ready.statements), ("SELECT a FROM b WHERE c = $1", 1));
        assert_eq!(ready.arguments.len(), 0);
    }
}
