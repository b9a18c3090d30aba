//! Lays letters out: as HTML for mail, as plain text for mail, as text for Google Chat.
//!
//! The HTML is made from MJML, which knows what mail clients understand.

use std::fmt::Write as _;

use super::letter::{Block, Letter, Link};

/// A letter as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    pub html: String,
    pub text: String,
}

/// What stands below every mail.
#[derive(Debug, Clone, Default)]
pub struct Footer {
    /// Why the recipient gets this.
    pub reason: String,
    /// The words and the address that end it; `None`: it is about the account itself.
    pub unsubscribe: Option<(String, String)>,
}

/// Gives the address of a link.
pub type Address<'a> = &'a dyn Fn(&Link) -> String;

/// # Errors
/// When the layout is no MJML: a mistake in the program.
pub fn pages(letter: &Letter, footer: &Footer, address: Address<'_>) -> Result<Pages, String> {
    Ok(Pages { html: html(letter, footer, address)?, text: text(letter, footer, address) })
}

/// Text between tags, or in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn html(letter: &Letter, footer: &Footer, address: Address<'_>) -> Result<String, String> {
    let mut body = String::new();
    for block in &letter.blocks {
        // Writing into a String does not fail.
        let _ = match block {
            Block::Text(text) => write!(body, "<mj-text>{}</mj-text>", escape(text)),
            Block::Note(text) => write!(
                body,
                "<mj-text color=\"#5b6472\" font-size=\"13px\">{}</mj-text>",
                escape(text)
            ),
            Block::Facts(facts) => {
                let mut rows = String::new();
                for (name, value) in facts {
                    let _ = write!(
                        rows,
                        "<tr><td style=\"padding:6px 12px 6px 0;color:#5b6472;\
                         vertical-align:top\">{}</td><td style=\"padding:6px 0;font-weight:600;\
                         text-align:right\">{}</td></tr>",
                        escape(name),
                        escape(value)
                    );
                }
                write!(body, "<mj-table>{rows}</mj-table>")
            }
            Block::Table(rows) => write!(body, "<mj-table>{}</mj-table>", table(rows)),
            Block::Button(label, link) => write!(
                body,
                "<mj-button href=\"{}\">{}</mj-button>",
                escape(&address(link)),
                escape(label)
            ),
        };
    }
    let mut below = escape(&footer.reason);
    if let Some((words, address)) = &footer.unsubscribe {
        let _ = write!(
            below,
            " <a href=\"{}\" style=\"color:#5b6472\">{}</a>",
            escape(address),
            escape(words)
        );
    }
    let mjml = format!(
        r##"<mjml lang="{language}"><mj-head><mj-title>{subject}</mj-title><mj-attributes>
<mj-all font-family="Inter, 'Segoe UI', 'Noto Sans', 'Noto Sans Devanagari', Helvetica, Arial, sans-serif" />
<mj-text font-size="16px" line-height="1.5" color="#111827" padding="8px 24px" />
<mj-table font-size="15px" line-height="1.4" color="#111827" padding="8px 24px" />
<mj-button background-color="#1d4ed8" color="#ffffff" font-size="16px" font-weight="600" border-radius="10px" inner-padding="14px 24px" align="left" padding="12px 24px" />
</mj-attributes></mj-head><mj-body background-color="#f3f5f8" width="600px">
<mj-section padding="20px 0 8px"><mj-column><mj-text font-size="18px" font-weight="700" color="#1d4ed8">Parking</mj-text></mj-column></mj-section>
<mj-section background-color="#ffffff" border-radius="14px" padding="16px 0"><mj-column>
<mj-text font-size="22px" font-weight="700" line-height="1.3">{subject}</mj-text>{body}</mj-column></mj-section>
<mj-section padding="12px 0 32px"><mj-column><mj-text font-size="13px" color="#5b6472">{below}</mj-text></mj-column></mj-section>
</mj-body></mjml>"##,
        language = letter.language.as_str(),
        subject = escape(&letter.subject),
    );
    let parsed = mrml::parse(&mjml).map_err(|error| format!("the layout of a mail: {error}"))?;
    // None of the fonts that would be loaded from elsewhere.
    let options = mrml::prelude::render::RenderOptions {
        fonts: std::collections::HashMap::new(),
        ..Default::default()
    };
    parsed.element.render(&options).map_err(|error| format!("the layout of a mail: {error}"))
}

fn table(rows: &[Vec<String>]) -> String {
    let mut html = String::new();
    for (number, row) in rows.iter().enumerate() {
        let (tag, rule, weight) = match number {
            0 => ("th", "2px solid #d5dae1", "600;color:#5b6472"),
            _ => ("td", "1px solid #e6e9ee", "400"),
        };
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let side = if column == 0 { "left" } else { "right" };
            let _ = write!(
                html,
                "<{tag} style=\"text-align:{side};padding:7px 0 7px {};border-bottom:{rule};\
                 font-weight:{weight}\">{}</{tag}>",
                if column == 0 { "0" } else { "12px;white-space:nowrap" },
                escape(cell)
            );
        }
        html.push_str("</tr>");
    }
    html
}

fn text(letter: &Letter, footer: &Footer, address: Address<'_>) -> String {
    let mut text = words(letter, address);
    let _ = write!(text, "\n-- \n{}\n", footer.reason);
    if let Some((words, address)) = &footer.unsubscribe {
        let _ = writeln!(text, "{words}: {address}");
    }
    text
}

/// What the letter itself says.
#[must_use]
pub fn words(letter: &Letter, address: Address<'_>) -> String {
    let mut text = format!("{}\n", letter.subject);
    for block in &letter.blocks {
        text.push('\n');
        let _ = match block {
            Block::Text(words) | Block::Note(words) => writeln!(text, "{words}"),
            Block::Facts(facts) => {
                facts.iter().try_for_each(|(name, value)| writeln!(text, "{name}: {value}"))
            }
            Block::Table(rows) => {
                rows.iter().try_for_each(|row| writeln!(text, "{}", row.join(" · ")))
            }
            Block::Button(label, link) => writeln!(text, "{label}:\n{}", address(link)),
        };
    }
    text
}

/// As Google Chat writes text: `*bold*`, `<address|words>`.
#[must_use]
pub fn chat(letter: &Letter, address: Address<'_>) -> String {
    // What somebody typed must not become markup that names others or leads elsewhere.
    let plain = |text: &str| text.replace(['<', '>'], " ").replace('*', "∗");
    let mut text = format!("*{}*\n", plain(&letter.subject));
    for block in &letter.blocks {
        let _ = match block {
            Block::Text(words) | Block::Note(words) => writeln!(text, "{}", plain(words)),
            Block::Facts(facts) => facts.iter().try_for_each(|(name, value)| {
                writeln!(text, "{}: *{}*", plain(name), plain(value))
            }),
            Block::Table(rows) => {
                rows.iter().try_for_each(|row| writeln!(text, "{}", plain(&row.join(" · "))))
            }
            Block::Button(label, link) => {
                writeln!(text, "<{}|{}>", address(link), plain(label).replace('|', " "))
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Language;

    fn letter() -> Letter {
        Letter::new(Language::En, "Your <car> & \"more\"")
            .text("A & B <script>alert(1)</script>")
            .facts([("Lot", "Central".to_owned())])
            .table(vec![vec!["Lot".into(), "Cost".into()], vec!["A".into(), "₹5.00".into()]])
            .page("Release", "/parking")
            .note("Small.")
    }

    fn address(link: &Link) -> String {
        match link {
            Link::Page(path) => format!("https://parking.example.org{path}"),
            Link::PasswordReset => "https://parking.example.org/reset".into(),
        }
    }

    fn footer() -> Footer {
        let unsubscribe = ("End these".into(), "https://parking.example.org/u?t=1&l=2".into());
        Footer { reason: "Because.".into(), unsubscribe: Some(unsubscribe) }
    }

    #[test]
    fn what_people_typed_is_text_in_html() {
        let html = pages(&letter(), &footer(), &address).unwrap().html;
        assert!(html.contains("A &amp; B &lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
        assert!(!html.contains("<script>"));
        assert!(html.contains("https://parking.example.org/u?t=1&amp;l=2"));
        assert!(html.contains("lang=\"en\""), "{html}");
    }

    #[test]
    fn the_text_says_the_same_as_the_html() {
        let pages = pages(&letter(), &footer(), &address).unwrap();
        for words in ["Your <car> & \"more\"", "Lot: Central", "A · ₹5.00", "Because."] {
            assert!(pages.text.contains(words), "{words} is not in {}", pages.text);
        }
        assert!(pages.text.contains("Release:\nhttps://parking.example.org/parking\n"));
    }

    #[test]
    fn a_mail_loads_nothing_from_elsewhere() {
        let html = pages(&letter(), &footer(), &address).unwrap().html;
        for loading in ["<img", "<link", "@import", "src=", "<script"] {
            assert!(!html.contains(loading), "{loading} in {html}");
        }
    }

    #[test]
    fn chat_shows_no_markup_that_somebody_typed() {
        let letter = Letter::new(Language::En, "Hi").text("<users/all> *x*");
        assert_eq!(chat(&letter, &address), "*Hi*\n users/all  ∗x∗\n");
    }
}
