//! `contents` and `systemInstruction` to messages, and back.
//!
//! <https://ai.google.dev/api/caching#Content>

use super::super::shape::Place;
use super::extra_fields::{self, MERGED_CONTENTS, RESPONSE_KEY};
use super::json_keys::{camel_case_keys, parse_object};
use super::names::{GENERATED_ID_PREFIX, NAME, SIGNATURE_FORMAT, is_generated_id};
use super::partial_args::is_object;
use super::parts::{self, FunctionCallPart};
use super::shape;
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, OpenCalls, Request, Role, Span, called_names,
    result_name,
};
use crate::error::ClientError;
use crate::json::{ArrayBuilder, Object, ValueKind, decode_string, encode_string, raw, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Decodes the conversation.
pub(super) fn decode(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let contents_place = Place::Key(&Place::Root, "contents");
    if let Some(system) = object.non_null("systemInstruction") {
        request.messages.push_decoded(decode_instruction(system)?);
    }
    let missing = || {
        ClientError::invalid(
            "Send `contents`, a list such as [{\"role\": \"user\", \"parts\": [{\"text\": \"…\"}]}].",
        )
        .at("contents")
    };
    let contents = object.non_null("contents").ok_or_else(missing)?;
    match value_kind(contents) {
        ValueKind::Array => {
            let items = object.array("contents").unwrap_or_default();
            if items.is_empty() {
                return Err(missing());
            }
            request.messages.decoded_mut().reserve_exact(items.len());
            for (i, item) in items.iter().enumerate() {
                let mut message = decode_content(item, i, Place::Index(&contents_place, i), diagnostics)?;
                message.set_decoded_span(Span::within(body, item));
                push_message(message, request.messages.decoded_mut());
            }
        }
        // Google's own libraries also accept one content, or its text.
        ValueKind::Object => {
            let message = decode_content(contents, 0, contents_place, diagnostics)?;
            request.messages.push_decoded(message);
        }
        ValueKind::String => {
            request
                .messages
                .push_decoded(text_message(Role::User, &decode_string(contents).unwrap_or_default()));
        }
        _ => return Err(missing()),
    }
    for message in request.messages.iter_mut().filter(|message| message.role == Role::Assistant) {
        message.decoded_mut().blocks.iter_mut().for_each(mark_encrypted);
        let original =
            message.source_span().and_then(|span| std::str::from_utf8(body.get(span.range())?).ok());
        if let (Some(original), Some((key, value))) =
            (original, message.decoded_mut().extra.members.first_mut())
            && key == MERGED_CONTENTS
        {
            *value = raw(format!("[{original}]"));
        }
    }
    assign_call_ids(request.messages.decoded_mut());
    Ok(())
}

/// Marks a thought as encrypted if it has no text and another API's signature.
fn mark_encrypted(block: &mut Block) {
    if let Block::Reasoning { text, signature: Some(_), extra } = block
        && text.is_empty()
        && extra.detail("format").is_some_and(|format| format != SIGNATURE_FORMAT)
    {
        extra.members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
}

/// Adds a message. Libraries send each chunk of a stream as a content of its own: they are merged into one message.
fn push_message(message: Message, messages: &mut Vec<Message>) {
    let is_mergeable = |m: &Message| {
        m.role == Role::Assistant && m.extra.members.iter().all(|(key, _)| key == MERGED_CONTENTS)
    };
    match messages.last_mut().filter(|last| is_mergeable(last) && is_mergeable(&message)) {
        Some(last) => {
            let span = last.source_span().zip(message.source_span()).map(|(first, next)| first.to(next));
            last.set_decoded_span(span);
            let fields = last.decoded_mut();
            fields.content_was_parts |= message.content_was_parts;
            for block in message.into_blocks().into_iter().filter(|block| !is_empty_text(block)) {
                push_block(block, &mut fields.blocks);
            }
            fields.extra = merged_contents();
        }
        None => messages.push(message),
    }
}

/// Returns the extra fields of a message that several contents or parts were merged into.
fn merged_contents() -> ExtraFields {
    ExtraFields::new(NAME, vec![(String::from(MERGED_CONTENTS), raw("[]"))])
}

fn is_empty_text(block: &Block) -> bool {
    matches!(block, Block::Text { text, extra } if text.is_empty() && extra.is_empty())
}

/// Adds a block. A signature may have a part of its own, behind the thought that it signs: they are merged.
fn push_block(block: Block, blocks: &mut Vec<Block>) {
    match (blocks.last_mut(), block) {
        (
            Some(Block::Reasoning { text, signature: last_signature @ None, extra: last_extra }),
            Block::Reasoning { text: more, signature, extra },
        ) if last_extra.is_empty() => {
            text.push_str(&more);
            (*last_signature, *last_extra) = (signature, extra);
        }
        (_, block) => blocks.push(block),
    }
}

/// A message of one text, as the payload has it.
fn text_message(role: Role, text: &str) -> Message {
    Message::decoded(role, vec![Block::text(text)])
}

fn decode_instruction(system: &str) -> Result<Message, ClientError> {
    if let Some(text) = decode_string(system) {
        return Ok(text_message(Role::System, &text));
    }
    let object = parse_object(system).ok_or_else(|| {
        ClientError::invalid("`systemInstruction` must be a content with `parts`.").at("systemInstruction")
    })?;
    let mut message = Message::decoded(Role::System, decode_parts(&object));
    let fields = message.decoded_mut();
    fields.content_was_parts = fields.blocks.len() > 1;
    fields.extra = extra_fields::read(&object, &["parts"]);
    Ok(message)
}

fn decode_content(
    item: &str,
    i: usize,
    place: Place<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    if let Some(text) = decode_string(item) {
        return Ok(text_message(Role::User, &text));
    }
    let path_of = |field: &str| format!("contents[{i}]{field}");
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        ClientError::invalid(format!("{} must be a content with `role` and `parts`.", path_of("")))
            .at(path_of(""))
    })?;
    shape::CONTENT.check_at(&object, place, &[], diagnostics)?;
    let object = camel_case_keys(object);
    let blocks = decode_parts(&object);
    let role = match object.str("role").as_deref() {
        Some("model") => Role::Assistant,
        None | Some("user" | "function" | "") => {
            let has_only_results = blocks.iter().all(|b| matches!(b, Block::ToolResult { .. }));
            if has_only_results && !blocks.is_empty() { Role::Tool } else { Role::User }
        }
        Some(other) => {
            let text = format!("{} is {other:?}; it must be user or model.", path_of(".role"));
            return Err(ClientError::invalid(text).at(path_of(".role")));
        }
    };
    let mut message = Message::decoded(role, blocks);
    let fields = message.decoded_mut();
    fields.content_was_parts = fields.blocks.iter().filter(|b| matches!(b, Block::Text { .. })).count() > 1;
    fields.extra = extra_fields::read(&object, &["role", "parts"]);
    let part_count = fields.blocks.len();
    if fields.extra.is_empty() && role == Role::Assistant {
        let blocks = std::mem::replace(&mut fields.blocks, Vec::with_capacity(part_count));
        for block in blocks {
            push_block(block, &mut fields.blocks);
        }
        if fields.blocks.len() < part_count {
            fields.extra = merged_contents();
        }
    }
    if object.str("role").as_deref() == Some("function") {
        fields.extra = ExtraFields::new(
            NAME,
            [
                vec![(String::from("role"), raw("\"function\""))],
                std::mem::take(&mut fields.extra).into_members(),
            ]
            .concat(),
        );
    }
    Ok(message)
}

fn decode_parts(object: &Object<'_>) -> Vec<Block> {
    match object.get("parts") {
        Some(parts) if value_kind(parts) == ValueKind::Array => {
            object.array("parts").unwrap_or_default().into_iter().map(parts::read_request_part).collect()
        }
        Some(part) if value_kind(part) == ValueKind::Object => vec![parts::read_request_part(part)],
        _ => Vec::new(),
    }
}

/// Generates ids for tool calls that have none: always the same for the same conversation. A result without an id belongs to
/// the first call of its name in the last turn that has no result.
fn assign_call_ids(messages: &mut [Message]) {
    let mut open = OpenCalls::default();
    for (i, message) in messages.iter_mut().enumerate() {
        if message.blocks.iter().any(|block| matches!(block, Block::ToolCall { .. })) {
            open = OpenCalls::default();
        }
        for (k, block) in message.decoded_mut().blocks.iter_mut().enumerate() {
            match block {
                Block::ToolCall { id, name, .. } => {
                    if id.is_empty() {
                        *id = format!("{GENERATED_ID_PREFIX}{i}-{k}");
                    }
                    open.push(id, name, id.clone());
                }
                Block::ToolResult { id, extra, .. } => {
                    let name = result_name(extra);
                    let call_id = if id.is_empty() {
                        open.take_by_name(&name.unwrap_or_default())
                    } else {
                        open.take_by_id(id, name.as_deref())
                    };
                    if let Some(call_id) = call_id {
                        *id = call_id;
                    }
                }
                _ => {}
            }
        }
    }
}

/// The conversation of a request, as JSON.
pub(super) struct EncodedContents {
    pub(super) contents: String,
    /// `None` if there are no instructions.
    pub(super) system: Option<String>,
}

/// Encodes the conversation. Instructions go into `systemInstruction`, and adjacent tool results into one content.
pub(super) fn encode(
    request: &Request,
    source: Option<&[u8]>,
    diagnostics: &mut Diagnostics,
) -> EncodedContents {
    let call_names = called_names(&request.messages);
    let (mut system, mut system_extra): (Vec<String>, Option<&ExtraFields>) = (Vec::new(), None);
    let mut contents = request.list(34);
    // The parts of tool results that the next message may add to.
    let mut results: Vec<String> = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        let path = format!("messages[{i}]");
        if !has_results(message) {
            write_results(&mut results, &mut contents);
        }
        let original = match (source, message.source_span()) {
            (Some(source), Some(span)) => {
                source.get(span.range()).and_then(|bytes| std::str::from_utf8(bytes).ok())
            }
            (None, Some(_)) => original_contents(message),
            (_, None) => None,
        };
        if let Some(original) = original {
            write_results(&mut results, &mut contents);
            contents.push(original);
            continue;
        }
        // Results that stand in several messages are parts of one content.
        let mut written = if has_results(message) { std::mem::take(&mut results) } else { Vec::new() };
        let encoder =
            BlockEncoder { call_names: &call_names, message_name: message.name.as_deref(), path: &path };
        for block in &message.blocks {
            encoder.encode(block, &mut written, diagnostics);
        }
        if message.name.is_some() && message.role != Role::Tool {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{path}.name"), "");
        }
        message.extra.report_lost(NAME, &path, diagnostics);
        match message.role {
            Role::System | Role::Developer => {
                if !contents.is_empty() {
                    diagnostics.record(DiagnosticCode::MessagesMerged, &path, "instructions were put first");
                }
                system_extra = system_extra.or(Some(&message.extra));
                system.extend(written);
            }
            Role::Tool | Role::User if has_only_results(message) => results = written,
            _ if written.is_empty() => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &path, "an empty message");
            }
            role => {
                let role = if role == Role::Assistant { "\"model\"" } else { "\"user\"" };
                let mut content = Object::new();
                content.set("role", role);
                content.set("parts", format!("[{}]", written.join(",")));
                extra_fields::write(&mut content, &message.extra);
                contents.push(&content.to_json());
            }
        }
    }
    write_results(&mut results, &mut contents);
    let system = (!system.is_empty()).then(|| {
        let mut content = Object::new();
        content.set("parts", format!("[{}]", system.join(",")));
        if let Some(extra) = system_extra {
            extra_fields::write(&mut content, extra);
        }
        content.to_json()
    });
    EncodedContents { contents: contents.into_json(), system }
}

/// Whether a message has nothing but results, so that the next message may add to them.
fn has_only_results(message: &Message) -> bool {
    let is_result = |block: &Block| matches!(block, Block::ToolResult { .. });
    message.extra.of(NAME).is_empty() && !message.blocks.is_empty() && message.blocks.iter().all(is_result)
}

fn has_results(message: &Message) -> bool {
    message.blocks.iter().any(|block| matches!(block, Block::ToolResult { .. }))
}

/// Returns the JSON of the contents that were merged into a message.
fn original_contents(message: &Message) -> Option<&str> {
    let (_, contents) = message.extra.of(NAME).iter().find(|(key, _)| key == MERGED_CONTENTS)?;
    contents.as_str().strip_prefix('[')?.strip_suffix(']').filter(|contents| !contents.is_empty())
}

fn write_results(results: &mut Vec<String>, contents: &mut ArrayBuilder) {
    if !results.is_empty() {
        contents.push(&format!("{{\"role\":\"user\",\"parts\":[{}]}}", results.join(",")));
        results.clear();
    }
}

/// Encodes the blocks of one message.
struct BlockEncoder<'m> {
    /// The tool name of each call id in the conversation.
    call_names: &'m BTreeMap<&'m str, &'m str>,
    message_name: Option<&'m str>,
    /// The path that diagnostics name.
    path: &'m str,
}

impl BlockEncoder<'_> {
    fn encode(&self, block: &Block, out: &mut Vec<String>, diagnostics: &mut Diagnostics) {
        let path = self.path;
        match block {
            Block::Text { text, extra } => {
                extra.report_lost(NAME, path, diagnostics);
                parts::write_text(text, extra, out);
            }
            Block::Refusal(text) => parts::write_text(text, &ExtraFields::default(), out),
            Block::Reasoning { text, signature, extra } => {
                extra.report_lost(NAME, path, diagnostics);
                out.push(parts::write_thought(text, signature.as_deref(), extra));
            }
            Block::Image(_) | Block::Audio(_) | Block::File(_) => {
                out.extend(parts::write_media(block, path, diagnostics));
            }
            Block::ToolCall { id, name, arguments, signature, extra } => {
                extra.report_lost(NAME, path, diagnostics);
                let signature = signature.as_deref();
                let part = FunctionCallPart { id, name, arguments, signature, extra };
                out.push(part.into_json(path, diagnostics));
            }
            Block::ToolResult { id, blocks, is_error, extra } => {
                let name = self.call_names.get(id.as_str()).map(|name| (*name).to_owned());
                let name = name
                    .or_else(|| result_name(extra).map(Cow::into_owned))
                    .or_else(|| self.message_name.map(str::to_owned));
                let result = FunctionResult { id, name: name.as_deref(), blocks, is_error: *is_error, extra };
                result.encode(out, path, diagnostics);
            }
            Block::Native { dialect: NAME, raw } => out.push(raw.as_str().to_owned()),
            Block::Native { dialect, .. } => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, path, dialect);
            }
        }
    }
}

/// A tool result that is ready to be encoded.
struct FunctionResult<'r> {
    id: &'r str,
    name: Option<&'r str>,
    blocks: &'r [Block],
    is_error: bool,
    extra: &'r ExtraFields,
}

impl FunctionResult<'_> {
    /// Encodes a `functionResponse` part.
    fn encode(self, out: &mut Vec<String>, path: &str, diagnostics: &mut Diagnostics) {
        self.extra.report_lost(NAME, path, diagnostics);
        let mut function = Object::new();
        if !self.id.is_empty() && !is_generated_id(self.id) {
            function.set("id", encode_string(self.id));
        }
        if self.name.is_none() {
            diagnostics.record(
                DiagnosticCode::FieldFilled,
                &format!("{path}.name"),
                "a result without a call has its id as its name",
            );
        }
        function.set("name", encode_string(self.name.unwrap_or(self.id)));
        function.set("response", self.response());
        let parts = self.parts(path, diagnostics);
        if !parts.is_empty() {
            function.set("parts", format!("[{}]", parts.join(",")));
        }
        let other_fields = self
            .extra
            .of(NAME)
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("functionResponse.")?, value.as_str())));
        for (key, value) in other_fields {
            function.set(key.to_owned(), value.to_owned());
        }
        let mut part = Object::new();
        part.set("functionResponse", function.to_json());
        extra_fields::write(&mut part, self.extra);
        out.push(part.to_json());
    }

    /// The response: as the client wrote it, if it still is what the blocks have.
    fn response(&self) -> String {
        let text = Block::join_texts(self.blocks, "\n\n");
        let original = self.extra.of(NAME).iter().find(|(key, _)| key == RESPONSE_KEY);
        match original {
            Some((_, original))
                if parts::response_text(original.as_str()) == (text.as_str().into(), self.is_error) =>
            {
                original.as_str().to_owned()
            }
            _ => response_json(&text, self.is_error),
        }
    }

    /// The blocks that are not text, as parts.
    fn parts(&self, path: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
        let mut parts = Vec::new();
        for block in self.blocks {
            match block {
                Block::Text { .. } => {}
                Block::Image(_) | Block::Audio(_) | Block::File(_) => {
                    parts.extend(parts::write_media(block, path, diagnostics));
                }
                Block::Native { dialect: NAME, raw } => parts.push(raw.as_str().to_owned()),
                _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, path, "this block in a result"),
            }
        }
        parts
    }
}

/// Returns the response of a function as the JSON object that Google requires. An object is the whole output.
fn response_json(text: &str, is_error: bool) -> String {
    match (is_error, is_object(text)) {
        (false, true) => text.to_owned(),
        (false, false) => format!("{{\"output\":{}}}", encode_string(text)),
        (true, true) => format!("{{\"error\":{text}}}"),
        (true, false) => format!("{{\"error\":{}}}", encode_string(text)),
    }
}
