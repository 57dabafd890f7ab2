//! Checks the presets of rules. Their conditions are checked where rules are read.

use alloc::{format, string::String};

use connection_contract::{Descriptor, RulePreset, Value};

/// Maximum number of presets of a kind.
const MAX_PRESETS: usize = 32;
/// Maximum size of the rules of a preset, in bytes.
const MAX_RULES: usize = 64 << 10;

/// Checks the names of the presets, and that the rules are JSON.
pub(super) fn check(descriptor: &Descriptor) -> Result<(), String> {
    let presets = &descriptor.rules;
    if presets.len() > MAX_PRESETS {
        return Err(format!("it has more than {MAX_PRESETS} presets of rules"));
    }
    for (at, preset) in presets.iter().enumerate() {
        let name = &preset.name;
        if !RulePreset::is_name(name) {
            return Err(format!("'{name}' cannot be the name of a preset: it is not 1 to 64 of a-z, 0-9 and -"));
        }
        if RulePreset::RESERVED.iter().any(|reserved| name == *reserved) {
            return Err(format!("its preset '{name}' has the name of one that every kind has"));
        }
        if presets.iter().take(at).any(|other| other.name == *name) {
            return Err(format!("two presets are named '{name}'"));
        }
        if preset.rules.len() > MAX_RULES || !matches!(Value::parse(preset.rules.as_bytes()), Ok(Value::Map(_))) {
            return Err(format!("the rules of its preset '{name}' are not a JSON object of at most 64 KiB"));
        }
    }
    Ok(())
}
