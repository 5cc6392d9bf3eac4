//! Where a profile says that text contains reasoning to the mode of the parser that takes it out.

use crate::canonical::ReasoningTags;
use crate::extract::ReasoningTagMode;

pub(super) fn tag_mode(tags: &ReasoningTags) -> ReasoningTagMode {
    match tags {
        ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
        ReasoningTags::Ignore => ReasoningTagMode::Ignore,
        ReasoningTags::Leading => ReasoningTagMode::Leading,
        ReasoningTags::Own(tags) => {
            ReasoningTagMode::Own { open: tags.open.as_str().into(), close: tags.close.as_str().into() }
        }
    }
}
