//! The diagnostics of a request to an error, in strict mode: nothing is sent after a loss.

use crate::canonical::{Diagnostics, Severity};
use crate::error::Unsupported;

/// Ensures that nothing of the request to the upstream of this name was lost.
///
/// # Errors
/// The first loss among `diagnostics`, with its field.
pub fn ensure_lossless(name: &str, diagnostics: &Diagnostics) -> Result<(), Unsupported> {
    let Some(loss) = diagnostics.iter().find(|d| d.severity() >= Severity::Warning) else { return Ok(()) };
    let detail = if loss.detail.is_empty() { String::new() } else { format!(" ({})", loss.detail) };
    let path = &loss.path;
    let message = format!(
        "`{path}` cannot be sent to {name} as it is: {}{detail}. Change it, or use lenient mode.",
        loss.code.meaning().trim_end_matches('.')
    );
    Err(Unsupported::new(path.clone(), message))
}
