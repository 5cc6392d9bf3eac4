//! The service tier of a response, which chat completions and Responses both state, under one name.

use crate::canonical::ExtraFieldList;
use crate::json::decode_string;

const KEY: &str = "service_tier";

/// The values in the types of OpenAI's SDKs.
const KNOWN: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

/// Takes the tier out of the extra fields of another dialect; returns it as JSON, and the other fields.
pub(super) fn take(extra: &ExtraFieldList) -> (Option<String>, ExtraFieldList) {
    let tier =
        extra.get(KEY).filter(|json| decode_string(json).is_some_and(|tier| KNOWN.contains(&tier.as_ref())));
    let Some(tier) = tier.map(str::to_owned) else { return (None, extra.clone()) };
    let others = extra.members.iter().filter(|(key, _)| key != KEY).cloned().collect();
    (Some(tier), ExtraFieldList::new(extra.dialect, others))
}
