//! `rules presets`: the presets of kinds, with what they permit.

use connection_rules::Preset;
use serde::Serialize;

use super::given::presets_of;
use crate::{Error, Exit, program::Program};

/// A preset, for `--json`.
#[derive(Serialize)]
struct PresetBody {
    /// `null` for a preset that every kind has.
    kind: Option<String>,
    name: String,
    words: Vec<String>,
}

impl PresetBody {
    fn of(kind: Option<&str>, preset: &Preset) -> Self {
        Self { kind: kind.map(str::to_owned), name: preset.name().to_owned(), words: preset.rules().words() }
    }
}

pub(super) fn run(program: &Program, kind: Option<&str>) -> Result<Exit, Error> {
    let bodies = match kind {
        Some(name) => {
            let presets = presets_of(program.kind(name)?)?;
            presets.iter().map(|preset| PresetBody::of(Some(name), preset)).collect()
        }
        None => all(program)?,
    };
    let output = &program.output;
    if output.json {
        output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    for PresetBody { kind, name, words } in bodies {
        let name = kind.map_or_else(|| name.clone(), |kind| format!("{kind}/{name}"));
        output.line(name)?;
        for line in words {
            output.line(format!("  {line}"))?;
        }
    }
    Ok(Exit::Fine)
}

/// Returns the presets that kinds state themselves, and then those that every kind has.
fn all(program: &Program) -> Result<Vec<PresetBody>, Error> {
    let common: Vec<Preset> = ["ask", "everything"].into_iter().filter_map(Preset::common).collect();
    let mut bodies = Vec::new();
    for kind in &program.kinds {
        let own = presets_of(kind)?;
        let own = own.iter().filter(|preset| !common.contains(preset));
        bodies.extend(own.map(|preset| PresetBody::of(Some(kind.descriptor.kind.as_str()), preset)));
    }
    bodies.extend(common.iter().map(|preset| PresetBody::of(None, preset)));
    Ok(bodies)
}
