//! What encoders and defaults added to a request to what the upstream takes: an addition that it refuses is left out again.

use crate::canonical::Addition;
use crate::dialect::Encoded;
use crate::json::member_path;

/// Whether a parameter may be added that the client did not send.
pub(super) fn may_add(name: &str, client_only: &[String]) -> bool {
    !client_only.iter().any(|refused| refused == name)
}

/// Leaves out the additions that the upstream refuses, by their names.
pub(super) fn leave_out(encoded: &mut Encoded<'_>, client_only: &[String]) {
    if client_only.is_empty() {
        return;
    }
    let Encoded { body, headers, additions, .. } = encoded;
    additions.retain(|Addition { name, is_header }| {
        let is_kept = may_add(name, client_only);
        if !is_kept && *is_header {
            headers.remove(&**name);
        } else if !is_kept {
            let path: Vec<&str> = name.split('.').collect();
            member_path::remove(body, &path);
        }
        is_kept
    });
}
