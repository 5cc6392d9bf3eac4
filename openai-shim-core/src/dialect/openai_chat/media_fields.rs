//! The fields of a request for speech, transcripts or pictures, whether it is JSON or a form.

use super::super::shape::Shape;
use crate::canonical::media_type::{detect, is_unspecific, registered_name, type_of_name};
use crate::canonical::{DiagnosticCode, Diagnostics, InputFile};
use crate::error::{ClientError, ErrorKind};
use crate::framing::{FormPart, form_parts};
use crate::json::{Object, encode_string, string_or_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The fields of a request.
pub(super) struct MediaFields<'b> {
    /// The fields that are no files; those of a form are strings.
    fields: Object<'b>,
    files: Vec<FormPart<'b>>,
}

/// What becomes of the fields that no other API has.
pub(super) struct LostFields {
    /// Fields without which the request would mean something else.
    pub(super) refused: &'static [&'static str],
    /// Fields with the values at which nothing is lost.
    pub(super) harmless: &'static [(&'static str, &'static [&'static str])],
}

impl<'b> MediaFields<'b> {
    /// Reads a body; one without a type is JSON.
    pub(super) fn read(
        content_type: &str,
        body: &'b [u8],
        shape: &Shape,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, ClientError> {
        if !content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
            let fields = Object::parse(body).map_err(|error| {
                ClientError::invalid(format!("The request body is not a JSON object: {error}."))
            })?;
            shape.check(&fields, diagnostics)?;
            return Ok(Self { fields, files: Vec::new() });
        }
        let parts = form_parts(content_type, body).ok_or_else(|| {
            ClientError::invalid(
                "The request body is not a whole multipart form with the boundary of its content type.",
            )
        })?;
        let (mut fields, mut files) = (Object::new(), Vec::new());
        for mut part in parts {
            part.name.truncate(part.name.strip_suffix("[]").unwrap_or(&part.name).len());
            if part.file_name.is_some() {
                files.push(part);
                continue;
            }
            let text = std::str::from_utf8(part.value).map_err(|_| {
                ClientError::invalid(format!("`{}` is not a text in UTF-8.", part.name)).at(part.name.clone())
            })?;
            fields.set(part.name, encode_string(text));
        }
        Ok(Self { fields, files })
    }

    /// A text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = string_or_json(self.fields.non_null(name)?).into_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A text without which there is no request.
    pub(super) fn required(&self, name: &str) -> Result<String, ClientError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// One of some words.
    pub(super) fn keyword(&self, name: &str, allowed: &[&str]) -> Result<Option<String>, ClientError> {
        match self.text(name) {
            Some(word) if !allowed.contains(&word.as_str()) => {
                Err(ClientError::invalid(format!("`{name}` must be one of: {}.", allowed.join(", ")))
                    .at(name))
            }
            word => Ok(word),
        }
    }

    /// A number within limits.
    pub(super) fn number(&self, name: &str, low: f64, high: f64) -> Result<Option<f64>, ClientError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.trim().parse::<f64>().ok().filter(|number| (low..=high).contains(number));
        let invalid =
            || ClientError::invalid(format!("`{name}` must be a number from {low} to {high}.")).at(name);
        number.map(Some).ok_or_else(invalid)
    }

    /// A natural number within limits.
    pub(super) fn natural(&self, name: &str, low: u32, high: u32) -> Result<Option<u32>, ClientError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.trim().parse::<u32>().ok().filter(|number| (low..=high).contains(number));
        let invalid =
            || ClientError::invalid(format!("`{name}` must be an integer from {low} to {high}.")).at(name);
        number.map(Some).ok_or_else(invalid)
    }

    /// A switch.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
    }

    /// The raw JSON of a field.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.fields.non_null(name)
    }

    /// The files of a field, with their types; `kind` (`audio`) is the main type that they must have.
    pub(super) fn files(&self, name: &str, kind: &str) -> Result<Vec<InputFile>, ClientError> {
        let named = self.files.iter().filter(|part| part.name == name);
        named.map(|part| input_file(part, kind)).collect()
    }

    /// Reports the fields that are not `read`.
    pub(super) fn report_lost(
        &self,
        read: &[&str],
        lost: &LostFields,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        let fields = self.fields.iter().filter(|(_, value)| value.trim() != "null");
        let fields = fields.map(|(name, value)| (name, string_or_json(value)));
        let files = self.files.iter().map(|part| (part.name.as_str(), "".into()));
        for (name, value) in fields.chain(files).filter(|(name, _)| !read.contains(name)) {
            if lost.refused.contains(&name) {
                let message = format!(
                    "`{name}` has no equal at the upstream of this model, and without it the request means something else."
                );
                return Err(ClientError::new(ErrorKind::Unsupported, message).at(name));
            }
            let is_harmless = lost
                .harmless
                .iter()
                .any(|(known, values)| *known == name && values.contains(&value.as_ref()));
            let code =
                if is_harmless { DiagnosticCode::DefaultDropped } else { DiagnosticCode::ParamDropped };
            diagnostics.record(code, name, "");
        }
        Ok(())
    }
}

/// The error for a field without which there is no request.
pub(super) fn missing(name: &str) -> ClientError {
    ClientError::invalid(format!("`{name}` is missing.")).at(name)
}

/// The type of a file: its first bytes where they are certain, then what is declared, then its name, then its first bytes.
fn input_file(part: &FormPart<'_>, kind: &str) -> Result<InputFile, ClientError> {
    let base64 = STANDARD.encode(part.value);
    let detected = detect(&base64);
    let declared = part.content_type.as_deref().map(registered_name).filter(|name| !is_unspecific(name));
    let by_name = part.file_name.as_deref().and_then(type_of_name);
    let found = detected
        .filter(|detected| detected.is_certain)
        .map(|detected| detected.media_type.into())
        .or(declared)
        .or_else(|| by_name.map(Into::into))
        .or_else(|| detected.map(|detected| detected.media_type.into()));
    let name = &part.name;
    if part.value.is_empty() {
        return Err(ClientError::invalid(format!("The file in `{name}` is empty.")).at(name));
    }
    let Some(media_type) = found else {
        let message = format!(
            "The type of the file in `{name}` is not known: send it with its name or its content type."
        );
        return Err(ClientError::invalid(message).at(name));
    };
    // A container of films may hold sound alone.
    let media_type = match media_type.split_once('/') {
        Some(("video", format)) if kind == "audio" => format!("audio/{format}"),
        _ => media_type.into_owned(),
    };
    if !media_type.starts_with(kind) {
        let message = format!("The file in `{name}` must be of a type {kind}/…, not {media_type}.");
        return Err(ClientError::invalid(message).at(name));
    }
    Ok(InputFile { media_type, base64: base64.into() })
}
