//! Looks up dialects by name: the name in, the dialect or an error with a suggestion out.

use super::suggest;
use openai_shim_core::Dialect;
use openai_shim_core::dialect::DIALECTS;

/// The dialect of that name.
pub(crate) fn find_dialect(name: &str) -> Result<Dialect, String> {
    name.parse().map_err(|_| {
        let known: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
        format!("there is no dialect {name:?}; {}", suggest::instead(name, &known))
    })
}
