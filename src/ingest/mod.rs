//! `plimsoll ingest`: a range of blocks from nodes into Parquet history.

mod document;
pub(crate) mod options;
pub(crate) mod settings;

use crate::clock::Watch;
use crate::exit::Kind;
use crate::output::{self, say};
use anyhow::Context;
use document::Document;
use options::IngestOptions;
use plimsoll_adapters::ingest::{IngestError, Progress, Sources, ingest};
use settings::Wanted;
use std::path::Path;

/// Runs the subcommand.
pub(crate) fn run(options: &IngestOptions, config: Option<&Path>) -> anyhow::Result<()> {
    let config = crate::config::load(config)?;
    let wanted = Wanted::of(options, &config).context(Kind::Settings)?;
    let nodes = settings::nodes(options, wanted.chain)?;
    let job = settings::job(options);
    let sources = Sources::new((nodes.clone(), &job), wanted.protocols, wanted.prices);
    let sources = sources.context(Kind::Settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let told = &mut Told { watch: Watch::start(), nodes: nodes.clone(), blocks: 0 };
    let outcome = runtime.block_on(ingest(&job, &sources, &mut |progress| told.hears(progress)));
    let outcome = outcome.map_err(|error| {
        let kind = kind(&error);
        anyhow::Error::new(error).context(kind)
    })?;
    let of_nodes = (nodes.names().count(), nodes.asked());
    let document = Document::of((&job, &outcome), wanted.chain, of_nodes);
    say(&document.text());
    if options.json { output::document(&document) } else { Ok(()) }
}

/// What is said while it runs.
struct Told {
    watch: Watch,
    nodes: plimsoll_execute::chain::Nodes,
    blocks: u64,
}

impl Told {
    fn hears(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Begins { finished, chunks, replaced } => {
                if replaced > 0 {
                    say(&format!(
                        "the chain replaced blocks: the last {replaced} finished parts are read again"
                    ));
                }
                say(&format!("{finished} of {chunks} parts are finished"));
            }
            Progress::Finished { chunk, number, chunks } => {
                self.blocks += chunk.to - chunk.from + 1;
                let seconds = self.watch.elapsed().as_secs_f64().max(1e-3);
                // A count of blocks far below 2^52.
                let speed = u32::try_from(self.blocks).map_or(f64::MAX, f64::from) / seconds;
                let logs = chunk.logs.decoded + chunk.logs.undecodable + chunk.logs.unknown;
                say(&format!(
                    "part {number} of {chunks}: blocks {} to {}, {} rows, {logs} events; {} requests, {speed:.0} blocks/s",
                    chunk.from,
                    chunk.to,
                    chunk.rows,
                    self.nodes.asked()
                ));
            }
        }
    }
}

fn kind(error: &IngestError) -> Kind {
    match error {
        IngestError::Empty { .. } | IngestError::NotYet { .. } => Kind::Usage,
        IngestError::Adapter(_) | IngestError::Other { .. } | IngestError::OtherChain { .. } => {
            Kind::Settings
        }
        IngestError::Io { .. }
        | IngestError::Table { .. }
        | IngestError::Locked { .. }
        | IngestError::Foreign { .. } => Kind::Output,
        IngestError::Node { .. }
        | IngestError::Pruned { .. }
        | IngestError::Chunk { .. }
        | IngestError::Damaged { .. } => Kind::Data,
    }
}
