//! What every document is made of: one file that needs nothing else, with a header and its sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style sheet.
const STYLE: &str = include_str!("style.css");
/// The script.
const SCRIPT: &str = include_str!("script.js");
/// Forbids every request, whatever the data contain.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'";

/// A document but for its sections.
pub(super) struct Page<'a> {
    /// One line.
    pub(super) title: &'a str,
    /// What the reader must know before any figure.
    pub(super) labels: &'a [String],
    /// The size of it in figures, each a span.
    pub(super) facts: Markup,
    /// Links to the sections, each an item of a list.
    pub(super) links: Markup,
}

impl Page<'_> {
    /// Returns the complete HTML document with these sections.
    pub(super) fn document(&self, sections: &Markup) -> String {
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body {
                    (self.header())
                    main { (sections) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        document.into_string()
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (self.title) }
                style { (PreEscaped(STYLE)) }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header {
                div.tools { }
                h1 { (self.title) }
                p.facts { (self.facts) }
                (banner(self.labels))
                nav aria-label="Contents" { ul { (self.links) } }
            }
        }
    }
}

/// The banner: what must be known before any figure.
fn banner(labels: &[String]) -> Markup {
    html! {
        @if !labels.is_empty() {
            div.banner role="note" aria-label="Read this first" {
                @for label in labels { p { (label) } }
            }
        }
    }
}

/// A section under its title.
pub(super) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (content) } }
}

/// Remarks as a list, or "None."
pub(super) fn remarks(notes: &[String]) -> Markup {
    html! {
        @if notes.is_empty() { p.note { "None." } } @else {
            ul.note { @for note in notes { li { (note) } } }
        }
    }
}
