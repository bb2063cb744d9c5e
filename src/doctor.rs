//! `plimsoll doctor`: is this installation, with its settings and its data, fit for use?

use crate::cli::DoctorOptions;
use crate::exit::Kind;
use crate::{output, wiring};
use plimsoll_adapters::Selection;
use plimsoll_frame::GateMode;
use serde::Serialize;
use std::path::Path;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    found: String,
}

/// What `doctor --json` prints.
#[derive(Debug, Serialize)]
struct Findings {
    schema: u32,
    engine_version: &'static str,
    findings: Vec<Finding>,
}

/// Looks at everything and fails where something is wrong.
pub(crate) fn run(options: &DoctorOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let findings = vec![version(), settings(config), data(options, config), gas(options, config)];
    let is_well = findings.iter().all(|finding| finding.ok);
    if options.json {
        output::document(&Findings {
            schema: 1,
            engine_version: env!("CARGO_PKG_VERSION"),
            findings,
        })?;
    } else {
        for finding in &findings {
            let mark = if finding.ok { "ok  " } else { "BAD " };
            output::say(&format!("{mark} {}: {}", finding.what, finding.found));
        }
    }
    if is_well {
        return Ok(());
    }
    Err(anyhow::anyhow!("something is wrong, see above").context(Kind::Doctor))
}

fn version() -> Finding {
    let found = format!(
        "plimsoll {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Finding { what: "version", ok: true, found }
}

fn settings(config: Option<&Path>) -> Finding {
    let file =
        config.map_or_else(|| "defaults, no file".to_owned(), |file| file.display().to_string());
    match crate::config::load(config) {
        Ok(config) => {
            let found =
                format!("{file}; per protocol {:.0} %", config.risk.per_protocol.value() * 100.0);
            Finding { what: "settings", ok: true, found }
        }
        Err(error) => Finding { what: "settings", ok: false, found: format!("{error:#}") },
    }
}

fn data(options: &DoctorOptions, config: Option<&Path>) -> Finding {
    let what = "data";
    let Some(folder) = options.data.as_ref().filter(|folder| !folder.as_os_str().is_empty()) else {
        let found = "no folder given; set PLIMSOLL_DATA or give --data, or make one with `plimsoll data generate`";
        return Finding { what, ok: true, found: found.to_owned() };
    };
    let read = || -> anyhow::Result<String> {
        let source = wiring::open(folder)?;
        let config = crate::config::load(config)?;
        let feed = wiring::feed(&source, &Selection::default(), &config, GateMode::Enforce)?;
        Ok(format!(
            "{}: {} rows of {} markets read, {} rows kept",
            folder.display(),
            feed.rows_read,
            feed.catalog.len(),
            feed.frame.height()
        ))
    };
    match read() {
        Ok(found) => Finding { what, ok: true, found },
        Err(error) => Finding { what, ok: false, found: format!("{error:#}") },
    }
}

fn gas(options: &DoctorOptions, config: Option<&Path>) -> Finding {
    let what = "gas prices";
    let Some(folder) = options.data.as_ref().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Finding { what, ok: true, found: "no folder given".to_owned() };
    };
    let read = || -> anyhow::Result<bool> {
        let config = crate::config::load(config)?;
        wiring::Gas::read(&wiring::open(folder)?, &Selection::default(), &config)
            .map(|gas| gas.is_known())
    };
    match read() {
        Ok(true) => {
            Finding { what, ok: true, found: "charged on the days they are recorded".to_owned() }
        }
        Ok(false) => {
            Finding { what, ok: true, found: "none recorded: gas will show as unknown".to_owned() }
        }
        Err(error) => Finding { what, ok: false, found: format!("{error:#}") },
    }
}
