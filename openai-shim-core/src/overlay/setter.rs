//! The setters of layers, each of which takes what a person would write as the rule's value.

/// Declares the setter of one rule of a layer.
///
/// The word in parentheses states what the setter takes: the value itself (no word), what becomes one (`into`), the items of
/// a list (`list`), the entry of a map (`text`, `number`, `range`, `lists` or `json`, by its value), or an override (`item`).
/// The setter of a section puts a layer over what is set of it.
macro_rules! setter {
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $setter(mut self, value: $type) -> Self {
            self.$field = Some(value);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(into)) => {
        $(#[$doc])*
        #[must_use]
        pub fn $setter(mut self, value: impl Into<$type>) -> Self {
            self.$field = Some(value.into());
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(list)) => {
        $(#[$doc])*
        ///
        /// The list replaces the one of the layer below; the item `"..."` stands for that.
        #[must_use]
        pub fn $setter(mut self, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
            let items: Vec<String> = items.into_iter().map(Into::into).collect();
            self.$field = Some(<$type>::from(items));
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(text)) => {
        $(#[$doc])*
        ///
        /// Adds one entry.
        #[must_use]
        pub fn $setter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.$field.get_or_insert_default().insert(name.into(), value.into());
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(number)) => {
        $(#[$doc])*
        ///
        /// Adds one entry.
        #[must_use]
        pub fn $setter(mut self, name: impl Into<String>, value: u32) -> Self {
            self.$field.get_or_insert_default().insert(name.into(), value);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(range)) => {
        $(#[$doc])*
        ///
        /// Adds one entry.
        #[must_use]
        pub fn $setter(mut self, name: impl Into<String>, low: f64, high: f64) -> Self {
            self.$field.get_or_insert_default().insert(name.into(), [low, high]);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(lists)) => {
        $(#[$doc])*
        ///
        /// Adds one entry.
        #[must_use]
        pub fn $setter(
            mut self,
            name: impl Into<String>,
            items: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            let items = items.into_iter().map(Into::into).collect();
            self.$field.get_or_insert_default().insert(name.into(), items);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(json)) => {
        $(#[$doc])*
        ///
        /// Adds one entry.
        #[must_use]
        pub fn $setter(mut self, name: impl Into<String>, value: impl Into<::serde_json::Value>) -> Self {
            self.$field.get_or_insert_default().insert(name.into(), value.into());
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty as $setter:ident(item)) => {
        $(#[$doc])*
        ///
        /// Adds one item.
        #[must_use]
        pub fn $setter(mut self, item: <$type as IntoIterator>::Item) -> Self {
            self.$field.get_or_insert_default().push(item);
            self
        }
    };
    ($(#[$doc:meta])* $field:ident: $type:ty => $section:ty as $setter:ident) => {
        $(#[$doc])*
        ///
        /// The layer lies over what is already set of the section.
        #[must_use]
        pub fn $setter(mut self, section: $section) -> Self {
            $crate::overlay::Merge::merge(&mut self.$field, &section);
            self
        }
    };
}
pub(crate) use setter;
