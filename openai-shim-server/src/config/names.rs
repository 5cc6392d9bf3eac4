//! Looks up dialects by name: the name in, the dialect or an error with a suggestion out.

use super::suggest;
use openai_shim_core::dialect::DIALECTS;

/// The dialect of that name.
pub(crate) fn find_dialect(name: &str) -> Result<String, String> {
    let known: Vec<&str> = DIALECTS.iter().map(|d| d.name()).collect();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("there is no dialect {name:?}; {}", suggest::instead(name, &known)))
}
