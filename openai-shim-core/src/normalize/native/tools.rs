//! Tools to those that an upstream of another dialect can offer: without the provider's own, without those that only the
//! provider's programs may call, and without those that the client does not offer yet.

use super::super::recipient::Recipient;
use super::foreign::describe;
use crate::canonical::{DiagnosticCode, Diagnostics, Request, Tool};

pub(super) fn normalize(request: &mut Request, recipient: &Recipient<'_>, diagnostics: &mut Diagnostics) {
    let is_offered = |tool: &Tool| match tool {
        Tool::Native { dialect, .. } => recipient.is_own(dialect),
        Tool::Function { extra, .. } if extra.is_empty() => true,
        Tool::Function { extra, .. } => {
            recipient.is_own(extra.dialect) || extra.get(CALLERS).is_none_or(allows_direct_calls)
        }
    };
    let withholds = !request.withheld_tools.is_empty() && !recipient.is_own(request.extra.dialect);
    if !withholds && request.tools.iter().all(is_offered) {
        return;
    }
    let withheld_tools = std::mem::take(&mut request.withheld_tools);
    let mut i = 0;
    request.tools.edit().retain(|tool| {
        let field_path = format!("tools[{i}]");
        i += 1;
        match tool {
            Tool::Native { dialect, raw } if !recipient.is_own(dialect) => {
                let content = describe(dialect, raw.as_str());
                let (code, detail) = if content.is_covered {
                    let detail = format!("{}: all tools are offered from the start", content.name);
                    (DiagnosticCode::ContentRewritten, detail)
                } else {
                    (DiagnosticCode::FeatureUnsupported, content.name)
                };
                diagnostics.record(code, &field_path, &detail);
                false
            }
            Tool::Function { name, .. } if !is_offered(tool) => {
                let detail = format!("{name}: a tool that only programs of the provider may call");
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &field_path, &detail);
                false
            }
            Tool::Function { name, .. } if withholds && withheld_tools.contains(name) => {
                diagnostics.record(DiagnosticCode::ToolWithheld, &field_path, name);
                false
            }
            _ => true,
        }
    });
}

/// The field of a tool that lists who may call it; without it the model may.
const CALLERS: &str = "allowed_callers";

fn allows_direct_calls(callers: &str) -> bool {
    serde_json::from_str::<Vec<String>>(callers)
        .map_or(true, |callers| callers.is_empty() || callers.iter().any(|caller| caller == "direct"))
}
