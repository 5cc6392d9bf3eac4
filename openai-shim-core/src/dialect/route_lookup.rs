//! Routing of a client's request by its path and headers: the auxiliary route of a path, and the dialect of an unknown one.

use super::auxiliary::AuxiliaryRoute;
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
