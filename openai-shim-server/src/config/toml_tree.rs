//! Reads a TOML file section by section and collects every fault with its line.
//!
//! The tree is walked by hand instead of with serde's derive: serde stops at the first fault, and for a value that may have
//! two forms it can only report that neither fits.

use super::error::ConfigError;
use super::known_keys;
use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file's text with its name.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
    folder: PathBuf,
}

impl Source {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text, folder }),
            Err(error) => Err(ConfigError::new(format!(
                "{name}: cannot be read ({error}); write --config FILE with the path of a TOML file"
            ))),
        }
    }

    /// An empty file.
    pub(crate) fn empty() -> Self {
        Self { name: String::from("configuration"), text: String::new(), folder: PathBuf::new() }
    }

    /// Whether the file holds no settings.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The error of a file without settings.
    pub(crate) fn blank_file(&self) -> ConfigError {
        ConfigError::new(format!(
            "{}: is empty; write the configuration into it, or restart the server without one",
            self.name
        ))
    }

    /// Parses the text.
    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'_>>, ConfigError> {
        DeTable::parse(&self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            // Some of the parser's messages have several lines.
            let message = error.message().split('\n').collect::<Vec<_>>().join("; ");
            ConfigError::new(format!("{}: this is not TOML: {message}", self.place(offset)))
        })
    }

    /// The folder where the file is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `file:line`
    fn place(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }
}

/// The faults found so far, each with its offset in the file.
#[derive(Debug, Default)]
pub(crate) struct ConfigErrors(RefCell<Vec<(usize, String)>>);

impl ConfigErrors {
    /// Adds a fault outside of the file: in an argument or a variable.
    pub(crate) fn outside(&self, option: &str, what: impl std::fmt::Display) {
        self.0.borrow_mut().push((0, format!("{option}: {what}")));
    }

    /// All faults as one error, in the order of the file.
    pub(crate) fn into_error(self) -> Option<ConfigError> {
        let mut faults = self.0.into_inner();
        faults.sort_by_key(|(offset, _)| *offset);
        let lines: Vec<String> = faults.into_iter().map(|(_, line)| line).collect();
        (!lines.is_empty()).then(|| ConfigError::new(lines.join("\n")))
    }
}

/// One section of the file. An absent section reads as an empty one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    source: &'a Source,
    faults: &'a ConfigErrors,
    /// The section's name as in [`known_keys`]: `""`, `retry`, `upstream`.
    path: &'static str,
    table: Option<&'a DeTable<'a>>,
    offset: usize,
}

/// A value with its location in the file.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The top of a file. Unknown keys become faults.
    pub(crate) fn top(source: &'a Source, table: &'a DeTable<'a>, faults: &'a ConfigErrors) -> Self {
        let top = Self { source, faults, path: "", table: Some(table), offset: 0 };
        top.check_keys();
        top
    }

    /// The section of that name.
    pub(crate) fn section(&self, path: &'static str) -> Self {
        let table = match self.get(path).map(|v| (v.span(), v.get_ref())) {
            Some((span, DeValue::Table(table))) => Some((span.start, table)),
            Some((span, other)) => {
                let what =
                    format!("is {} and must be a section; write [{path}] on a line of its own", kind(other));
                self.fault(path, &span, what);
                None
            }
            None => None,
        };
        self.below(path, table)
    }

    /// The sections of that name, written with two brackets.
    pub(crate) fn sections(&self, path: &'static str) -> Vec<Self> {
        let Some(item) = self.get(path) else { return Vec::new() };
        let tables = item.get_ref().as_array().map(|array| {
            let tables = array.iter().map(|item| item.get_ref().as_table().map(|t| (item.span().start, t)));
            tables.collect::<Option<Vec<_>>>()
        });
        let Some(Some(tables)) = tables else {
            let what = format!("there may be several; write [[{path}]] with two brackets");
            self.fault(path, &item.span(), what);
            return Vec::new();
        };
        tables.into_iter().map(|table| self.below(path, Some(table))).collect()
    }

    /// An inline table in a list, as a section.
    pub(crate) fn inline(&self, path: &'static str, item: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let table = item.get_ref().as_table()?;
        Some(self.below(path, Some((item.span().start, table))))
    }

    fn below(&self, path: &'static str, table: Option<(usize, &'a DeTable<'a>)>) -> Self {
        let (offset, table) = table.map_or((self.offset, None), |(offset, table)| (offset, Some(table)));
        let section = Self { path, table, offset, ..*self };
        section.check_keys();
        section
    }

    /// All its entries, and its place.
    pub(crate) fn table(&self) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        Some((self.table?, self.offset..self.offset))
    }

    /// The raw value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    /// A string, parsed by `parse`.
    pub(crate) fn text<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Located<T>> {
        let item = self.get(key)?;
        let parsed = match item.get_ref() {
            DeValue::String(text) => parse(text),
            // A number in place of text mostly lacks its unit or its quotes; `parse` finds out which.
            DeValue::Integer(number) => match parse(number.as_str()) {
                Err(what) => Err(what),
                Ok(_) => Err(format!("must stand in quotes; write {key} = \"{}\"", number.as_str())),
            },
            other => Err(format!("is {} and must be a text; write it in quotes", kind(other))),
        };
        self.checked(key, item.span(), parsed)
    }

    /// A size: a text with a unit, or a number of bytes.
    pub(crate) fn size(&self, key: &str) -> Option<Located<usize>> {
        let item = self.get(key)?;
        let parsed = match item.get_ref() {
            DeValue::String(text) => super::units::size(text),
            DeValue::Integer(number) => super::units::size(number.as_str()),
            other => Err(format!("is {} and must be a size; write one such as \"32MiB\"", kind(other))),
        };
        self.checked(key, item.span(), parsed)
    }

    /// An integer within a range.
    pub(crate) fn number(&self, key: &str, range: std::ops::RangeInclusive<u64>) -> Option<Located<u64>> {
        let item = self.get(key)?;
        let remedy = format!("write a whole number from {} to {}", range.start(), range.end());
        let parsed = match item.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|n| range.contains(n))
                .ok_or_else(|| format!("{number} is out of range; {remedy}")),
            other => Err(format!("is {} and must be a number; {remedy}", kind(other))),
        };
        self.checked(key, item.span(), parsed)
    }

    /// A boolean.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let item = self.get(key)?;
        let parsed = match item.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            other => {
                Err(format!("is {} and must be yes or no; write {key} = true, without quotes", kind(other)))
            }
        };
        self.checked(key, item.span(), parsed).map(|item| item.value)
    }

    /// The items of a list; faults show `example`.
    pub(crate) fn list(&self, key: &str, example: &str) -> Vec<&'a Spanned<DeValue<'a>>> {
        match self.get(key).map(|item| (item.span(), item.get_ref())) {
            Some((_, DeValue::Array(items))) => items.iter().collect(),
            Some((span, other)) => {
                self.fault(
                    key,
                    &span,
                    format!("is {} and must be a list; write {key} = {example}", kind(other)),
                );
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// A list of texts, each parsed by `parse`.
    pub(crate) fn texts<T>(
        &self,
        key: &str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let items = self.list(key, example).into_iter();
        let read = items.filter_map(|item| {
            let parsed = match item.get_ref() {
                DeValue::String(text) => parse(text),
                other => Err(format!("holds {} and must hold texts; write {key} = {example}", kind(other))),
            };
            self.checked(key, item.span(), parsed).map(|item| item.value)
        });
        read.collect()
    }

    /// Adds the fault of a missing key.
    pub(crate) fn missing(&self, key: &str, example: &str) {
        self.fault(key, &(self.offset..self.offset), format!("is missing; write {key} = {example}"));
    }

    /// Adds a fault of a key.
    pub(crate) fn fault(&self, key: &str, span: &Range<usize>, what: impl std::fmt::Display) {
        let dot = if self.path.is_empty() { "" } else { "." };
        let line = format!("{}: {}{dot}{key}: {what}", self.source.place(span.start), self.path);
        self.faults.0.borrow_mut().push((span.start, line));
    }

    fn checked<T>(&self, key: &str, span: Range<usize>, parsed: Result<T, String>) -> Option<Located<T>> {
        match parsed {
            Ok(value) => Some(Located { value, span }),
            Err(what) => {
                self.fault(key, &span, what);
                None
            }
        }
    }

    fn check_keys(&self) {
        for (key, _) in self.table.into_iter().flatten() {
            if !known_keys::is_known(self.path, key.get_ref()) {
                self.fault(key.get_ref(), &key.span(), known_keys::suggest_instead(self.path, key.get_ref()));
            }
        }
    }
}

/// The kind of a value, with its article.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
