//! A letter: what a mail or a chat message says, before it is laid out.

use serde::{Deserialize, Serialize};

use crate::locale::Language;

/// What is said to one person, in their language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub language: Language,
    pub subject: String,
    pub blocks: Vec<Block>,
}

/// A part of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    Text(String),
    /// Names and values, a line each.
    Facts(Vec<(String, String)>),
    /// The first column is text, the others are figures. The first row names the columns.
    Table(Vec<Vec<String>>),
    Button(String, Link),
    /// Small print.
    Note(String),
}

/// Where a button leads. The address is made when the letter is laid out, so that none with a
/// secret in it is ever stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// A path of the web client.
    Page(String),
    /// Where the recipient chooses a new password.
    PasswordReset,
}

impl Link {
    /// Where it leads on this server, without what it may let in.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Page(path) => path.clone(),
            Self::PasswordReset => "/reset-password".to_owned(),
        }
    }
}

impl Letter {
    #[must_use]
    pub fn new(language: Language, subject: impl Into<String>) -> Self {
        Self { language, subject: subject.into(), blocks: Vec::new() }
    }

    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    #[must_use]
    pub fn facts<N: Into<String>>(mut self, facts: impl IntoIterator<Item = (N, String)>) -> Self {
        let facts = facts.into_iter().map(|(name, value)| (name.into(), value));
        self.blocks.push(Block::Facts(facts.collect()));
        self
    }

    #[must_use]
    pub fn table(mut self, rows: Vec<Vec<String>>) -> Self {
        self.blocks.push(Block::Table(rows));
        self
    }

    #[must_use]
    pub fn button(mut self, label: impl Into<String>, link: Link) -> Self {
        self.blocks.push(Block::Button(label.into(), link));
        self
    }

    #[must_use]
    pub fn page(self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.button(label, Link::Page(path.into()))
    }

    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Note(text.into()));
        self
    }
}
