//! The server of the protocol, which calls the tools.

use axum::http::{Extensions, request::Parts};
use connection_core::AgentCaller;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, Implementation, JsonObject, ListToolsResult, PaginatedRequestParams,
        ProtocolVersion, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};

use super::{
    access,
    arguments::{CheckArguments, read},
    check,
    delivery::Delivery,
    list, more,
    reply::Reply,
    send,
    session::Session,
    tools,
};
use crate::doors::{Doors, refusal::Refusal};

/// The tools of one agent, or of the agent that each request names.
#[derive(Clone, Debug)]
pub(super) struct ToolServer {
    pub(super) doors: Doors,
    /// `None` where each request has been authenticated by itself.
    pub(super) caller: Option<AgentCaller>,
}

impl ToolServer {
    fn session(&self, context: &RequestContext<RoleServer>, opens: bool) -> Result<Session, ErrorData> {
        let of_request = || context.extensions.get::<Parts>()?.extensions.get::<AgentCaller>().cloned();
        let caller = self.caller.clone().or_else(of_request);
        let caller = caller.ok_or_else(|| ErrorData::internal_error("the request has no agent", None))?;
        Session::new(self.doors.clone(), caller, opens)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

impl ServerHandler for ToolServer {
    fn get_info(&self) -> ServerConfig {
        let version = self.doors.options.version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
        let name = self.doors.options.name.as_deref().unwrap_or("Connections");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("connections", version).with_title(name))
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::ALL.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::named(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // A client that repeats its call has led the person there.
        let opens = request.input_responses.is_none() && opens_addresses(&context);
        let session = self.session(&context, opens)?;
        if self.get_tool(&request.name).is_none() {
            return Err(ErrorData::invalid_params(format!("there is no tool '{}'", request.name), None));
        }
        let on_streams = Extensions::new();
        let extensions = context.extensions.get::<Parts>().map_or(&on_streams, |parts| &parts.extensions);
        let passage = match self.doors.places.pass(session.caller.agent().id(), extensions) {
            Ok(passage) => passage,
            Err(busy) => return Ok(session.refused(&Refusal::busy(busy)).result().into()),
        };
        let reply = tokio::select! {
            biased;
            // Nobody gets the result, so nothing is fetched, and a request that is being sent ends.
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the client has gone", None)),
            reply = called(&session, &request.name, request.arguments) => reply.unwrap_or_else(Reply::failed),
        };
        let (response, fetched) = reply.for_client(opens);
        match (extensions.get::<Delivery>(), fetched) {
            (Some(delivery), fetched) => delivery.put(passage, fetched),
            // A stream does not tell when its client has read.
            (None, Some(fetched)) => fetched.done().await,
            (None, None) => {}
        }
        Ok(response)
    }
}

/// Calls a tool.
///
/// # Errors
///
/// The sentence for arguments that the tool does not take.
async fn called(session: &Session, name: &str, given: Option<JsonObject>) -> Result<Reply, String> {
    // A client on streams was authenticated when it began.
    if let Err(error) = session.caller.check().await {
        return Ok(session.error(error));
    }
    Ok(match name {
        tools::LIST => list::list(session, &read(given)?).await,
        tools::DESCRIBE => list::describe(session, &read(given)?).await,
        tools::SEND => send::send(session, &read(given)?).await,
        tools::READ_MORE => more::read(session, &read(given)?).await,
        tools::CHECK => check::check(session, &CheckArguments::read(given)?).await,
        _ => access::request(session, &read(given)?).await,
    })
}

/// Returns `true` if the client opens addresses for a person (the mode `url` of an elicitation), and takes the request
/// for it as the result of a call, as the revision 2026-07-28 has it.
fn opens_addresses(context: &RequestContext<RoleServer>) -> bool {
    let is_new = context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
    let elicits = context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
    is_new && elicits.is_some_and(|elicits| elicits.url.is_some())
}
