//! Documents as PDF: a [`Document`] says what is to be read, [`draw`] lays it out on A4 pages.
//!
//! The text can be searched and copied, also in Devanagari, and a screen reader finds headings,
//! lists and tables. The same document gives the same bytes: nothing here asks the time.
//!
//! [`text`] makes glyphs of text, [`layout`] says where they stand (in tables with [`columns`]),
//! [`write`] writes the file.

mod columns;
mod layout;
mod text;
mod write;

use jiff::Timestamp;
use krilla::SerializeSettings;

/// What one PDF says.
#[derive(Debug, Clone, Default)]
pub struct Document<'a> {
    /// Also the title that a reader shows for the file.
    pub title: String,
    /// Left out when empty.
    pub subtitle: String,
    /// As a BCP 47 tag, as in `hi` or `en-IN`.
    pub language: &'a str,
    /// When the file says it was made. Without one it says nothing.
    pub created: Option<Timestamp>,
    /// At the bottom left of each page.
    pub footer: String,
    /// At the bottom right of each page: `{n}` is the page, `{m}` how many there are.
    pub page_label: String,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
pub enum Block {
    /// Also an entry in the outline of the file.
    Heading(String),
    /// Lines are wrapped; a line break stays one.
    Paragraph(String),
    /// A few figures, large.
    Facts(Vec<Fact>),
    /// Breaks between rows, its header on every page.
    Table { columns: Vec<Column>, rows: Vec<Vec<String>> },
    /// A bar chart. The longest bar is the largest value; values below 0 have none.
    Bars { rows: Vec<Bar> },
}

#[derive(Debug, Clone, Default)]
pub struct Fact {
    pub label: String,
    pub value: String,
    pub note: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Column {
    pub title: String,
    pub align: Align,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Align {
    #[default]
    Left,
    /// For figures. They are not wrapped while other columns can give way.
    Right,
}

#[derive(Debug, Clone, Default)]
pub struct Bar {
    pub label: String,
    pub value: f64,
    /// What stands at the right: the value in words.
    pub text: String,
}

/// The bytes of a PDF file. A character that the fonts lack is drawn as an empty box.
///
/// # Errors
/// In words: this binary was built without fonts, or the file could not be written.
pub fn draw(document: &Document) -> Result<Vec<u8>, String> {
    let fonts = text::Fonts::embedded(document.language)?;
    let layout = layout::lay_out(document, &fonts);
    write::write(document, &layout, &fonts, SerializeSettings::default())
}

#[cfg(test)]
mod tests {
    use krilla::configure::{Accessibility, ConfigurationBuilder};
    use proptest::prelude::*;

    use super::layout::{BOTTOM, Item, Layout, RIGHT};
    use super::text::{Fonts, Weight};
    use super::*;

    fn document(rows: usize) -> Document<'static> {
        let columns = ["पार्किंग", "Revenue", "Note"].map(|title| Column {
            title: title.into(),
            align: if title == "Revenue" { Align::Right } else { Align::Left },
        });
        let long = "Closed for repairs until the end of the month. ".repeat(6);
        let row = |n: usize| vec![format!("Lot {n}"), "₹1,234.50".into(), long.clone()];
        Document {
            title: "मासिक रिपोर्ट".into(),
            subtitle: "September 2026".into(),
            language: "hi",
            footer: "Ω · Привет · Straße".into(),
            page_label: "Page {n} of {m}".into(),
            created: None,
            blocks: vec![
                Block::Heading("क्षेत्र".into()),
                Block::Paragraph("One line\nand another. ".repeat(30)),
                Block::Facts(vec![
                    Fact {
                        label: "Revenue".into(),
                        value: "₹12,34,567.50".into(),
                        note: Some("+4% on August".into()),
                    };
                    10
                ]),
                Block::Heading("Lots".into()),
                Block::Table { columns: columns.into(), rows: (0..rows).map(row).collect() },
                Block::Heading("Hours".into()),
                Block::Bars {
                    rows: [f64::NAN, -1.0, 0.0, 7.0, f64::INFINITY]
                        .map(|value| Bar {
                            label: "00–01".into(), value, text: value.to_string()
                        })
                        .into(),
                },
            ],
        }
    }

    fn laid_out(document: &Document) -> Layout {
        layout::lay_out(document, &Fonts::embedded(document.language).unwrap())
    }

    fn words(page: &[Item]) -> String {
        let texts = page.iter().map(|item| match item {
            Item::Text { line, .. } => line.shown().trim_end(),
            Item::Area { .. } => "",
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_document_is_a_pdf_and_the_same_document_the_same_bytes() {
        let first = draw(&document(60)).unwrap();
        assert!(first.starts_with(b"%PDF-"));
        assert!(first.ends_with(b"%%EOF") || first.ends_with(b"%%EOF\n"));
        assert_eq!(first, draw(&document(60)).unwrap());
        let dated = Document { created: Some(Timestamp::UNIX_EPOCH), ..document(60) };
        assert_ne!(first, draw(&dated).unwrap());
    }

    #[test]
    fn an_empty_document_has_one_page() {
        for blocks in [
            vec![],
            vec![
                Block::Heading(String::new()),
                Block::Paragraph(String::new()),
                Block::Facts(vec![]),
                Block::Table { columns: vec![], rows: vec![vec!["lost".into()]] },
                Block::Bars { rows: vec![] },
            ],
        ] {
            let document = Document { blocks, ..Document::default() };
            assert_eq!(laid_out(&document).pages.len(), 1);
            assert!(draw(&document).is_ok());
        }
    }

    #[test]
    fn it_passes_the_checks_for_accessible_pdf() {
        let document = document(60);
        let fonts = Fonts::embedded(document.language).unwrap();
        let layout = layout::lay_out(&document, &fonts);
        let configuration =
            ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1);
        let settings = SerializeSettings {
            configuration: configuration.finish().unwrap(),
            ..SerializeSettings::default()
        };
        write::write(&document, &layout, &fonts, settings).unwrap();
    }

    #[test]
    fn rows_fill_pages_and_each_page_has_the_header_and_its_number() {
        let pages = laid_out(&document(60)).pages;
        assert!(pages.len() > laid_out(&document(10)).pages.len());
        for (n, page) in pages.iter().enumerate() {
            let words = words(page);
            assert!(words.contains(&format!("Page {} of {}", n + 1, pages.len())), "{words}");
            assert_eq!(words.contains("Lot "), words.contains("पार्किंग"), "{words}");
        }
        let all: String = pages.iter().map(|page| words(page)).collect();
        for lot in 0..60 {
            assert_eq!(all.matches(&format!("Lot {lot}\n")).count(), 1);
        }
    }

    #[test]
    fn nothing_leaves_the_page() {
        let mut document = document(9);
        let wide = |align| Column { title: "Unbreakable".repeat(9), align };
        document.blocks.push(Block::Table {
            columns: (0..30).map(|_| wide(Align::Right)).collect(),
            rows: vec![vec!["₹99,99,99,999.00".into(); 30], vec!["short".into()]],
        });
        document.title = "A title without any space".repeat(20).replace(' ', "");
        document.footer.clone_from(&document.title);
        let Layout { pages, .. } = laid_out(&document);
        for item in pages.iter().flatten() {
            let (right, bottom) = match item {
                Item::Text { x, baseline, size, line, .. } => (x + line.width() * size, *baseline),
                Item::Area { x, y, width, height, .. } => (x + width, y + height),
            };
            assert!(right <= RIGHT + 0.01 && bottom <= BOTTOM + 40.0, "{right} {bottom}");
        }
    }

    #[test]
    fn devanagari_and_currencies_have_glyphs_and_other_scripts_a_box() {
        let fonts = Fonts::embedded("hi").unwrap();
        let missing = |text: &str, weight| {
            let line = fonts.line(text, weight);
            line.glyphs.iter().filter(|glyph| glyph.glyph_id.to_u32() == 0).count()
        };
        let known = "पार्किंग क्षेत्र ₹1,234.50 €£¥ – Ñandú Straße Ωμέγα Привет\t…";
        for weight in [Weight::Regular, Weight::Bold] {
            assert_eq!(missing(known, weight), 0);
            assert_eq!(missing("駐車場", weight), 3);
        }
        let document = Document { title: "駐車場".into(), ..document(1) };
        assert!(draw(&document).is_ok());
    }

    #[test]
    fn devanagari_is_shaped() {
        let fonts = Fonts::embedded("hi").unwrap();
        // क + virama + ष is one letter; र + virama before a letter is a hook above it.
        assert_eq!(fonts.line("क्ष", Weight::Regular).glyphs.len(), 1);
        assert!(fonts.line("र्क", Weight::Regular).glyphs.len() < "र्क".chars().count());
    }

    #[test]
    fn every_character_belongs_to_a_glyph_so_that_it_can_be_copied() {
        let fonts = Fonts::embedded("hi").unwrap();
        let text = "Lot 7: पार्किंग, हिन्दी ₹1,234.50 और Ωμέγα";
        let mut end = 0;
        for glyph in fonts.line(text, Weight::Regular).glyphs {
            assert!(glyph.text_range.start <= end, "{glyph:?}");
            end = end.max(glyph.text_range.end);
        }
        assert_eq!(end, text.len());
    }

    #[test]
    fn text_wraps_at_spaces_breaks_long_words_and_ends_in_an_ellipsis() {
        let fonts = Fonts::embedded("en").unwrap();
        let wrapped = |text: &str, width, lines_max| -> Vec<String> {
            let lines = fonts.wrap(text, Weight::Regular, width, lines_max);
            assert!(lines.iter().all(|line| line.width() <= width));
            lines.iter().map(|line| line.shown().to_owned()).collect()
        };
        assert_eq!(wrapped("one two three", 4.5, 9), ["one two ", "three"]);
        assert_eq!(wrapped("one\ntwo", 99.0, 9), ["one", "two"]);
        assert_eq!(wrapped("one two three four", 4.5, 2), ["one two ", "three…"]);
        assert_eq!(wrapped("wwwwwwwwwww", 5.0, 9).concat(), "wwwwwwwwwww");
        // A line holds at least one letter, or there would be no end.
        assert_eq!(fonts.wrap("पार्किंग", Weight::Regular, 0.0, 9).len(), 3);
    }
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_text_can_be_drawn(
            text in "(\\PC|[\u{900}-\u{97f}]|[ \n\t\u{300}\u{200d}]){0,60}",
            value in any::<f64>(),
        ) {
            let bar = Bar { label: text.clone(), value, text: text.clone() };
            let fact = Fact { label: text.clone(), value: text.clone(), note: Some(text.clone()) };
            let column = Column { title: text.clone(), align: Align::Left };
            let document = Document {
                title: text.clone(),
                footer: text.clone(),
                language: &text,
                blocks: vec![
                    Block::Heading(text.clone()),
                    Block::Paragraph(text.clone()),
                    Block::Facts(vec![fact]),
                    Block::Table { columns: vec![column; 3], rows: vec![vec![text.clone(); 3]] },
                    Block::Bars { rows: vec![bar] },
                ],
                ..Document::default()
            };
            prop_assert!(draw(&document).is_ok());
        }
    }
}
