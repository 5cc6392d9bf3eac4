//! Parameters, by their name on the wire: left out, renamed, or moved into a range.

use super::Defaults;
use crate::canonical::{Code, Diagnostics};
use crate::error::Unsupported;
use crate::json::{Kind, Object, peek};
use crate::profile::Profile;

/// Applies the profile's parameter rows to a request body.
///
/// # Errors
/// In strict mode, when a parameter would be dropped or changed.
pub fn params(
    body: &mut Object<'_>,
    profile: &Profile,
    defaults: &Defaults,
    notes: &mut Diagnostics,
) -> Result<(), Unsupported> {
    for (from, to) in &profile.params.rename {
        if body.non_null(from).is_none() {
            continue;
        }
        if let Some(value) = body.remove(from) {
            // Where both are there the upstream's own name wins.
            if body.non_null(to).is_none() {
                body.set(to.clone(), value);
            }
            notes.note(Code::ParamRenamed, from, to);
        }
    }
    for (key, [low, high]) in &profile.params.clamp {
        let Some(value) =
            body.get(key).filter(|v| peek(v) == Kind::Number).and_then(|v| v.trim().parse::<f64>().ok())
        else {
            continue;
        };
        let clamped = value.clamp(*low, *high);
        if value < *low || value > *high {
            if defaults.strict {
                return Err(Unsupported::new(
                    key.clone(),
                    format!("{} accepts {key} from {low} to {high}; this is {value}.", profile.name),
                ));
            }
            body.set(key.clone(), format!("{clamped}"));
            notes.note(Code::ParamClamped, key, &format!("{value} to {clamped}"));
        }
    }
    for key in &profile.params.drop {
        let Some(value) = body.get(key) else { continue };
        let said = peek(value) != Kind::Null;
        if said && defaults.strict {
            return Err(Unsupported::new(
                key.clone(),
                format!("{} does not accept {key}. Leave it out, or use lenient mode.", profile.name),
            ));
        }
        body.remove(key);
        if said {
            notes.note(Code::ParamDropped, key, "");
        }
    }
    Ok(())
}
