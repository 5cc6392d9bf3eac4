//! Where a profile says that text contains reasoning to the mode of the parser that takes it out.

use crate::canonical::{DiagnosticCode, Diagnostics, ReasoningTags};
use crate::extract::{MissingTag, OutputParser, ReasoningTagMode};

pub(crate) fn tag_mode(tags: &ReasoningTags) -> ReasoningTagMode {
    match tags {
        ReasoningTags::Prefilled => ReasoningTagMode::Prefilled,
        ReasoningTags::Ignore => ReasoningTagMode::Ignore,
        ReasoningTags::Leading => ReasoningTagMode::Leading,
        ReasoningTags::Own(tags) => {
            ReasoningTagMode::Own { open: tags.open.as_str().into(), close: tags.close.as_str().into() }
        }
    }
}

/// Records a tag that is missing in a text.
pub(crate) fn record_missing_tag(parser: &mut OutputParser, path: &str, diagnostics: &mut Diagnostics) {
    match parser.take_missing_tag() {
        Some(MissingTag::Opening) => record_unopened_tag(path, diagnostics),
        Some(MissingTag::Closing) => diagnostics.record(DiagnosticCode::ReasoningTagMissing, path, ""),
        None => {}
    }
}

/// Records a closing tag that no tag opened.
pub(crate) fn record_unopened_tag(path: &str, diagnostics: &mut Diagnostics) {
    let detail = "the text before it may be reasoning: set responses.reasoning_tags = \"prefilled\"";
    diagnostics.record(DiagnosticCode::ReasoningTagUnopened, path, detail);
}
