//! Tables of the parameters that a dialect has: the name of a parameter in, its place in the dialect's requests out.

/// The parameters of a dialect, each by the name that it has in OpenAI's chat.
#[derive(Debug)]
pub struct Params(pub(super) &'static [Param]);

/// A parameter of a dialect.
#[derive(Debug)]
pub(super) struct Param {
    name: &'static str,
    path: &'static str,
    /// The values that the dialect has a word for, as JSON; empty: all.
    values: &'static [&'static str],
}

/// A parameter and its place: a key, or keys with dots between.
pub(super) const fn param(name: &'static str, path: &'static str) -> Param {
    Param { name, path, values: &[] }
}

/// A parameter with the same name as in OpenAI's chat.
pub(super) const fn same_name(name: &'static str) -> Param {
    param(name, name)
}

impl Param {
    /// The parameter of an API that has only some of its values.
    pub(super) const fn with_values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }
}

impl Params {
    /// The place of a parameter; `None`: the dialect does not have it.
    pub fn path(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|param| param.name == name).map(|param| param.path)
    }

    /// The name of the parameter at a place.
    pub fn name(&self, path: &str) -> Option<&'static str> {
        self.0.iter().find(|param| param.path == path).map(|param| param.name)
    }

    /// The places of all parameters.
    pub fn places(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|param| param.path)
    }

    /// Whether the dialect has a parameter, with this value.
    pub fn has_value(&self, name: &str, value: &str) -> bool {
        let is_value = |known: &[&str]| known.is_empty() || known.contains(&value.trim());
        self.0.iter().any(|param| param.name == name && is_value(param.values))
    }

    /// The names of all parameters.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|param| param.name)
    }
}
