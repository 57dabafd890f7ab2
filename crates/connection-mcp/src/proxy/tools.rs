//! The parameters of tools that are sent as headers, too (`x-mcp-header`, revision 2026-07-28).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::diagnostic::Reporter;
use super::header_value::{encode_header_value, is_token};

const ANNOTATION: &str = "x-mcp-header";

/// The maximum number of tools whose annotations are remembered.
const MAX_TOOLS: usize = 4096;

/// The largest integer that a header may carry, 2^53 - 1.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

/// A parameter of a tool that is sent as a header, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderParameter {
    /// The name of the header.
    header: String,
    /// The names of the properties that lead to the value in the arguments.
    path: Vec<String>,
}

/// The annotations of the tools that the server listed.
#[derive(Default)]
pub(crate) struct Tools {
    annotated: Mutex<BTreeMap<String, Arc<[HeaderParameter]>>>,
}

impl Tools {
    /// Returns the parameters of a tool that are sent as headers, too. A tool that was not listed has none.
    pub(crate) fn parameters(&self, tool: &str) -> Arc<[HeaderParameter]> {
        let annotated = self.annotated.lock().unwrap_or_else(PoisonError::into_inner);
        annotated.get(tool).cloned().unwrap_or_default()
    }

    /// Remembers the annotations of the tools in a result of `tools/list`.
    ///
    /// Returns the message without the tools whose annotations are invalid, or `None` if all tools are valid.
    pub(crate) fn learn(&self, message: &str, result: &RawValue, reporter: &Reporter) -> Option<String> {
        #[derive(Deserialize)]
        struct Page<'a> {
            #[serde(borrow)]
            tools: Option<&'a RawValue>,
        }
        let array = serde_json::from_str::<Page<'_>>(result.get()).ok()?.tools?;
        let tools: Vec<&RawValue> = serde_json::from_str(array.get()).ok()?;
        let valid: Vec<&str> =
            tools.iter().map(|tool| tool.get()).filter(|tool| self.learn_tool(tool, reporter)).collect();
        if valid.len() == tools.len() {
            return None;
        }
        // The array is a part of the message, so its place follows from the two addresses.
        let start = (array.get().as_ptr() as usize).checked_sub(message.as_ptr() as usize)?;
        let before = message.get(..start)?;
        let after = message.get(start + array.get().len()..)?;
        Some(format!("{before}[{}]{after}", valid.join(",")))
    }

    /// Remembers the annotations of a tool, and returns `false` if they are invalid.
    fn learn_tool(&self, tool: &str, reporter: &Reporter) -> bool {
        #[derive(Deserialize)]
        struct Tool {
            name: String,
            #[serde(rename = "inputSchema", default)]
            input_schema: Value,
        }
        // A tool that cannot be read is the client's to refuse: it has no annotation that could be sent.
        let Ok(tool) = serde_json::from_str::<Tool>(tool) else { return !tool.contains(ANNOTATION) };
        let parameters = header_parameters(&tool.input_schema);
        let mut annotated = self.annotated.lock().unwrap_or_else(PoisonError::into_inner);
        match parameters {
            Ok(parameters) if parameters.is_empty() => drop(annotated.remove(&tool.name)),
            Ok(parameters) if annotated.len() < MAX_TOOLS || annotated.contains_key(&tool.name) => {
                annotated.insert(tool.name, parameters.into());
            }
            Ok(_) => {
                drop(annotated);
                reporter.warning(format!("the server lists more than {MAX_TOOLS} tools whose parameters are headers"));
            }
            Err(reason) => {
                annotated.remove(&tool.name);
                drop(annotated);
                reporter.warning(format!("the tool {:?} is left out of the list: {reason}", tool.name));
                return false;
            }
        }
        true
    }
}

/// Returns the parameters of a tool that are sent as headers, or the reason why its schema is invalid.
pub(crate) fn header_parameters(schema: &Value) -> Result<Vec<HeaderParameter>, String> {
    let mut parameters = Vec::new();
    collect(schema, Some(&mut Vec::new()), &mut parameters)?;
    Ok(parameters)
}

/// Collects the annotations in a schema. The path is `None` if the schema is not reached through `properties` alone.
fn collect(schema: &Value, path: Option<&mut Vec<String>>, found: &mut Vec<HeaderParameter>) -> Result<(), String> {
    let Value::Object(members) = schema else {
        let Value::Array(items) = schema else { return Ok(()) };
        return items.iter().try_for_each(|item| collect(item, None, found));
    };
    let mut path = path;
    if let Some(annotation) = members.get(ANNOTATION) {
        let reached = path.as_deref().filter(|path| !path.is_empty());
        found.push(annotated(annotation, members.get("type"), reached, found)?);
    }
    for (keyword, value) in members {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    match path.as_deref_mut() {
                        Some(path) => {
                            path.push(name.clone());
                            collect(property, Some(path), found)?;
                            path.pop();
                        }
                        None => collect(property, None, found)?,
                    }
                }
            }
            ("$defs" | "definitions" | "dependentSchemas" | "patternProperties", Value::Object(schemas)) => {
                schemas.values().try_for_each(|schema| collect(schema, None, found))?;
            }
            // These contain values, not schemas.
            ("const" | "default" | "enum" | "examples", _) => {}
            (ANNOTATION, _) => {}
            (_, value) => collect(value, None, found)?,
        }
    }
    Ok(())
}

/// Checks one annotation.
fn annotated(
    annotation: &Value,
    kind: Option<&Value>,
    path: Option<&Vec<String>>,
    found: &[HeaderParameter],
) -> Result<HeaderParameter, String> {
    let name = annotation.as_str().filter(|name| is_token(name));
    let name = name.ok_or("a value of x-mcp-header is not the name of a header")?;
    let path = path.ok_or("x-mcp-header is not on a property that is reached through properties alone")?;
    if !kind.is_some_and(is_primitive) {
        return Err("x-mcp-header is on a parameter that is neither a string, an integer nor a boolean".to_owned());
    }
    let header = format!("Mcp-Param-{name}");
    if found.iter().any(|other| other.header.eq_ignore_ascii_case(&header)) {
        return Err(format!("two parameters have the header {header}"));
    }
    Ok(HeaderParameter { header, path: path.clone() })
}

/// Returns `true` for the types whose values may be headers, each of which may also permit `null`.
fn is_primitive(kind: &Value) -> bool {
    let is_name = |kind: &Value| matches!(kind.as_str(), Some("boolean" | "integer" | "string"));
    match kind {
        Value::Array(kinds) => {
            let mut others = kinds.iter().filter(|kind| kind.as_str() != Some("null"));
            others.next().is_some_and(is_name) && others.next().is_none()
        }
        kind => is_name(kind),
    }
}

/// Returns the headers for the arguments of a call.
///
/// # Errors
///
/// The error says which argument cannot be a header.
pub(crate) fn argument_headers(
    parameters: &[HeaderParameter],
    arguments: &Value,
) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for parameter in parameters {
        let value = parameter.path.iter().try_fold(arguments, |value, name| value.as_object()?.get(name));
        let text = match value {
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(number)) => integer(number).ok_or_else(|| {
                format!("the argument {:?} is not an integer from -(2^53 - 1) to 2^53 - 1", parameter.path.join("."))
            })?,
            Some(Value::String(text)) => encode_header_value(text),
            // The server refuses arguments that do not fit its schema.
            None | Some(Value::Array(_) | Value::Null | Value::Object(_)) => continue,
        };
        headers.push((parameter.header.clone(), text));
    }
    Ok(headers)
}

/// Returns the decimal digits of an integer, which may have been written as `42.0`.
fn integer(number: &serde_json::Number) -> Option<String> {
    let value = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() <= MAX_INTEGER)?;
    Some(number.as_i64().map_or_else(|| format!("{:.0}", value + 0.0), |integer| integer.to_string()))
}
