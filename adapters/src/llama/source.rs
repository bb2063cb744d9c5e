//! The source: a listing, a choice, and a chart for each chosen pool.

use super::cache::{Answer, Cache, Kept};
use super::choose::{Chosen, choose};
use super::client::{Address, Client};
use super::history::History;
use super::note::Note;
use super::registry::{self, Named, Registry};
use super::schema::{self, Entries, Flaw, Pool, Reading};
use super::{LlamaSettings, PoolFilter};
use crate::Selection;
use plimsoll_core::Time;
use plimsoll_execute::{Adapter, AdapterError};
use reqwest::Url;

/// Advertised yields of pools, over HTTP.
pub struct LlamaSource {
    base: Address,
    filter: PoolFilter,
    client: Client,
    cache: Option<Cache>,
    /// The listing of [`LlamaSource::listing`], with the time of that call.
    listing: Option<(Time, Vec<Pool>)>,
    notes: Vec<Note>,
}

impl LlamaSource {
    /// Returns a source of `settings`. Nothing is sent yet; the cache folder is made.
    ///
    /// # Errors
    /// [`AdapterError::BadAddress`] and [`AdapterError::NoCache`].
    pub fn open(settings: LlamaSettings) -> Result<LlamaSource, AdapterError> {
        let base = base(&settings.base_url)?;
        Ok(LlamaSource {
            client: Client::new(&base, settings.requests)?,
            cache: settings.cache.map(Cache::open).transpose()?,
            filter: settings.pools,
            listing: None,
            notes: Vec::new(),
            base,
        })
    }

    /// Returns every pool that is listed, for a caller who has yet to choose chains;
    /// [`LlamaSource::adapters`] of the same `now` takes the same listing.
    ///
    /// # Errors
    /// [`AdapterError`] naming the address.
    pub async fn listing(&mut self, now: Time) -> Result<&[Pool], AdapterError> {
        if self.listing.as_ref().is_none_or(|(at, _)| *at != now) {
            self.notes.clear();
            let listing = self.get(&["pools"], now, schema::pools).await?;
            self.note_unreadable(&["pools"], listing.unreadable);
            self.listing = Some((now, listing.read));
        }
        Ok(self.listing.as_ref().map_or(&[], |(_, pools)| pools))
    }

    /// The address of the server, as messages call it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base.shown
    }

    /// Lists the pools, fetches the chart of each chosen one, and returns their one adapter.
    ///
    /// `now` is the time of the call: it dates what is kept. `on_chart` hears how many charts of how
    /// many have been read. As in the Parquet source, rows before `selection.from` come too: they are
    /// the past of those after it.
    ///
    /// # Errors
    /// [`AdapterError`] naming the address. A pool that the server has no chart of, or a wrong one, is
    /// left out with a [`Note`]; a server in trouble is an error, since which pools are there must not
    /// depend on luck. What was fetched until then is kept.
    pub async fn adapters(
        &mut self,
        selection: &Selection,
        now: Time,
        mut on_chart: impl FnMut(usize, usize),
    ) -> Result<Vec<Box<dyn Adapter>>, AdapterError> {
        let pools = self.listed(selection, now).await?;
        let mut history = History::new(self.base.shown.clone(), selection);
        let (count, mut read, mut refused) = (pools.len(), 0, None);
        for (done, pool) in pools.into_iter().enumerate() {
            match self.get(&["chart", &pool.id], now, schema::chart).await {
                Ok(chart) => {
                    read += 1;
                    self.add(&mut history, pool, chart);
                }
                Err(error) if concerns_one_pool(&error) => {
                    let detail = format!("its chart: {}", reason(&error));
                    let symbol = pool.symbol.to_string();
                    self.notes.push(Note::Skipped { market: pool.market, symbol, detail });
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
            on_chart(done + 1, count);
        }
        match refused {
            Some(error) if read == 0 => Err(error),
            _ => Ok(vec![Box::new(history.finish(selection)?)]),
        }
    }

    /// What the last call of [`LlamaSource::adapters`] put up with, in the order in which it came up.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The chosen pools by market.
    async fn listed(
        &mut self,
        selection: &Selection,
        now: Time,
    ) -> Result<Vec<Named>, AdapterError> {
        self.listing(now).await?;
        let listing = self.listing.take().map(|(_, pools)| pools).unwrap_or_default();
        let listed = listing.len();
        let Chosen { pools, fitting } = choose(&listing, &self.filter, &selection.chains);
        if pools.is_empty() {
            return Err(AdapterError::NoPools { url: self.at(&["pools"]).shown, listed });
        }
        self.notes.push(Note::ChosenToday { listed, fitting, chosen: pools.len() });
        Ok(self.named(&pools, now))
    }

    /// Gives each pool the id it was first read under.
    fn named(&mut self, pools: &[Pool], now: Time) -> Vec<Named> {
        let before = match self.kept(registry::KEY, read_registry) {
            Ok(kept) => kept.map(|(registry, _)| registry).unwrap_or_default(),
            Err(detail) => {
                self.notes.push(Note::NamesLost { detail });
                Registry::default()
            }
        };
        let mut registry = before.clone();
        let held = &self.filter.held;
        let mut named: Vec<Named> =
            pools.iter().filter_map(|pool| registry.name(pool, held)).collect();
        named.sort_by(|a, b| a.market.cmp(&b.market));
        for pool in &named {
            if let Some((was, is)) = pool.renamed.clone() {
                self.notes.push(Note::Renamed { market: pool.market.clone(), was, is });
            }
        }
        if registry != before
            && let Ok(body) = serde_json::to_vec(&registry)
        {
            self.keep(registry::KEY, registry::KEY, Answer { fetched_at: now, body });
        }
        named
    }

    fn add(&mut self, history: &mut History, pool: Named, chart: Entries<Reading>) {
        self.note_unreadable(&["chart", &pool.id], chart.unreadable);
        let market = pool.market.clone();
        if chart.read.is_empty() {
            let (symbol, detail) = (pool.symbol.to_string(), "its chart is empty".to_owned());
            self.notes.push(Note::Skipped { market, symbol, detail });
            return;
        }
        let rows = history.add(pool, chart.read);
        if rows > 0 {
            self.notes.push(Note::RepeatedDays { market, rows });
        }
    }

    /// Returns what is at `path`: a young copy, else what the server says, else an old copy. A server that
    /// was silent to the last request is not asked for what there is a copy of.
    async fn get<T>(
        &mut self,
        path: &[&str],
        now: Time,
        read: fn(&[u8]) -> Result<T, Flaw>,
    ) -> Result<T, AdapterError> {
        let address = self.at(path);
        let old = self.kept(address.url.as_str(), read).unwrap_or_else(|detail| {
            self.notes.push(Note::DamagedCopy { url: address.shown.clone(), detail });
            None
        });
        let is_fresh = |at: Time| self.cache.as_ref().is_some_and(|cache| cache.is_fresh(at, now));
        let old = match old {
            Some((value, fetched_at)) if is_fresh(fetched_at) => {
                self.notes.push(Note::YoungCopy { age_days: now.days_since(fetched_at) });
                return Ok(value);
            }
            Some((value, fetched_at)) if self.client.is_silent() => {
                let detail = "the server did not answer the request before".to_owned();
                return Ok(self.older(&address, now, (value, fetched_at), detail));
            }
            other => other,
        };
        match self.client.fetch(&address, now, read).await {
            Ok((value, body)) => {
                let answer = Answer { fetched_at: now, body };
                self.keep(address.url.as_str(), &address.shown, answer);
                Ok(value)
            }
            Err(error) => {
                let old = old.ok_or_else(|| error.clone())?;
                Ok(self.older(&address, now, old, reason(&error)))
            }
        }
    }

    /// Takes an old copy, and notes why.
    fn older<T>(&mut self, address: &Address, now: Time, copy: (T, Time), detail: String) -> T {
        let (value, fetched_at) = copy;
        let (url, age_days) = (address.shown.clone(), now.days_since(fetched_at));
        self.notes.push(Note::OlderCopy { url, age_days, detail });
        value
    }

    /// Returns what is kept under `key`, with the time it was fetched; else what is wrong with it.
    fn kept<T>(
        &self,
        key: &str,
        read: fn(&[u8]) -> Result<T, Flaw>,
    ) -> Result<Option<(T, Time)>, String> {
        match self.cache.as_ref().map(|cache| cache.read(key)) {
            None | Some(Kept::Nothing) => Ok(None),
            Some(Kept::Damaged(detail)) => Err(detail),
            Some(Kept::Answer(answer)) => match read(&answer.body) {
                Ok(value) => Ok(Some((value, answer.fetched_at))),
                Err(flaw) => Err(flaw.detail),
            },
        }
    }

    /// Keeps an answer; notes where that fails.
    fn keep(&mut self, key: &str, of: &str, answer: Answer) {
        let written = self.cache.as_ref().map_or(Ok(()), |cache| cache.write(key, of, &answer));
        if let Err(error) = written {
            self.notes.push(Note::NotKept { url: of.to_owned(), detail: error.to_string() });
        }
    }

    fn note_unreadable(&mut self, path: &[&str], rows: usize) {
        if rows > 0 {
            self.notes.push(Note::Unreadable { url: self.at(path).shown, rows });
        }
    }

    fn at(&self, path: &[&str]) -> Address {
        let mut url = self.base.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Address { url, shown: format!("{}/{}", self.base.shown, path.join("/")) }
    }
}

/// Whether an error says something of one pool, and nothing of the server.
fn concerns_one_pool(error: &AdapterError) -> bool {
    match error {
        AdapterError::Http { status, .. } => matches!(status, Some(400 | 404 | 410)),
        AdapterError::Payload { .. } => true,
        _ => false,
    }
}

/// What happened, for a note: without the address, which the note has, and without advice, which nobody
/// needs who has an answer.
fn reason(error: &AdapterError) -> String {
    match error {
        AdapterError::Http { detail, .. } | AdapterError::Payload { detail, .. } => detail.clone(),
        other => other.to_string(),
    }
}

fn read_registry(body: &[u8]) -> Result<Registry, Flaw> {
    serde_json::from_slice(body)
        .map_err(|error| Flaw { detail: error.to_string(), is_cut: error.is_eof() })
}

/// Reads the address of a server. A path is not shown: on a paid plan it is the key.
fn base(text: &str) -> Result<Address, AdapterError> {
    let bad = |detail: String| AdapterError::BadAddress { detail };
    let url = Url::parse(text.trim()).map_err(|error| bad(error.to_string()))?;
    let url = without_listing(url);
    let (Some(host), "http" | "https") = (url.host_str(), url.scheme()) else {
        return Err(bad("it does not begin with http:// or https://".to_owned()));
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it has a part after ? or #".to_owned()));
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = if url.path() == "/" { "" } else { "/.." };
    let shown = format!("{}://{host}{port}{path}", url.scheme());
    Ok(Address { url, shown })
}

/// Returns the address of the interface, where that of its listing was given.
fn without_listing(mut url: Url) -> Url {
    if url.path().trim_end_matches('/').ends_with("/pools")
        && let Ok(mut segments) = url.path_segments_mut()
    {
        segments.pop_if_empty().pop();
    }
    url
}
