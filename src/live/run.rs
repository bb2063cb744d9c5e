//! `plimsoll run`, `init`, `pause`, `resume` and `derisk`.

use super::assemble::{self, Assembly};
use super::drive::{drive, learn};
use super::history;
use super::record::Record;
use super::settings::{Live, SignerSettings};
use super::show::Show;
use crate::cli::{InitOptions, OrderOptions, RunOptions};
use crate::clock;
use crate::config::{self, Config};
use crate::exit::Kind;
use crate::output::say;
use anyhow::{Context, anyhow};
use plimsoll_dashboard::view::Mode;
use plimsoll_dashboard::{About, Secrets, Service, Settings, channel, listen, logging};
use plimsoll_execute::AdapterError;
use plimsoll_execute::journal::{Journal, JournalError};
use plimsoll_execute::live::{Heads, Order, Orders};
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs an engine until it is told to stop.
pub(crate) fn run(options: &RunOptions, file: Option<&Path>) -> anyhow::Result<()> {
    let config = config::load(file)?;
    let live = live(&config, file)?.clone();
    let secrets = secrets(&live);
    logging::init(options.log_format, &options.log, secrets.clone()).context(Kind::Settings)?;
    let about =
        About { version: env!("CARGO_PKG_VERSION").to_owned(), started: clock::now()?, secrets };
    let settings = Settings {
        listen: live.listen.unwrap_or(Settings::default().listen),
        ..Settings::default()
    };
    let (publisher, service) = channel(settings.clone(), about)?;
    let service = service.with_history(history::history(&live.state));
    let mode = if options.live { Mode::Live } else { Mode::Shadow };
    let stop = CancellationToken::new();
    // The executor has a thread and a runtime of its own: nothing that the service does can hold it up.
    let (engine_stop, all_stop) = (stop.clone(), stop.clone());
    let listens = live.listen.is_some();
    let engine = std::thread::Builder::new().name("executor".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(engine(&live, &config, (publisher, mode), &engine_stop));
        // Whatever ends the engine ends the process.
        all_stop.cancel();
        done
    })?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(serve(service, listens.then_some(settings), &stop));
    stop.cancel();
    let done = engine.join().map_err(|_| anyhow!("the executor's thread failed"))?;
    done.and(served)
}

/// The engine's own thread.
async fn engine(
    live: &Live,
    config: &Config,
    (publisher, mode): (plimsoll_dashboard::Publisher, Mode),
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut show = Show::new(publisher, mode, (live.chain, live.vault.to_string()));
    let started = loop {
        // Nodes that do not answer yet are waited for; what is wrong stays wrong.
        match begin(live, config, mode == Mode::Live).await {
            Ok(started) => break started,
            Err(error) if is_passing(&error) && !stop.is_cancelled() => {
                tracing::warn!(error = format!("{error:#}"), "the engine cannot start yet");
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_millis(live.poll_ms)) => {}
                }
            }
            Err(error) => return Err(error),
        }
    };
    let mut engine = started.engine;
    tracing::info!(
        vault = %live.vault, key = %engine.sender().address(), block = started.head.block.number,
        live = mode == Mode::Live, "the engine starts"
    );
    show.started(&engine);
    let learnt = learn(&mut engine, live.learn_days).await.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "the past could not be read from the nodes");
        0
    });
    tracing::info!(days = learnt, "days of the past were read");
    let socket = live.websocket.as_ref().map(super::settings::Hidden::reveal).transpose()?;
    let poll = Duration::from_millis(live.poll_ms);
    let mut heads = Heads::new(engine.nodes().clone(), poll, socket);
    let record = live.history.as_deref().map(Record::open).transpose().context(Kind::Output)?;
    drive(&mut engine, &mut heads, (&mut show, record), stop).await
}

async fn begin(live: &Live, config: &Config, is_live: bool) -> anyhow::Result<assemble::Started> {
    let assembly = Assembly::new(live, config)?;
    let identity = assembly.identity(live).await?;
    let journal = assemble::open(live, &identity)?;
    assembly.start(live, journal, is_live).await
}

/// Whether nodes may simply not answer yet.
fn is_passing(error: &anyhow::Error) -> bool {
    use plimsoll_execute::chain::{NodeError, VaultError};
    use plimsoll_execute::live::StartError;
    let is_quorum = |error: &NodeError| matches!(error, NodeError::NoQuorum { .. });
    error.chain().any(|cause| {
        cause.downcast_ref::<NodeError>().is_some_and(is_quorum)
            || matches!(
                cause.downcast_ref::<StartError>(),
                Some(StartError::Node(error) | StartError::Vault(VaultError::Node(error)))
                    if is_quorum(error)
            )
            || matches!(
                cause.downcast_ref::<StartError>(),
                Some(StartError::Adapter(error)) if error.is_transient()
            )
            || cause.downcast_ref::<AdapterError>().is_some_and(AdapterError::is_transient)
    })
}

/// The service, and the signals that stop everything.
async fn serve(
    service: Service,
    settings: Option<Settings>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let signals = stop.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        tracing::info!("asked to stop");
        signals.cancel();
    });
    match settings {
        Some(settings) => {
            let listener = listen(settings.listen).await.context(Kind::Settings)?;
            service.serve(listener, stop.clone()).await?;
        }
        None => stop.cancelled().await,
    }
    Ok(())
}

/// Waits for an interrupt or a request to end.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut ended) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = ended.recv() => {}
    }
}

/// The live section, or where to put one.
fn live<'a>(config: &'a Config, file: Option<&Path>) -> anyhow::Result<&'a Live> {
    let place = file
        .map_or_else(|| "no settings file is given".to_owned(), |file| file.display().to_string());
    let missing = || {
        anyhow!(
            "{place}: there is no section [live]; `plimsoll init --config FILE` writes a commented one to begin with"
        )
    };
    config.live.as_deref().ok_or_else(missing).context(Kind::Settings)
}

/// Everything that no log and no answer may hold.
fn secrets(live: &Live) -> Secrets {
    let secrets = Secrets::default();
    let addresses = live.nodes.iter().chain(&live.websocket);
    for address in addresses.filter_map(|hidden| hidden.reveal().ok()) {
        secrets.register_address(&address);
    }
    let variable = |name: &String| std::env::var(name).ok();
    let words = match &live.signer {
        SignerSettings::Keystore { password_file, password_env, .. } => {
            let file = password_file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
            file.into_iter().chain(password_env.as_ref().and_then(variable)).collect()
        }
        SignerSettings::Remote { url, .. } => {
            if let Ok(url) = url.reveal() {
                secrets.register_address(&url);
            }
            Vec::new()
        }
        SignerSettings::Plain { key_env } => Vec::from_iter(variable(key_env)),
        SignerSettings::Watch { .. } => Vec::new(),
    };
    for word in words {
        secrets.register(word.trim().to_owned());
    }
    secrets
}

/// The commented settings that `init` writes.
const TEMPLATE: &str = include_str!("../../config/live.toml");

/// Writes settings to begin with, or makes the journal of those that are there.
pub(crate) fn init(options: &InitOptions, file: Option<&Path>) -> anyhow::Result<()> {
    let file = file
        .context("give --config FILE: settings to begin with are written there, or read from there")
        .context(Kind::Usage)?;
    if !file.exists() {
        let written = std::fs::write(file, TEMPLATE);
        written
            .with_context(|| format!("{}: cannot be written", file.display()))
            .context(Kind::Output)?;
        say(&format!(
            "{} holds settings to begin with. Fill in nodes, vault, markets and signer, then run `plimsoll init --config {}` \
             again.",
            file.display(),
            file.display()
        ));
        return Ok(());
    }
    let config = config::load(Some(file))?;
    let live = live(&config, Some(file))?;
    if assemble::has_journal(&live.state) && !options.check {
        return Err(anyhow!(
            "{}: there is a journal already; `plimsoll run` goes on with it, `plimsoll init --check` only checks",
            live.state.display()
        ))
        .context(Kind::Settings);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(prepare(live, &config, options))
}

async fn prepare(live: &Live, config: &Config, options: &InitOptions) -> anyhow::Result<()> {
    let assembly = Assembly::new(live, config)?;
    let identity = assembly.identity(live).await?;
    // The checks are made on a journal beside, so that a refusal leaves nothing behind.
    let beside = tempfile::tempdir()?;
    let journal = Journal::create(beside.path(), &identity)?;
    let (checked, head) = assembly.check(live, &journal).await?;
    if !options.check {
        drop(Journal::create(&live.state, &identity).context(Kind::Output)?);
    }
    say(&format!("chain {} at block {}: the nodes agree", live.chain, head.block.number));
    say(&format!("{} is the allocator of vault {} and nothing else", assembly.key(), live.vault));
    say("fingerprints of the code, for [live.fingerprints]:");
    for (contract, hash) in &checked.fingerprints {
        say(&format!("\"{contract}\" = \"{hash}\""));
    }
    if !options.check {
        say(&format!("the journal is {}", live.state.display()));
    }
    Ok(())
}

/// Gives an engine an order: to one that runs, by a file that it takes up; else by a line of its journal.
pub(crate) fn order(
    order: Order,
    options: &OrderOptions,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => live(&config::load(file)?, file)?.state.clone(),
    };
    let reader = plimsoll_execute::journal::Reader::open(&folder).context(Kind::Data)?;
    let identity = reader.identity().clone();
    match Journal::open(&folder, &identity) {
        Ok(mut journal) => {
            let time = clock::now()?;
            let record = plimsoll_execute::journal::Record::Trip(order.trip());
            journal.append(time, &record).context(Kind::Output)?;
            say(&format!("{}: written down; no engine runs on this journal", order.name()));
            Ok(())
        }
        Err(JournalError::Locked { .. }) => {
            let orders = Orders::at(&folder);
            orders.leave(order).context(Kind::Output)?;
            wait(&orders, order, Duration::from_secs(options.wait_seconds))
        }
        Err(error) => Err(error).context(Kind::Data),
    }
}

/// Waits until the engine has taken an order up.
fn wait(orders: &Orders, order: Order, most: Duration) -> anyhow::Result<()> {
    let since = clock::Watch::start();
    while orders.waits(order) {
        if since.elapsed() > most {
            say(&format!(
                "{}: left for the engine, which takes it up at its next head; it has not yet",
                order.name()
            ));
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    say(&format!("{}: the engine has taken it up", order.name()));
    Ok(())
}
