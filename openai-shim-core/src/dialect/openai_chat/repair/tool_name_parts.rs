//! The name of a streamed tool call, which may come in several parts: a part in, the name so far out.

/// What the parts of a name are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToolNameParts<'s> {
    /// The names of the tools that the model may call; empty if they are not known.
    pub(super) tools: &'s [String],
    /// A call whose tool is not certain waits for its arguments. Otherwise it goes out at once, and further parts after it.
    pub(super) waits_for_arguments: bool,
}

impl ToolNameParts<'_> {
    /// Adds a part to a name. Some servers repeat the name, and some send all of it so far.
    pub(super) fn join(self, name: &str, part: &str) -> String {
        let joined = format!("{name}{part}");
        let is_tool = |name: &str| self.tools.iter().any(|tool| tool.starts_with(name));
        let repeats = part.starts_with(name);
        match self.is_beginning(part) {
            _ if is_tool(&joined) || !repeats => joined,
            true => part.to_owned(),
            false => name.to_owned(),
        }
    }

    /// Whether a name may be that of a tool, or the beginning of one.
    pub(super) fn is_beginning(self, name: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|tool| tool.starts_with(name))
    }

    /// Whether another part of a name may follow, after so much of the arguments.
    pub(super) fn may_grow(self, name: &str, arguments: &str) -> bool {
        if self.tools.is_empty() {
            return self.waits_for_arguments && arguments.is_empty();
        }
        let is_tool = || self.tools.iter().any(|tool| tool == name);
        self.tools.iter().any(|tool| tool.len() > name.len() && tool.starts_with(name))
            && (!is_tool() || (self.waits_for_arguments && arguments.is_empty()))
    }

    /// Whether `part` continues a name rather than beginning one.
    pub(super) fn continues(self, name: &str, part: &str) -> bool {
        let joined = format!("{name}{part}");
        self.tools.iter().any(|tool| tool.starts_with(&joined)) && !self.tools.iter().any(|tool| tool == part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_and_repetitions_left_out() {
        let tools = [String::from("get_weather"), String::from("get"), String::from("papa")];
        let cases = [
            (&tools[..], ["get_", "weather"], "get_weather"),
            (&tools[..], ["get", "get"], "get"),
            (&tools[..], ["get_", "get_weather"], "get_weather"),
            (&tools[..], ["pa", "pa"], "papa"),
            (&tools[..], ["other", "other"], "other"),
            (&[], ["get_", "weather"], "get_weather"),
            (&[], ["get_weather", "get_weather"], "get_weather"),
            (&[], ["get", "get_weather"], "get_weather"),
        ];
        for (tools, [first, second], name) in cases {
            let parts = ToolNameParts { tools, waits_for_arguments: true };
            assert_eq!(parts.join(first, second), name, "{first} {second}");
        }
    }
}
