//! One Parquet file: its columns are checked before a row is read.

use plimsoll_core::{Day, Time};
use plimsoll_execute::AdapterError;
use polars::prelude::*;
use std::path::{Path, PathBuf};

/// A type of column that a source can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Text.
    Text,
    /// Any number.
    Number,
    /// True or false.
    Flag,
    /// A date or an instant, UTC where it names no zone.
    Instant,
}

impl Wanted {
    fn holds(self, dtype: &DataType) -> bool {
        match self {
            // A column without a single value has no type of its own.
            _ if dtype.is_null() => true,
            Wanted::Text => *dtype == DataType::String,
            Wanted::Number => dtype.is_primitive_numeric(),
            Wanted::Flag => *dtype == DataType::Boolean,
            Wanted::Instant => matches!(dtype, DataType::Date | DataType::Datetime(_, _)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Wanted::Text => "str",
            Wanted::Number => "f64",
            Wanted::Flag => "bool",
            Wanted::Instant => "datetime[ms, UTC] or date",
        }
    }
}

/// A file, scanned lazily.
pub(super) struct Table {
    path: PathBuf,
    scan: LazyFrame,
    schema: SchemaRef,
}

/// The file name without its folder.
pub(super) fn short(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl Table {
    /// Opens the file and reads its schema, no rows.
    pub(super) fn open(path: &Path) -> Result<Table, AdapterError> {
        let unreadable = |error: PolarsError| unreadable(path, &error);
        let source = PlRefPath::try_from_path(path).map_err(unreadable)?;
        let arguments = ScanArgsParquet { glob: false, ..ScanArgsParquet::default() };
        let mut scan = LazyFrame::scan_parquet(source, arguments).map_err(unreadable)?;
        let schema = scan.collect_schema().map_err(unreadable)?;
        Ok(Table { path: path.to_owned(), scan, schema })
    }

    /// The file's name, for messages.
    pub(super) fn file(&self) -> String {
        self.path.display().to_string()
    }

    /// The lazy scan.
    pub(super) fn scan(&self) -> LazyFrame {
        self.scan.clone()
    }

    /// Whether the column is there.
    pub(super) fn has(&self, column: &str) -> bool {
        self.schema.contains(column)
    }

    /// Checks that a column is there and of the wanted type.
    pub(super) fn require(&self, column: &'static str, wanted: Wanted) -> Result<(), AdapterError> {
        let Some(dtype) = self.schema.get(column) else {
            let names: Vec<&str> = self.schema.iter_names().map(PlSmallStr::as_str).collect();
            return Err(AdapterError::MissingColumn {
                file: self.file(),
                column,
                nearest: nearest(column, &names),
                found: names.join(", "),
            });
        };
        if wanted.holds(dtype) {
            return Ok(());
        }
        Err(AdapterError::WrongDtype {
            file: self.file(),
            column,
            found: dtype.to_string(),
            expected: wanted.name(),
        })
    }

    /// As [`Table::require`], where the column is there at all.
    pub(super) fn allow(&self, column: &'static str, wanted: Wanted) -> Result<bool, AdapterError> {
        if !self.has(column) {
            return Ok(false);
        }
        self.require(column, wanted).map(|()| true)
    }

    /// A number column as f64, null where the file has no such column.
    pub(super) fn number(&self, column: &'static str) -> Result<Expr, AdapterError> {
        Ok(match self.allow(column, Wanted::Number)? {
            true => col(column).cast(DataType::Float64).alias(column),
            false => lit(NULL).cast(DataType::Float64).alias(column),
        })
    }

    /// A text column, null where the file has no such column.
    pub(super) fn text(&self, column: &'static str) -> Result<Expr, AdapterError> {
        Ok(match self.allow(column, Wanted::Text)? {
            true => col(column).cast(DataType::String),
            false => lit(NULL).cast(DataType::String).alias(column),
        })
    }

    /// A flag column, null where the file has no such column.
    pub(super) fn flag(&self, column: &'static str) -> Result<Expr, AdapterError> {
        Ok(match self.allow(column, Wanted::Flag)? {
            true => col(column).cast(DataType::Boolean),
            false => lit(NULL).cast(DataType::Boolean).alias(column),
        })
    }

    /// A column of instants as milliseconds since the epoch.
    pub(super) fn instant(&self, column: &'static str) -> Result<Expr, AdapterError> {
        let at = DataType::Datetime(TimeUnit::Milliseconds, None);
        let is_zoned = matches!(self.schema.get(column), Some(DataType::Datetime(_, Some(_))));
        Ok(match self.allow(column, Wanted::Instant)? {
            true if is_zoned => col(column)
                .dt()
                .convert_time_zone(TimeZone::UTC)
                .dt()
                .replace_time_zone(None, lit("raise"), NonExistent::Raise)
                .cast(at)
                .cast(DataType::Int64)
                .alias(column),
            true => col(column).cast(at).cast(DataType::Int64).alias(column),
            false => lit(NULL).cast(DataType::Int64).alias(column),
        })
    }

    /// Collects a query on this file.
    pub(super) fn collect(&self, query: LazyFrame) -> Result<DataFrame, AdapterError> {
        let mut table = query.collect().map_err(|error| unreadable(&self.path, &error))?;
        table.rechunk_mut();
        Ok(table)
    }

    /// The column of a collected table, as an error of this file where it is not there.
    pub(super) fn column<'t>(
        &self,
        table: &'t DataFrame,
        name: &str,
    ) -> Result<&'t Column, AdapterError> {
        table.column(name).map_err(|error| unreadable(&self.path, &error))
    }

    /// The first and last day of `column`, as text.
    pub(super) fn covers(&self, column: &'static str) -> Result<String, AdapterError> {
        let at = self.instant(column)?;
        let query = self.scan().select([at.clone().min().alias("first"), at.max().alias("last")]);
        let table = self.collect(query)?;
        let day = |name| {
            let column = table.column(name).ok()?.i64().ok()?.get(0)?;
            Some(Time(column).day())
        };
        Ok(match (day("first"), day("last")) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "no day at all".to_owned(),
        })
    }

    /// The error of a span without rows.
    pub(super) fn empty_range(
        &self,
        from: Option<Day>,
        to: Option<Day>,
        column: &'static str,
    ) -> Result<AdapterError, AdapterError> {
        let text = |day: Option<Day>, open: &str| {
            day.map_or_else(|| open.to_owned(), |day| day.to_string())
        };
        Ok(AdapterError::EmptyRange {
            file: self.file(),
            from: text(from, "the first day"),
            to: text(to, "the last day"),
            covers: self.covers(column)?,
        })
    }
}

fn unreadable(path: &Path, error: &PolarsError) -> AdapterError {
    let detail = error.to_string();
    AdapterError::Unreadable {
        file: path.display().to_string(),
        detail: detail.lines().next().unwrap_or("no detail").trim().to_owned(),
    }
}

/// ", did you mean `..`" where a name is close.
fn nearest(column: &str, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| (strsim::jaro_winkler(column, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!(" (did you mean to rename `{name}`?)"))
        .unwrap_or_default()
}
