//! The conversation of a request: contents and the system instruction.
//!
//! <https://ai.google.dev/api/caching#Content>

use super::super::shape::Place;
use super::{FORMAT, MINTED, NAME, camelized, is_minted, leftovers, parts, plain, read, shape};
use crate::canonical::{
    Block, DiagnosticCode, Diagnostics, ExtraFields, Message, OpenCalls, Request, Role, Span, called_names,
};
use crate::error::ClientError;
use crate::json::{ArrayBuilder, Object, ValueKind, decode_string, encode_string, raw, value_kind};
use std::collections::BTreeMap;

/// Reads the conversation.
pub(super) fn decode(
    object: &Object<'_>,
    body: &[u8],
    request: &mut Request,
    diagnostics: &mut Diagnostics,
) -> Result<(), ClientError> {
    let listed = Place::Key(&Place::Root, "contents");
    if let Some(system) = object.non_null("systemInstruction") {
        request.messages.push_decoded(instruction(system)?);
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
                let mut message = content(item, i, Place::Index(&listed, i), diagnostics)?;
                message.set_decoded_span(Span::within(body, item));
                add(message, request.messages.decoded_mut());
            }
        }
        // One content, or its text, as Google's own libraries accept it.
        ValueKind::Object => request.messages.push_decoded(content(contents, 0, listed, diagnostics)?),
        ValueKind::String => {
            request.messages.push_decoded(text(Role::User, &decode_string(contents).unwrap_or_default()));
        }
        _ => return Err(missing()),
    }
    for message in request.messages.iter_mut().filter(|message| message.role == Role::Assistant) {
        message.decoded_mut().blocks.iter_mut().for_each(mark_sealed);
        let pieces = message.source_span().and_then(|span| std::str::from_utf8(body.get(span.range())?).ok());
        if let (Some(pieces), Some(known)) = (pieces, message.decoded_mut().extra.members.first_mut())
            && known.0 == PIECES
        {
            known.1 = raw(format!("[{pieces}]"));
        }
    }
    name_calls(request.messages.decoded_mut());
    Ok(())
}

/// Another API's signature that signs no text is all there is of that thinking.
fn mark_sealed(block: &mut Block) {
    if let Block::Reasoning { text, signature: Some(_), extra } = block
        && text.is_empty()
        && extra.detail("format").is_some_and(|format| format != FORMAT)
    {
        extra.members.push((String::from("type"), raw("\"reasoning.encrypted\"")));
    }
}

/// The member of a turn's extras that holds the contents in which it came.
pub(super) const PIECES: &str = ".contents";

/// Adds a content. Libraries keep each chunk of a stream as a content of its own: together they are one turn.
fn add(message: Message, messages: &mut Vec<Message>) {
    let turn =
        |m: &Message| m.role == Role::Assistant && m.extra.members.iter().all(|(key, _)| key == PIECES);
    match messages.last_mut().filter(|last| turn(last) && turn(&message)) {
        Some(last) => {
            let says = |block: &Block| !matches!(block, Block::Text { text, extra } if text.is_empty() && extra.is_empty());
            let span = last.source_span().zip(message.source_span()).map(|(first, next)| first.to(next));
            last.set_decoded_span(span);
            let last = last.decoded_mut();
            last.content_was_parts |= message.content_was_parts;
            let blocks = message.into_blocks().into_iter();
            blocks.filter(says).for_each(|block| add_block(block, &mut last.blocks));
            last.extra = ExtraFields::new(NAME, vec![(String::from(PIECES), raw("[]"))]);
        }
        None => messages.push(message),
    }
}

/// Adds a block. A signature may come in a part of its own, after the thinking that it signs.
fn add_block(block: Block, blocks: &mut Vec<Block>) {
    match (blocks.last_mut(), block) {
        (
            Some(Block::Reasoning { text, signature: sign @ None, extra }),
            Block::Reasoning { text: more, signature, extra: own },
        ) if extra.is_empty() => {
            text.push_str(&more);
            (*sign, *extra) = (signature, own);
        }
        (_, block) => blocks.push(block),
    }
}

/// A message of one text, as the payload holds it.
fn text(role: Role, text: &str) -> Message {
    Message::decoded(role, vec![Block::text(text)])
}

fn instruction(system: &str) -> Result<Message, ClientError> {
    if let Some(words) = decode_string(system) {
        return Ok(text(Role::System, &words));
    }
    let object = read(system).ok_or_else(|| {
        ClientError::invalid("`systemInstruction` must be a content with `parts`.").at("systemInstruction")
    })?;
    let mut message = Message::decoded(Role::System, blocks(&object));
    let fields = message.decoded_mut();
    fields.content_was_parts = fields.blocks.len() > 1;
    fields.extra = leftovers(&object, &["parts"]);
    Ok(message)
}

fn content(
    item: &str,
    i: usize,
    place: Place<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<Message, ClientError> {
    if let Some(words) = decode_string(item) {
        return Ok(text(Role::User, &words));
    }
    let at = |field: &str| format!("contents[{i}]{field}");
    let object = Object::parse(item.as_bytes()).map_err(|_| {
        ClientError::invalid(format!("{} must be a content with `role` and `parts`.", at(""))).at(at(""))
    })?;
    shape::CONTENT.check_at(&object, place, &[], diagnostics)?;
    let object = camelized(object);
    let blocks = blocks(&object);
    let role = match object.str("role").as_deref() {
        Some("model") => Role::Assistant,
        None | Some("user" | "function" | "") => {
            let results = blocks.iter().all(|b| matches!(b, Block::ToolResult { .. }));
            if results && !blocks.is_empty() { Role::Tool } else { Role::User }
        }
        Some(other) => {
            let text = format!("{} is {other:?}; it must be user or model.", at(".role"));
            return Err(ClientError::invalid(text).at(at(".role")));
        }
    };
    let mut message = Message::decoded(role, blocks);
    let fields = message.decoded_mut();
    fields.content_was_parts = fields.blocks.iter().filter(|b| matches!(b, Block::Text { .. })).count() > 1;
    fields.extra = leftovers(&object, &["role", "parts"]);
    let parts = fields.blocks.len();
    if fields.extra.is_empty() && role == Role::Assistant {
        let all = std::mem::replace(&mut fields.blocks, Vec::with_capacity(parts));
        for block in all {
            add_block(block, &mut fields.blocks);
        }
        if fields.blocks.len() < parts {
            fields.extra = ExtraFields::new(NAME, vec![(String::from(PIECES), raw("[]"))]);
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

fn blocks(object: &Object<'_>) -> Vec<Block> {
    match object.get("parts") {
        Some(parts) if value_kind(parts) == ValueKind::Array => {
            object.array("parts").unwrap_or_default().into_iter().map(parts::read_request).collect()
        }
        Some(part) if value_kind(part) == ValueKind::Object => vec![parts::read_request(part)],
        _ => Vec::new(),
    }
}

/// Gives ids to calls and results that have none: the same ids each time the same conversation comes. A result belongs to
/// the first call of its name that has no result yet.
fn name_calls(messages: &mut [Message]) {
    let mut open = OpenCalls::default();
    for (i, message) in messages.iter_mut().enumerate() {
        for (k, block) in message.decoded_mut().blocks.iter_mut().enumerate() {
            match block {
                Block::ToolCall { id, name, .. } => {
                    if id.is_empty() {
                        *id = format!("{MINTED}{i}-{k}");
                    }
                    open.push(id, name);
                }
                Block::ToolResult { id, extra, .. } => {
                    let found = if id.is_empty() {
                        open.take_by_name(&result_name(extra).unwrap_or_default())
                    } else {
                        open.take_by_id(id)
                    };
                    match found {
                        Some(call) => *id = call,
                        None if id.is_empty() => *id = format!("{MINTED}{i}-{k}"),
                        None => {}
                    }
                }
                _ => {}
            }
        }
    }
}

fn result_name(extra: &ExtraFields) -> Option<String> {
    let name = extra.of(NAME).iter().find(|(key, _)| key == ".functionResponse.name")?;
    decode_string(name.1.get()).map(std::borrow::Cow::into_owned)
}

/// A conversation as Google takes it.
pub(super) struct EncodedContents {
    pub(super) contents: String,
    /// `None`: there are no instructions.
    pub(super) system: Option<String>,
}

/// Writes the conversation: instructions apart, results of one turn together.
pub(super) fn encode(
    request: &Request,
    source: Option<&[u8]>,
    diagnostics: &mut Diagnostics,
) -> EncodedContents {
    let calls = called_names(&request.messages);
    let (mut system, mut system_extra): (Vec<String>, Option<&ExtraFields>) = (Vec::new(), None);
    let mut contents = request.list(34);
    // The parts of results whose turn may go on.
    let mut results: Vec<String> = Vec::new();
    for (i, message) in request.messages.iter().enumerate() {
        let at = format!("messages[{i}]");
        if message.role != Role::Tool {
            flush(&mut results, &mut contents);
        }
        let own = match (source, message.source_span()) {
            (Some(source), Some(span)) => {
                source.get(span.range()).and_then(|bytes| std::str::from_utf8(bytes).ok())
            }
            (None, Some(_)) => pieces(message),
            (_, None) => None,
        };
        if let Some(own) = own {
            flush(&mut results, &mut contents);
            contents.push(own);
            continue;
        }
        let mut written = Vec::new();
        let silent = |block: &&Block| matches!(block, Block::Text { text, extra } if text.is_empty() && extra.is_empty());
        let all = message.blocks.iter().all(|block| silent(&block));
        // Empty text beside something else says nothing, and may be refused.
        for block in message.blocks.iter().filter(|block| all || !silent(block)) {
            write(block, message, &calls, &mut written, (&at, diagnostics));
        }
        if message.name.is_some() && message.role != Role::Tool {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &format!("{at}.name"), "");
        }
        message.extra.report(NAME, &at, diagnostics);
        match message.role {
            Role::System | Role::Developer => {
                if !contents.is_empty() {
                    diagnostics.record(DiagnosticCode::MessagesMerged, &at, "instructions were put first");
                }
                system_extra = system_extra.or(Some(&message.extra));
                system.extend(written);
            }
            Role::Tool if message.extra.is_empty() => results.append(&mut written),
            _ if written.is_empty() => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &at, "an empty message")
            }
            role => {
                let role = if role == Role::Assistant { "\"model\"" } else { "\"user\"" };
                let mut content = Object::new();
                content.set("role", role);
                content.set("parts", format!("[{}]", written.join(",")));
                parts::extend(&mut content, &message.extra);
                contents.push(&content.to_json());
            }
        }
    }
    flush(&mut results, &mut contents);
    let system = (!system.is_empty()).then(|| {
        let mut content = Object::new();
        content.set("parts", format!("[{}]", system.join(",")));
        if let Some(extra) = system_extra {
            parts::extend(&mut content, extra);
        }
        content.to_json()
    });
    EncodedContents { contents: contents.into_json(), system }
}

/// A turn as it came, if that was in several contents.
fn pieces(message: &Message) -> Option<&str> {
    let (_, all) = message.extra.of(NAME).iter().find(|(key, _)| key == PIECES)?;
    all.get().strip_prefix('[')?.strip_suffix(']').filter(|all| !all.is_empty())
}

fn flush(results: &mut Vec<String>, contents: &mut ArrayBuilder) {
    if !results.is_empty() {
        contents.push(&format!("{{\"role\":\"user\",\"parts\":[{}]}}", results.join(",")));
        results.clear();
    }
}

fn write(
    block: &Block,
    message: &Message,
    calls: &BTreeMap<&str, &str>,
    out: &mut Vec<String>,
    (path, diagnostics): (&str, &mut Diagnostics),
) {
    match block {
        Block::Text { text, extra } => {
            extra.report(NAME, path, diagnostics);
            parts::words(text, extra, out);
        }
        Block::Refusal(text) => parts::words(text, &ExtraFields::default(), out),
        Block::Reasoning { text, signature, extra } => {
            extra.report(NAME, path, diagnostics);
            out.push(parts::thought(text, signature.as_deref(), extra));
        }
        Block::Image(media) | Block::Audio(media) | Block::File(media) => {
            out.extend(parts::media(media, (path, diagnostics)));
        }
        Block::ToolCall { id, name, arguments, signature, extra } => {
            extra.report(NAME, path, diagnostics);
            let call = (id.as_str(), name.as_str(), arguments.as_str());
            out.push(parts::write_call(call, signature.as_deref(), extra, (path, diagnostics)));
        }
        Block::ToolResult { id, blocks, is_error, extra } => {
            let known = calls.get(id.as_str()).map(|name| (*name).to_owned());
            let name =
                known.or_else(|| result_name(extra)).or_else(|| message.name.as_deref().map(str::to_owned));
            result((id, name.as_deref()), blocks, *is_error, extra, out, (path, diagnostics));
        }
        Block::Native { dialect: NAME, raw } => out.push(raw.get().to_owned()),
        Block::Native { dialect, .. } => {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, path, dialect)
        }
    }
}

fn result(
    (id, name): (&str, Option<&str>),
    blocks: &[Block],
    is_error: bool,
    extra: &ExtraFields,
    out: &mut Vec<String>,
    (path, diagnostics): (&str, &mut Diagnostics),
) {
    extra.report(NAME, path, diagnostics);
    let mut function = Object::new();
    if !id.is_empty() && !is_minted(id) {
        function.set("id", encode_string(id));
    }
    if name.is_none() {
        diagnostics.record(
            DiagnosticCode::FieldFilled,
            &format!("{path}.name"),
            "a result without a call has its id as its name",
        );
    }
    function.set("name", encode_string(name.unwrap_or(id)));
    let mut beside = Vec::new();
    let own: Vec<_> =
        extra.of(NAME).iter().filter(|(key, _)| plain(key).starts_with("functionResponse.")).collect();
    if own.is_empty() {
        let words: String = blocks.iter().filter_map(Block::as_text).collect();
        function.set("response", response(&words, is_error));
        for block in blocks {
            match block {
                Block::Text { .. } => {}
                Block::Image(media) | Block::Audio(media) | Block::File(media) => {
                    if let Some(part) = parts::media(media, (path, diagnostics)) {
                        diagnostics.record(
                            DiagnosticCode::ContentRewritten,
                            path,
                            "a result's media stands beside it",
                        );
                        beside.push(part);
                    }
                }
                _ => diagnostics.record(DiagnosticCode::FeatureUnsupported, path, "this block in a result"),
            }
        }
    }
    for (key, value) in own {
        function.set(plain(key).trim_start_matches("functionResponse.").to_owned(), value.get().to_owned());
    }
    let mut part = Object::new();
    part.set("functionResponse", function.to_json());
    parts::extend(&mut part, extra);
    out.push(part.to_json());
    out.extend(beside);
}

/// A result must be an object; an object is taken for the whole output.
fn response(words: &str, is_error: bool) -> String {
    let is_object = super::partial_args::is_object(words);
    match (is_error, is_object) {
        (false, true) => words.to_owned(),
        (false, false) => format!("{{\"output\":{}}}", encode_string(words)),
        (true, true) => format!("{{\"error\":{words}}}"),
        (true, false) => format!("{{\"error\":{}}}", encode_string(words)),
    }
}
