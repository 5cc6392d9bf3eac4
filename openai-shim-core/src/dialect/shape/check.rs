//! A payload and its table to an error, or to diagnostics.

use super::describe::describe_types;
use super::place::Place;
use super::table::{Mismatch, Shape, Style, Type};
use crate::canonical::{DiagnosticCode, Diagnostics};
use crate::error::ClientError;
use crate::json::{Object, ValueKind, items, value_kind};

impl Shape {
    /// Checks a payload and everything nested in it.
    ///
    /// # Errors
    /// A field has a wrong type for which that is an error.
    pub(crate) fn check(
        &self,
        object: &Object<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        self.check_at(object, Place::Root, &[], diagnostics)
    }

    /// Checks an object at a place in the payload. The content of the fields in `checked_by_caller` is not checked.
    ///
    /// # Errors
    /// A field has a wrong type for which that is an error.
    pub(crate) fn check_at(
        &self,
        object: &Object<'_>,
        place: Place<'_>,
        checked_by_caller: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Result<(), ClientError> {
        Check { style: self.style, depth: 0, diagnostics }.object(self, object, place, checked_by_caller)
    }
}

/// The limit of nested objects with known fields, more than any API has. Deeper objects are not checked, so that stack and
/// work are bounded.
const MAX_DEPTH: usize = 16;

/// A check in progress.
struct Check<'n> {
    style: Style,
    depth: usize,
    diagnostics: &'n mut Diagnostics,
}

impl Check<'_> {
    fn object(
        &mut self,
        shape: &Shape,
        object: &Object<'_>,
        place: Place<'_>,
        checked_by_caller: &[&str],
    ) -> Result<(), ClientError> {
        if shape.typed && object.non_null("type").is_none() {
            return Err(self.error(&Place::Key(&place, "type"), "is missing"));
        }
        let variant = shape.variant(object);
        for (key, value) in object.iter() {
            let member = variant.and_then(|variant| variant.member(key, self.style));
            let Some(member) = member.or_else(|| shape.member(key, self.style)) else { continue };
            let is_nested_checked = || !checked_by_caller.contains(&member.key);
            if !member.accepts_fast(value_kind(value), value, is_nested_checked) {
                let place = Place::Key(&place, key);
                self.value(member.types, member.mismatch, value, &place, is_nested_checked())?;
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        types: &'static [Type],
        mismatch: Mismatch,
        value: &str,
        place: &Place<'_>,
        is_nested_checked: bool,
    ) -> Result<(), ClientError> {
        let kind = value_kind(value);
        let Some(matching) = types.iter().find(|one| one.accepts(kind, value, self.style)) else {
            return self.mismatch(types, mismatch, kind, place);
        };
        match matching {
            _ if !is_nested_checked => Ok(()),
            Type::Object(_) if self.depth >= MAX_DEPTH => Ok(()),
            Type::Object(shape) => {
                let Ok(object) = Object::parse(value.as_bytes()) else { return Ok(()) };
                self.depth += 1;
                let checked = self.object(shape, &object, *place, &[]);
                self.depth -= 1;
                checked
            }
            Type::List(types) if !matches!(types, [Type::Any]) => {
                for (i, item) in items(value).unwrap_or_default().into_iter().enumerate() {
                    self.value(types, mismatch, item, &Place::Index(place, i), true)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reports a wrong type.
    #[cold]
    fn mismatch(
        &mut self,
        types: &[Type],
        mismatch: Mismatch,
        kind: ValueKind,
        place: &Place<'_>,
    ) -> Result<(), ClientError> {
        let problem = format!("must be {}", describe_types(types));
        let is_warning = match mismatch {
            Mismatch::Refuse => false,
            Mismatch::RefuseStructure => matches!(kind, ValueKind::Number | ValueKind::String),
            Mismatch::Warn => true,
        };
        if is_warning {
            self.diagnostics.record(DiagnosticCode::ParamInvalid, &place.path(Style::Brackets), &problem);
            return Ok(());
        }
        Err(self.error(place, &problem))
    }

    fn error(&self, place: &Place<'_>, problem: &str) -> ClientError {
        let path = place.path(self.style);
        let message = match self.style {
            Style::Dots => format!("{path}: {problem}."),
            _ => format!("`{path}` {problem}."),
        };
        ClientError::invalid(message).at(path)
    }
}
