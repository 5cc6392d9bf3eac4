//! What is known of targets and of upstreams' keys, in Prometheus' text format. Labels are names of the configuration, and fixed words.

use crate::app_state::AppState;
use crate::observe::metrics::{write_head, write_line};
use std::time::Instant;

/// All figures of routing; empty if no model has several targets, and no upstream several keys.
pub(crate) fn render(app: &AppState) -> String {
    let (mut out, now) = (String::new(), Instant::now());
    let targets: Vec<_> = app
        .target_registry
        .in_use()
        .into_iter()
        .map(|target| (target.figures(now), target))
        .map(|(figures, target)| (target, figures))
        .collect();
    if !targets.is_empty() {
        let help = "Whether a target is tried in its turn (1), or last because it fails (0).";
        write_head(&mut out, "target_available", "gauge", help);
        for (target, figures) in &targets {
            let labels = [("upstream", target.upstream.as_str()), ("model", target.model.as_str())];
            write_line(&mut out, "target_available", &labels, &u8::from(figures.is_available));
        }
        write_head(
            &mut out,
            "target_open_requests",
            "gauge",
            "Requests that wait for a target or read from it.",
        );
        for (target, figures) in &targets {
            let labels = [("upstream", target.upstream.as_str()), ("model", target.model.as_str())];
            write_line(&mut out, "target_open_requests", &labels, &figures.open_requests);
        }
        let help = "Requests that were sent to targets, by what came of them.";
        write_head(&mut out, "attempts_total", "counter", help);
        for (target, figures) in &targets {
            for (result, n) in &figures.attempts {
                let labels = [
                    ("upstream", target.upstream.as_str()),
                    ("model", target.model.as_str()),
                    ("result", result),
                ];
                write_line(&mut out, "attempts_total", &labels, n);
            }
        }
        let help = "How often another target was tried after this one, by the reason.";
        write_head(&mut out, "failovers_total", "counter", help);
        for (target, figures) in &targets {
            for (reason, n) in &figures.failovers {
                let labels = [
                    ("upstream", target.upstream.as_str()),
                    ("model", target.model.as_str()),
                    ("reason", reason),
                ];
                write_line(&mut out, "failovers_total", &labels, n);
            }
        }
    }
    let rests = || app.upstreams.iter().filter_map(|served| Some((served, served.key_rests.as_ref()?)));
    if rests().next().is_some() {
        let help = "Keys of an upstream that are not used for a while, because it refused them.";
        write_head(&mut out, "upstream_keys_resting", "gauge", help);
        for (served, rests) in rests() {
            let labels = [("upstream", served.config.name.as_str())];
            write_line(&mut out, "upstream_keys_resting", &labels, &rests.resting(now));
        }
    }
    out
}
