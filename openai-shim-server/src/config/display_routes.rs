//! Prints the models of `[[model]]` as a table, for `openai-shim check`.

use super::model_routes::{Affinity, ModelRoute, RouteTarget, Strategy};
use std::fmt::{self, Write as _};

/// Writes a line for each target: the model and how its order is chosen stand before the first one.
pub(super) fn write_routes(f: &mut fmt::Formatter<'_>, routes: &[ModelRoute]) -> fmt::Result {
    if routes.is_empty() {
        return Ok(());
    }
    let width = |cells: &mut dyn Iterator<Item = usize>, head: &str| cells.max().unwrap_or(0).max(head.len());
    let names = width(&mut routes.iter().map(|route| route.name.chars().count()), "model");
    let orders = width(&mut routes.iter().map(|route| order(route).len()), "order");
    writeln!(f, "\n{:names$}  {:orders$}  targets", "model", "order")?;
    for route in routes {
        let (mut name, mut order) = (route.name.as_str(), order(route));
        for target in &route.targets {
            writeln!(f, "{name:names$}  {order:orders$}  {}", describe(target, route.strategy))?;
            name = "";
            order.clear();
        }
    }
    writeln!(f)
}

fn order(route: &ModelRoute) -> String {
    let mut order = route.strategy.as_str().to_owned();
    // What is always in the same order needs no affinity.
    if route.affinity == Affinity::Conversation && route.strategy != Strategy::Ordered {
        order.push_str(", by conversation");
    }
    order
}

fn describe(target: &RouteTarget, strategy: Strategy) -> String {
    let mut text = format!("{}/{}", target.upstream, target.model);
    if strategy != Strategy::Ordered {
        let _ = write!(text, "  weight {}", target.weight);
    }
    if let Some(context) = target.context {
        let _ = write!(text, "  {context} tokens");
    }
    text
}
