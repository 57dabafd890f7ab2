//! The answer of a tool.

use std::collections::BTreeMap;

use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, ElicitRequest, ElicitRequestParams, InputRequest,
    InputRequiredResult, MetaObject, TextContent,
};
use serde_json::json;

use crate::doors::approval::Fetched;

/// The key under which a client is asked to open an address.
const OPEN: &str = "open";
/// The member of `_meta` that names where a text comes from.
const ORIGIN: &str = "connections/origin";
/// The maximum size of the text of this program in bytes.
const MAX_TEXT: usize = 6_000;

/// Text of this program, and perhaps text of a provider.
#[derive(Debug)]
pub(super) struct Reply {
    text: String,
    /// Texts of a provider, each with its origin.
    data: Vec<(String, String)>,
    is_error: bool,
    open: Option<Open>,
    fetched: Option<Fetched>,
}

/// An address at which a person acts.
#[derive(Debug)]
struct Open {
    address: String,
    /// What the client tells the person.
    message: String,
}

impl Reply {
    /// Returns the result of a tool that did what it was called for.
    pub(super) fn done(text: impl Into<String>) -> Self {
        Self { text: text.into(), data: Vec::new(), is_error: false, open: None, fetched: None }
    }

    /// Returns the result of a tool that did not do it. The text says what to do next.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::done(text) }
    }

    /// Adds a line to the text of this program.
    pub(super) fn line(mut self, line: &str) -> Self {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
        self
    }

    /// Adds a text of a provider.
    pub(super) fn with_data(mut self, origin: String, data: String) -> Self {
        self.data.push((origin, data));
        self
    }

    /// Says that a person acts at this address, to which a client may lead with this message.
    pub(super) fn open(self, address: Option<String>, message: String) -> Self {
        Self { open: address.map(|address| Open { address, message }), ..self }
    }

    /// Says that an approval is fetched when the client has this result.
    pub(super) fn fetches(self, fetched: Fetched) -> Self {
        Self { fetched: Some(fetched), ..self }
    }

    /// Returns the result for a client, and what is fetched with it. A client that leads people to addresses, and has not
    /// done so for this call, is asked to do that first.
    pub(super) fn for_client(mut self, opens: bool) -> (CallToolResponse, Option<Fetched>) {
        match self.open.take().filter(|_| opens) {
            Some(open) => (CallToolResponse::InputRequired(open.required()), None),
            None => {
                let fetched = self.fetched.take();
                (self.result().into(), fetched)
            }
        }
    }

    /// Returns the result.
    pub(super) fn result(self) -> CallToolResult {
        let mut text = self.text;
        if text.len() > MAX_TEXT {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
            text.push_str("\n… (the rest is left out)");
        }
        let mut content = vec![ContentBlock::text(text)];
        for (origin, data) in self.data {
            let mut meta = MetaObject::new();
            meta.insert(ORIGIN.to_owned(), json!(origin));
            let mut text = TextContent::new(data);
            text.meta = Some(meta);
            content.push(ContentBlock::Text(text));
        }
        match self.is_error {
            true => CallToolResult::error(content),
            false => CallToolResult::success(content),
        }
    }
}

impl Open {
    fn required(self) -> InputRequiredResult {
        let Self { address: url, message } = self;
        let params =
            ElicitRequestParams::UrlElicitationParams { meta: None, message, elicitation_id: url.clone(), url };
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        InputRequiredResult::from_input_requests(BTreeMap::from([(OPEN.to_owned(), request)]))
    }
}
