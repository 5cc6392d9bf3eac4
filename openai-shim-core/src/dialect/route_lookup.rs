//! Routing of a client's request by its path and headers: the auxiliary route of a path, and the dialect of an unknown one; and the
//! auxiliary APIs of an upstream.

use super::auxiliary::{AuxiliaryKind, AuxiliaryRoute, EmbeddingsApi, StoredResponsesApi, TokenCountApi};
use super::{DIALECTS, Dialect, Endpoint};
use http::HeaderMap;
use std::cmp::Reverse;

/// Returns the dialect whose clients request generation at a path, and its endpoint.
pub fn generation_route(path: &str) -> Option<(Dialect, &'static Endpoint)> {
    DIALECTS.iter().find_map(|dialect| {
        let endpoint = dialect.endpoints().iter().find(|endpoint| endpoint.matches(path))?;
        Some((*dialect, endpoint))
    })
}

/// Returns the auxiliary route of a path, with its dialect: the most precise pattern, then a route with that method, then a
/// dialect with an identifying header in `headers`, then registry order.
pub fn auxiliary_route(
    method: &str,
    path: &str,
    headers: &HeaderMap,
) -> Option<(Dialect, &'static AuxiliaryRoute)> {
    let all = DIALECTS
        .iter()
        .flat_map(|dialect| dialect.auxiliary_routes().iter().map(move |route| (*dialect, route)));
    first_best(all.filter(|(_, route)| route.matches(path).is_some()), |(dialect, route)| {
        (route.precision(), route.allows(method), is_identified(*dialect, headers))
    })
}

/// Returns the dialect for an unknown path: most leading segments in common with one of its routes, then an identifying
/// header, then the shortest such route, then registry order.
pub fn closest_dialect(path: &str, headers: &HeaderMap) -> Option<Dialect> {
    first_best(DIALECTS.iter().copied(), |dialect| {
        let endpoints = dialect.endpoints().iter().map(|endpoint| similarity(path, "", endpoint.path));
        let auxiliary = dialect
            .auxiliary_routes()
            .iter()
            .flat_map(|route| route.prefixes.iter().map(move |prefix| similarity(path, prefix, route.path)));
        let (common, length) = endpoints.chain(auxiliary).max().unwrap_or((0, Reverse(0)));
        (common, is_identified(*dialect, headers), length)
    })
}

/// Returns the first of the items with the highest rank.
fn first_best<T, R: Ord>(items: impl Iterator<Item = T>, rank: impl Fn(&T) -> R) -> Option<T> {
    let ranked = items.map(|item| (rank(&item), item));
    let best = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, item)| item)
}

/// Returns whether the headers of a request identify the dialect.
fn is_identified(dialect: Dialect, headers: &HeaderMap) -> bool {
    dialect.headers().identifying.iter().any(|name| headers.contains_key(*name))
}

/// Returns how many leading segments a path has in common with a route, and the number of the route's segments if it has any.
fn similarity(path: &str, prefix: &str, pattern: &str) -> (usize, Reverse<usize>) {
    let route = format!("{prefix}{pattern}");
    let both = path.split('/').zip(route.split('/')).skip(1);
    let common = both.take_while(|(a, b)| a == b && !a.is_empty()).count();
    (common, Reverse(if common > 0 { route.split('/').count() } else { 0 }))
}

/// Returns the first auxiliary API of a kind that a dialect has.
fn first_api<T>(dialect: Dialect, of: impl Fn(&AuxiliaryKind) -> Option<T>) -> Option<T> {
    dialect.auxiliary_routes().iter().find_map(|route| of(&route.kind))
}

/// Returns a dialect's token count API, if it has one.
pub fn token_count_api(dialect: Dialect) -> Option<&'static dyn TokenCountApi> {
    first_api(dialect, |kind| if let AuxiliaryKind::TokenCount(api) = kind { Some(*api) } else { None })
}

/// Returns a dialect's API of stored responses, if it has one.
pub fn stored_responses_api(dialect: Dialect) -> Option<&'static dyn StoredResponsesApi> {
    first_api(
        dialect,
        |kind| if let AuxiliaryKind::StoredResponse(api, _) = kind { Some(*api) } else { None },
    )
}

/// Returns the embeddings API of an upstream for a client's: the same, then the first of the upstream's dialect, then the first of the
/// registry.
pub fn upstream_embeddings_api(
    upstream: Dialect,
    client: &'static dyn EmbeddingsApi,
) -> &'static dyn EmbeddingsApi {
    let embeddings = |kind: &AuxiliaryKind| {
        if let AuxiliaryKind::Embeddings(api) = kind { Some(*api) } else { None }
    };
    let same = |kind: &AuxiliaryKind| embeddings(kind).filter(|api| api.format() == client.format());
    let of_registry = || DIALECTS.iter().find_map(|dialect| first_api(*dialect, embeddings));
    first_api(upstream, same)
        .or_else(|| first_api(upstream, embeddings))
        .or_else(of_registry)
        .unwrap_or(client)
}
