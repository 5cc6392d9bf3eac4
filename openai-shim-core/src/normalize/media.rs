//! Images, audio and files to the forms and types that the profile accepts; what is accepted nowhere is left out.

use super::media_source::{is_listed, is_text, respell, right_type};
use super::recipient::Recipient;
use crate::accepts::MediaRules;
use crate::canonical::media_type::{registered_name, type_of_name};
use crate::canonical::{Block, DiagnosticCode, Diagnostics, Media, MediaSource, Messages, Role};
use crate::error::{ClientError, Error, ErrorKind};
use std::borrow::Cow;

/// What happens to one block of media.
enum Change {
    None,
    Replace(Block),
    Remove,
}

/// Puts the media of all messages into an accepted form.
///
/// # Errors
/// The first image, audio or file that `input_modalities` or `data_urls_only` exclude: dropping it would change the meaning of
/// the request.
pub(super) fn normalize(
    messages: &mut Messages,
    client_dialect: &str,
    recipient: &Recipient<'_>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    let is_translated = !recipient.is_own(client_dialect);
    let is_same_vendor = vendor_of(client_dialect) == vendor_of(recipient.dialect.name());
    for (i, message) in messages.iter_mut().enumerate() {
        if !has_media(&message.blocks) {
            continue;
        }
        let path = format!("messages[{i}].content");
        let judge = Judge { recipient, is_translated, is_same_vendor, role: message.role, path };
        let mut changes = Vec::new();
        judge.judge_all(&message.blocks, false, &mut changes, diagnostics)?;
        if changes.iter().any(|change| !matches!(change, Change::None)) {
            apply(&mut message.edit().blocks, &mut changes.into_iter());
        }
    }
    Ok(())
}

fn has_media(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| match block {
        Block::ToolResult { blocks, .. } => has_media(blocks),
        block => media_of(block).is_some(),
    })
}

/// The media of a block, and the name of its kind.
pub(super) fn media_of(block: &Block) -> Option<(&'static str, &Media)> {
    Some(match block {
        Block::Image(media) => ("image", media),
        Block::Audio(media) => ("audio", media),
        Block::File(media) => ("file", media),
        _ => return None,
    })
}

/// Applies the changes, which stand in the order of the blocks.
fn apply(blocks: &mut Vec<Block>, changes: &mut impl Iterator<Item = Change>) {
    blocks.retain_mut(|block| {
        if let Block::ToolResult { blocks, .. } = block {
            apply(blocks, changes);
            return true;
        }
        if media_of(block).is_none() {
            return true;
        }
        match changes.next() {
            Some(Change::Remove) => return false,
            Some(Change::Replace(new)) => *block = new,
            Some(Change::None) | None => {}
        }
        true
    });
}

/// Which media of a kind the recipient accepts somewhere.
pub(super) fn is_accepted_in(list: &[String], kind: &str) -> bool {
    list.iter().any(|accepted| accepted == kind)
}

/// Decides about the media of one message.
struct Judge<'r> {
    recipient: &'r Recipient<'r>,
    is_translated: bool,
    /// The ids of files mean the same to both sides.
    is_same_vendor: bool,
    role: Role,
    path: String,
}

impl Judge<'_> {
    fn rules(&self) -> &MediaRules {
        &self.recipient.accepts.media
    }

    fn judge_all(
        &self,
        blocks: &[Block],
        in_result: bool,
        out: &mut Vec<Change>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Error> {
        for block in blocks {
            if let Block::ToolResult { blocks, .. } = block {
                self.judge_all(blocks, true, out, diagnostics)?;
            } else if let Some((kind, media)) = media_of(block) {
                if self.is_translated {
                    self.report_lost_fields(kind, media, diagnostics);
                }
                let change = self.judge(block, in_result, diagnostics);
                let accepted = match &change {
                    Change::None => Some(block),
                    Change::Replace(new) => Some(new),
                    Change::Remove => None,
                };
                if let Some((kind, media)) = accepted.and_then(media_of) {
                    self.refuse(kind, media)?;
                }
                out.push(change);
            }
        }
        Ok(())
    }

    /// Decides about one block.
    fn judge(&self, block: &Block, in_result: bool, diagnostics: &mut Diagnostics) -> Change {
        let mut new = self.respell(block);
        if new.is_some() {
            diagnostics.record(DiagnosticCode::ContentRewritten, &self.path, "how media are given");
        }
        match self.fit_type(new.as_ref().unwrap_or(block)) {
            Ok(None) => {}
            Ok(fitting) => {
                diagnostics.record(DiagnosticCode::ContentRewritten, &self.path, "media by their type");
                new = fitting;
            }
            Err(detail) => {
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &self.path, &detail);
                return Change::Remove;
            }
        }
        let Some((kind, media)) = media_of(new.as_ref().unwrap_or(block)) else { return Change::None };
        if let Some(detail) = self.unsupported(kind, media, in_result) {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &self.path, &detail);
            return Change::Remove;
        }
        if kind == "image"
            && let Some(fitted) = self.fit_detail(media, diagnostics)
        {
            new = Some(Block::Image(Box::new(fitted)));
        }
        new.map_or(Change::None, Change::Replace)
    }

    /// Makes a block of a type that is not accepted one that is: of the other kind, or a file of text. The error tells what cannot
    /// be sent.
    fn fit_type(&self, block: &Block) -> Result<Option<Block>, String> {
        let rules = self.rules();
        let Some((kind, media)) = media_of(block) else { return Ok(None) };
        let (accepted, other_kind, of_other_kind) = match kind {
            "image" => (&rules.image_types, "file", &rules.file_types),
            "file" => (&rules.file_types, "image", &rules.image_types),
            _ => (&rules.audio_types, "", &Vec::new()),
        };
        let Some(media_type) = self.type_of(kind, media) else { return Ok(None) };
        if rules.untyped || is_listed(&media_type, accepted) {
            return Ok(None);
        }
        if !of_other_kind.is_empty() && is_listed(&media_type, of_other_kind) {
            return Ok(Some(with_kind(other_kind, Box::new(media.clone()))));
        }
        if let MediaSource::Base64 { data, .. } = &media.source
            && kind == "file"
            && is_listed("text/plain", accepted)
            && is_text(data)
        {
            let source = MediaSource::base64("text/plain", data.as_str());
            return Ok(Some(Block::File(Box::new(Media { source, ..media.clone() }))));
        }
        Err(format!("{kind} of the type {media_type}"))
    }

    /// The media type by which media are judged; `None`: it is unknown. What stands at an address tells its own type to an
    /// upstream of the client's dialect.
    fn type_of<'m>(&self, kind: &str, media: &'m Media) -> Option<Cow<'m, str>> {
        match (&media.source, &media.declared_type) {
            (MediaSource::Base64 { media_type, .. }, _) if kind == "audio" => {
                Some(registered_name(media_type))
            }
            (MediaSource::Base64 { media_type, .. }, _) => Some(Cow::Borrowed(media_type)),
            (MediaSource::Url(_), Some(declared)) if self.is_translated => Some(registered_name(declared)),
            (MediaSource::Url(url), None) if self.is_translated && kind == "file" => {
                type_of_name(url).map(Cow::Borrowed)
            }
            _ => None,
        }
    }

    /// Respells where the bytes are and what type they have, and makes the block the kind that its type is.
    fn respell(&self, block: &Block) -> Option<Block> {
        let (kind, media) = media_of(block)?;
        let mut new = respell(&media.source).map(|source| Media { source, ..media.clone() });
        if self.rules().untyped {
            return new.map(|media| with_kind(kind, Box::new(media)));
        }
        // A type under another name is the business of an upstream of the client's dialect, except for images and OpenAI's
        // names of formats.
        let is_format = |media_type: &str| kind == "audio" && !media_type.contains('/');
        let is_exact = self.is_translated
            || kind == "image"
            || matches!(&media.source, MediaSource::Base64 { media_type, .. } if is_format(media_type));
        let right_type = right_type(block, new.as_ref().unwrap_or(media), is_exact);
        if let Some(right) = right_type
            && let MediaSource::Base64 { media_type, .. } =
                &mut new.get_or_insert_with(|| media.clone()).source
        {
            *media_type = right.into_owned();
        }
        let kind_by_type = match &new.as_ref().unwrap_or(media).source {
            MediaSource::Base64 { media_type, .. } if new.is_some() || self.is_translated => {
                match media_type.split('/').next() {
                    Some("image") => "image",
                    Some("audio") => "audio",
                    Some("application" | "text" | "video") if kind == "image" => "file",
                    _ => kind,
                }
            }
            _ => kind,
        };
        if new.is_none() && kind_by_type == kind {
            return None;
        }
        Some(with_kind(kind_by_type, Box::new(new.unwrap_or_else(|| media.clone()))))
    }

    /// Why media are accepted nowhere, or not in this form.
    fn unsupported(&self, kind: &str, media: &Media, in_result: bool) -> Option<String> {
        let rules = self.rules();
        let here = match self.role {
            _ if in_result => &rules.in_tool_results,
            Role::Assistant => &rules.in_assistant,
            Role::System | Role::Developer => &rules.in_system,
            Role::User | Role::Tool => &rules.in_user,
        };
        if !is_accepted_in(here, kind) && !is_accepted_in(&rules.in_user, kind) {
            return Some(kind.to_owned());
        }
        let sources = match kind {
            "image" => &rules.image_sources,
            "audio" => &rules.audio_sources,
            _ => &rules.file_sources,
        };
        let form = match &media.source {
            MediaSource::Base64 { .. } => "base64",
            MediaSource::Url(_) => "url",
            MediaSource::FileId(_) => "file_id",
        };
        if self.is_translated {
            match &media.source {
                MediaSource::FileId(id)
                    if !self.is_same_vendor && !is_own_file(id, &rules.file_id_prefix) =>
                {
                    return Some(format!("{kind} that another vendor stores"));
                }
                MediaSource::Url(url) if !is_fetched(url, &rules.url_schemes) => {
                    return Some(format!("{kind} at an address that is not fetched"));
                }
                _ => {}
            }
        }
        // A client of the same dialect may use what other servers of that dialect accept.
        let is_own_form =
            media.extra.of(self.recipient.dialect.name()).iter().any(|(key, _)| key.starts_with('.'));
        let is_unsupported = !is_accepted_in(sources, form) && !is_own_form;
        is_unsupported.then(|| format!("{kind} by {form}"))
    }

    /// The image with an accepted `detail`, if it has another one.
    fn fit_detail(&self, media: &Media, diagnostics: &mut Diagnostics) -> Option<Media> {
        let accepted = self.rules().image_details.as_ref()?;
        let detail = media.detail.as_deref().filter(|detail| !is_accepted_in(accepted, detail))?;
        if detail == "original" && is_accepted_in(accepted, "high") {
            diagnostics.record(
                DiagnosticCode::ParamClamped,
                &format!("{}.detail", self.path),
                "original to high",
            );
            return Some(Media { detail: Some(String::from("high")), ..media.clone() });
        }
        if detail != "auto" {
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &self.path, "the detail of an image");
        }
        Some(Media { detail: None, ..media.clone() })
    }

    /// Reports the fields of media that other dialects do not have and that mean something to the model.
    fn report_lost_fields(&self, kind: &str, media: &Media, diagnostics: &mut Diagnostics) {
        if media.name.is_some() && !is_accepted_in(&self.rules().named, kind) {
            let detail = format!("the name of the {kind}");
            diagnostics.record(DiagnosticCode::FeatureUnsupported, &self.path, &detail);
        }
        for (key, value) in &media.extra.members {
            let has_meaning = !matches!(value.as_str(), "null" | "\"\"" | "{\"enabled\":false}");
            if has_meaning && matches!(key.as_str(), "context" | "citations" | "title") {
                let detail = format!("{key} of the {kind}");
                diagnostics.record(DiagnosticCode::FeatureUnsupported, &self.path, &detail);
            }
        }
    }

    fn refuse(&self, kind: &str, media: &Media) -> Result<(), Error> {
        let rules = &self.recipient.accepts.messages;
        let name = self.recipient.name;
        if rules.data_urls_only && matches!(media.source, MediaSource::Url(_)) {
            return Err(self.error(format!(
                "{name} fetches nothing from addresses. Send the content itself, as a data URL (data:image/png;base64,…)."
            )));
        }
        let Some(accepted) = &rules.input_modalities else { return Ok(()) };
        if is_accepted_in(accepted, kind) {
            return Ok(());
        }
        let accepted = match accepted.as_slice() {
            [] => String::from("text only"),
            names => format!("text, {}", names.join(", ")),
        };
        Err(self.error(format!(
            "{name} cannot read this {kind}: it takes {accepted}. Leave it out, or ask another model."
        )))
    }

    fn error(&self, message: String) -> Error {
        let error = ClientError::new(ErrorKind::Unsupported, message);
        error.at(self.path.clone()).with_code("unsupported_content").into()
    }
}

/// The vendor of a dialect: the first word of its name.
fn vendor_of(dialect: &str) -> &str {
    dialect.split('-').next().unwrap_or(dialect)
}

fn is_own_file(id: &str, prefix: &str) -> bool {
    !prefix.is_empty() && id.starts_with(prefix)
}

/// Whether a URL has one of these schemes; an empty list has every scheme.
fn is_fetched(url: &str, schemes: &[String]) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme.trim_start());
    schemes.is_empty() || schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

fn with_kind(kind: &str, media: Box<Media>) -> Block {
    match kind {
        "image" => Block::Image(media),
        "audio" => Block::Audio(media),
        _ => Block::File(media),
    }
}
