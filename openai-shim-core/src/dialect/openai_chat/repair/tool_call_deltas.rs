//! The tool calls of a stream: fragments put in order.

use super::super::tool_call::{self, is_custom};
use crate::canonical::{DiagnosticCode, Diagnostics, ResponseContext, ResponseSpec, call_id};
use crate::json::{
    Balance, Object, ValueKind, append_text, encode_array, encode_string, string_or_json, value_kind,
};
use std::collections::BTreeMap;

/// Puts a call's signature into its id, where the upstream wants it back.
pub(super) fn attach_signature(call: &mut Object<'_>, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    if !spec.signatures_in_ids {
        return;
    }
    let (Some(id), Some(signature)) = (call.str("id"), tool_call::signature(call)) else { return };
    if let Some(packed) = call_id::attach(&id, &signature) {
        diagnostics.record(DiagnosticCode::SignatureCarried, "tool_calls[].id", "");
        call.set("id", encode_string(&packed));
    }
}

/// `name` and `arguments` beside `type` belong into `function`.
pub(super) fn lift(call: &mut Object<'_>) {
    if call.get("function").is_some() {
        return;
    }
    let mut function = Object::new();
    for key in ["name", "arguments"] {
        if let Some(value) = call.remove(key) {
            function.set(key, value.into_owned());
        }
    }
    call.set("function", function.to_json());
}

pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether two texts are the same JSON.
pub(super) fn same_json(a: &str, b: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || read(a).is_some_and(|a| read(b) == Some(a))
}

/// Some servers write every member that there is: a call of nothing with nothing is none.
fn is_hollow(function: &Object<'_>) -> bool {
    ["name", "arguments"].iter().all(|key| function.str(key).is_some_and(|said| said.is_empty()))
}

/// A legacy `function_call` becomes a tool call, unless the client speaks the legacy form itself.
pub(super) fn upgrade(said: &mut Object<'_>, at: &str, spec: &ResponseSpec, diagnostics: &mut Diagnostics) {
    if said.object("function_call").is_some_and(|function| is_hollow(&function)) {
        said.remove("function_call");
        diagnostics.record(DiagnosticCode::NullDropped, &format!("{at}.function_call"), "");
    }
    if spec.legacy_functions || said.get("tool_calls").is_some() {
        return;
    }
    let Some(function) =
        said.non_null("function_call").filter(|f| value_kind(f) == ValueKind::Object).map(str::to_owned)
    else {
        return;
    };
    said.remove("function_call");
    diagnostics.record(DiagnosticCode::FunctionCallUpgraded, &format!("{at}.function_call"), "");
    said.set("tool_calls", format!(r#"[{{"index":0,"function":{function}}}]"#));
}

/// The most calls of one choice, and the most bytes of their arguments, that are kept while it streams.
const MOST_CALLS: usize = 1024;
const MOST_ARGUMENTS: usize = 8 << 20;

/// The calls of one choice of a stream, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct StreamedToolCalls {
    slots: Vec<StreamedToolCall>,
    /// The last call of each index of the upstream, of each id, and of both together.
    by_index: BTreeMap<u64, usize>,
    by_id: BTreeMap<String, usize>,
    by_both: BTreeMap<(u64, String), usize>,
    /// How many calls were begun in what went out.
    numbered: usize,
    /// How many bytes the arguments of all calls have.
    size: usize,
    /// The call that the last fragment went on with.
    last: Option<usize>,
}

/// One call.
#[derive(Debug, Default)]
struct StreamedToolCall {
    /// The index that the upstream gave it.
    upstream: Option<u64>,
    id: String,
    /// The upstream's id, where another call has it and this one got its own.
    repeated: Option<String>,
    name: String,
    /// Arguments so far.
    arguments: String,
    balance: Balance,
    /// The number under which its first fragment went out.
    number: Option<usize>,
    custom: bool,
}

impl StreamedToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether this very call was made.
    pub(super) fn has(&self, name: &str, arguments: &str) -> bool {
        self.slots.iter().any(|slot| slot.name == name && same_json(&slot.arguments, arguments))
    }

    /// How many calls there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the calls are more, or longer, than what is kept of one answer.
    pub(super) fn are_too_many(&self) -> bool {
        self.slots.len() > MOST_CALLS || self.size > MOST_ARGUMENTS
    }

    /// Whether a call waits for its name.
    pub(super) fn wait(&self) -> bool {
        self.numbered < self.slots.len()
    }

    /// Whether every call's arguments are complete JSON.
    pub(super) fn are_complete(&self) -> bool {
        !self.slots.is_empty()
            && self.slots.iter().all(|s| s.custom || s.name.is_empty() || is_json(&s.arguments))
    }

    /// Takes a piece of arguments, a JSON string, that goes on as the last fragment did and says nothing else; false if it
    /// must be looked at.
    pub(super) fn again(&mut self, piece: &str) -> bool {
        let Some(slot) = self.last.and_then(|at| self.slots.get_mut(at)) else { return false };
        let before = slot.arguments.len();
        if self.size.saturating_add(piece.len()) > MOST_ARGUMENTS {
            return false;
        }
        append_text(piece, &mut slot.arguments);
        if slot.arguments.get(..before) == slot.arguments.get(before..) {
            // It may be all of them once more.
            slot.arguments.truncate(before);
            return false;
        }
        self.size += slot.arguments.len() - before;
        true
    }

    /// Puts one delta's fragments right. `last`: the answer ends with this delta, so that no more fragments come.
    pub(super) fn delta(
        &mut self,
        delta: &mut Object<'_>,
        last: bool,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) {
        upgrade(delta, "choices[].delta", spec, diagnostics);
        let Some(items) = delta.array("tool_calls") else { return };
        let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let Ok(mut fragment) = Object::parse(item.as_bytes()) else {
                diagnostics.record(DiagnosticCode::FieldDropped, "choices[].delta.tool_calls[]", "no object");
                changed = true;
                continue;
            };
            if !self.fragment(&mut fragment, last, spec, context, diagnostics) {
                changed = true;
                continue;
            }
            changed |= fragment.is_changed();
            written.push(if fragment.is_changed() { fragment.to_json() } else { item.to_owned() });
        }
        if !changed {
            return;
        }
        if written.is_empty() {
            delta.remove("tool_calls");
        } else {
            delta.set("tool_calls", encode_array(&written));
        }
    }

    /// What must be said before the answer ends: `{}` for calls without arguments, and calls that never got a name.
    /// `cut`: the limit ended the answer, so that arguments need not be whole.
    pub(super) fn rest(
        &mut self,
        cut: bool,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        const ARGUMENTS: &str = "choices[].delta.tool_calls[].function.arguments";
        let mut next = self.numbered;
        let mut written = Vec::new();
        for slot in self.slots.iter_mut().filter(|s| !s.custom) {
            let empty = slot.arguments.trim().is_empty();
            if !empty && !cut && !is_json(&slot.arguments) {
                diagnostics.record(DiagnosticCode::ToolArgumentsInvalid, ARGUMENTS, "");
            }
            if !empty && slot.number.is_some() {
                continue;
            }
            if empty {
                diagnostics.record(DiagnosticCode::ToolArgumentsShaped, ARGUMENTS, "");
                slot.arguments = String::from("{}");
            }
            if let Some(number) = slot.number {
                written.push(format!(r#"{{"index":{number},"function":{{"arguments":"{{}}"}}}}"#));
                continue;
            }
            diagnostics.record(
                DiagnosticCode::ToolNameMissing,
                "choices[].delta.tool_calls[].function.name",
                "",
            );
            if slot.id.is_empty() {
                diagnostics.record(DiagnosticCode::ToolIdSynthesized, "choices[].delta.tool_calls[].id", "");
                slot.id = context.new_id("call_");
            }
            written.push(slot.opening(next));
            slot.number = Some(next);
            next += 1;
        }
        self.numbered = next;
        (!written.is_empty()).then(|| encode_array(&written))
    }

    /// Puts one fragment right; false if nothing of it is left.
    fn fragment(
        &mut self,
        fragment: &mut Object<'_>,
        last: bool,
        spec: &ResponseSpec,
        context: &mut ResponseContext,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        const AT: &str = "choices[].delta.tool_calls[]";
        if fragment.get("function").is_none() && fragment.get("custom").is_none() {
            lift(fragment);
        }
        let function = fragment.inner("function").unwrap_or_default();
        let given = ToolCallDelta {
            index: fragment.u64("index"),
            id: fragment.str("id").filter(|id| !id.is_empty()).map(std::borrow::Cow::into_owned),
            name: function.str("name").filter(|name| !name.is_empty()).map(std::borrow::Cow::into_owned),
            arguments: function.get("arguments").map(|a| string_or_json(a).into_owned()).unwrap_or_default(),
        };
        self.size = self.size.saturating_add(given.arguments.len());
        self.last = None;
        let known = self.find(&given);
        let at = known.unwrap_or(self.slots.len());
        if known.is_none() {
            self.slots.push(StreamedToolCall { upstream: given.index, ..StreamedToolCall::default() });
            self.by_index.extend(given.index.map(|index| (index, at)));
        }
        let next = self.numbered;
        let Some(slot) = self.slots.get_mut(at) else { return false };
        slot.custom |= is_custom(fragment);
        if let Some(number) = slot.number {
            set_index(fragment, number, diagnostics);
            if slot.custom {
                custom_goes_on(fragment, diagnostics);
                return true;
            }
            self.last = Some(at);
            return slot.go_on(fragment, function, &given, diagnostics);
        }
        if slot.custom {
            slot.number = Some(next);
            self.numbered += 1;
            set_index(fragment, next, diagnostics);
            custom_begins(fragment, context, diagnostics);
            return true;
        }
        if let Some(id) = &given.id
            && slot.id.is_empty()
        {
            let fresh = context.replace_repeated_id(id);
            if fresh.is_some() {
                diagnostics.record(DiagnosticCode::ToolIdRepeated, &format!("{AT}.id"), id);
            }
            slot.repeated = fresh.is_some().then(|| id.clone());
            slot.id = fresh.unwrap_or_else(|| id.clone());
        }
        if slot.id.is_empty() && (given.name.is_some() || last) {
            diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{AT}.id"), "");
            slot.id = context.new_id("call_");
        }
        let id = slot.upstreams_id();
        if !id.is_empty() {
            let known = self.by_id.entry(id.to_owned()).or_insert(at);
            *known = at.max(*known);
            if let Some(index) = slot.upstream {
                let known = self.by_both.entry((index, id.to_owned())).or_insert(at);
                *known = at.max(*known);
            }
        }
        if let Some(name) = &given.name {
            slot.name.clone_from(name);
        }
        let waited = !slot.arguments.is_empty();
        slot.arguments.push_str(&given.arguments);
        if slot.name.is_empty() && !last {
            // A call is known by its name: what comes before it waits.
            return false;
        }
        if slot.name.is_empty() {
            diagnostics.record(DiagnosticCode::ToolNameMissing, &format!("{AT}.function.name"), "");
        } else if known.is_some() {
            diagnostics.record(DiagnosticCode::ToolNameLate, &format!("{AT}.function.name"), "");
        }
        slot.number = Some(next);
        self.numbered += 1;
        set_index(fragment, next, diagnostics);
        if waited {
            let opening = slot.opening(next);
            *fragment = Object::parse(opening.as_bytes()).map(Object::into_owned).unwrap_or_default();
            fragment.set("index", next.to_string());
            return true;
        }
        slot.open(fragment, function, last, diagnostics);
        attach_signature(fragment, spec, diagnostics);
        true
    }

    /// The call that a fragment belongs to; `None` if it begins one.
    fn find(&mut self, given: &ToolCallDelta) -> Option<usize> {
        let at = match (given.index, &given.id) {
            (Some(index), id) => {
                let both = id.clone().and_then(|id| self.by_both.get(&(index, id)));
                *both.or_else(|| self.by_index.get(&index))?
            }
            (None, Some(id)) => {
                let known = self.by_id.get(id).copied();
                // Without a name no call begins, whatever its id.
                let goes_on = given.name.is_none() && !given.arguments.is_empty();
                return known.or_else(|| self.slots.len().checked_sub(1).filter(|_| goes_on));
            }
            (None, None) => {
                let last = self.slots.len().checked_sub(1)?;
                let begins = given.name.is_some() && self.slots.get(last).is_some_and(|s| !s.name.is_empty());
                return (!begins).then_some(last);
            }
        };
        let slot = self.slots.get_mut(at)?;
        let new_id = given.id.as_ref().is_some_and(|id| !slot.id.is_empty() && id != slot.upstreams_id());
        let begins = given.name.is_some()
            && !slot.name.is_empty()
            && (new_id || (given.id.is_none() && given.arguments != slot.arguments && slot.has_json()));
        // Some servers give each fragment a new id; only a name then begins another call.
        (!begins).then_some(at)
    }
}

/// Puts the first fragment of a custom tool's call right: its input is text, and stays as it is.
fn custom_begins(fragment: &mut Object<'_>, context: &mut ResponseContext, diagnostics: &mut Diagnostics) {
    const AT: &str = "choices[].delta.tool_calls[]";
    if fragment.str("id").is_none_or(|id| id.is_empty()) {
        diagnostics.record(DiagnosticCode::ToolIdSynthesized, &format!("{AT}.id"), "");
        fragment.set("id", encode_string(&context.new_id("call_")));
    }
    if fragment.str("type").as_deref() != Some("custom") {
        diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{AT}.type"), "");
        fragment.set("type", "\"custom\"");
    }
    let mut custom = fragment.object("custom").map(Object::into_owned).unwrap_or_default();
    if custom.str("name").is_none() {
        diagnostics.record(DiagnosticCode::ToolNameMissing, &format!("{AT}.custom.name"), "");
        custom.set("name", "\"\"");
        fragment.set("custom", custom.to_json());
    }
}

/// Puts a later fragment of a custom tool's call right.
fn custom_goes_on(fragment: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    const AT: &str = "choices[].delta.tool_calls[]";
    for key in ["id", "type"] {
        if fragment.remove(key).is_some() {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{AT}.{key}"), "");
        }
    }
    let mut custom = fragment.object("custom").map(Object::into_owned).unwrap_or_default();
    if custom.remove("name").is_some() {
        diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{AT}.custom.name"), "");
        fragment.set("custom", custom.to_json());
    }
}

/// Calls are counted from 0 in the order in which they go out.
fn set_index(fragment: &mut Object<'_>, number: usize, diagnostics: &mut Diagnostics) {
    if fragment.u64("index") != Some(number as u64) {
        diagnostics.record(DiagnosticCode::ToolIndexSynthesized, "choices[].delta.tool_calls[].index", "");
        fragment.set_first("index", number.to_string());
    }
}

/// What a fragment says.
struct ToolCallDelta {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: String,
}

impl StreamedToolCall {
    /// The id that the upstream knows it by.
    fn upstreams_id(&self) -> &str {
        self.repeated.as_deref().unwrap_or(&self.id)
    }

    /// Whether the arguments so far are a whole JSON text.
    fn has_json(&mut self) -> bool {
        self.balance.is_closed(&self.arguments) && is_json(&self.arguments)
    }

    /// The first fragment of a call, written anew.
    fn opening(&self, index: usize) -> String {
        format!(
            r#"{{"index":{index},"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
            encode_string(&self.id),
            encode_string(&self.name),
            encode_string(&self.arguments)
        )
    }

    /// Puts the first fragment right.
    fn open(
        &mut self,
        fragment: &mut Object<'_>,
        mut function: Object<'_>,
        last: bool,
        diagnostics: &mut Diagnostics,
    ) {
        const AT: &str = "choices[].delta.tool_calls[]";
        if fragment.str("id").as_deref() != Some(self.id.as_str()) {
            fragment.set("id", encode_string(&self.id));
        }
        if fragment.str("type").as_deref() != Some("function") {
            diagnostics.record(DiagnosticCode::ToolTypeFilled, &format!("{AT}.type"), "");
            fragment.set("type", "\"function\"");
        }
        if function.str("name").is_none() {
            function.set("name", encode_string(&self.name));
        }
        let empty = self.arguments.trim().is_empty();
        let text = function.get("arguments").is_none_or(|a| value_kind(a) == ValueKind::String);
        if !text || (last && empty) {
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &format!("{AT}.function.arguments"), "");
            if empty {
                self.arguments = String::from("{}");
            }
            function.set("arguments", encode_string(&self.arguments));
        }
        if function.is_changed() {
            fragment.set("function", function.to_json());
        }
    }

    /// Puts a later fragment right; false if nothing of it is left.
    fn go_on(
        &mut self,
        fragment: &mut Object<'_>,
        mut function: Object<'_>,
        given: &ToolCallDelta,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        const AT: &str = "choices[].delta.tool_calls[]";
        for key in ["id", "type"] {
            if fragment.remove(key).is_some() {
                diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{AT}.{key}"), "");
            }
        }
        if function.remove("name").is_some() {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{AT}.function.name"), "");
        }
        let whole_again = given.arguments.len() > 1 && given.arguments == self.arguments && self.has_json();
        if whole_again {
            diagnostics.record(DiagnosticCode::ToolFieldRepeated, &format!("{AT}.function.arguments"), "");
            return false;
        }
        self.arguments.push_str(&given.arguments);
        if function.get("arguments").is_some_and(|a| value_kind(a) != ValueKind::String) {
            diagnostics.record(DiagnosticCode::ToolArgumentsShaped, &format!("{AT}.function.arguments"), "");
            function.set("arguments", encode_string(&given.arguments));
        }
        if function.is_changed() {
            fragment.set("function", function.to_json());
        }
        !(fragment.is_changed() && given.arguments.is_empty())
    }
}
