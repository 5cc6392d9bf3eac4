//! The path of the base URL and the path of a request, joined.

/// Joins a base and a path. Each `/..` at the beginning of the path leads one segment up in the base, and never above its root:
/// some servers have routes beside the one that the base URL is for.
pub(super) fn join_path(base: &str, path: &str) -> String {
    let (mut base, mut path) = (base, path);
    let root = base
        .split_once("://")
        .map_or(0, |(scheme, rest)| scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()));
    while let Some(rest) = path.strip_prefix("/..").filter(|rest| rest.starts_with('/')) {
        let last = base.rfind('/').filter(|last| *last >= root);
        base = last.map_or(base, |last| &base[..last]);
        path = rest;
    }
    format!("{base}{path}")
}

#[cfg(test)]
mod tests {
    use super::join_path;

    #[test]
    fn dots_lead_up_to_the_root_of_the_base() {
        for (base, path, joined) in [
            ("/v1", "/rerank", "/v1/rerank"),
            ("/v1", "/../rerank", "/rerank"),
            ("", "/../rerank", "/rerank"),
            ("/tei/v1", "/../rerank?a=b", "/tei/rerank?a=b"),
            ("/compatibility/v1", "/../../v2/rerank", "/v2/rerank"),
            ("https://host/v1", "/../../rerank", "https://host/rerank"),
            ("https://host", "/../rerank", "https://host/rerank"),
            ("/v1", "/..rerank", "/v1/..rerank"),
        ] {
            assert_eq!(join_path(base, path), joined, "{base} {path}");
        }
    }
}
