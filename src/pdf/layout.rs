//! Where everything stands: blocks become items on pages, in points from the top left.
//!
//! Text belongs to an element of the structure (heading, list, table), unless it is decoration.

use std::num::NonZeroU16;

use krilla::tagging::{ListNumbering, TableHeaderScope, Tag, TagKind};

use super::columns::Grid;
use super::text::{Fonts, Line, Weight};
use super::{Align, Bar, Block, Column, Document, Fact};

/// A4 (ISO 216).
pub const PAGE: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 50.0;
pub const RIGHT: f32 = PAGE.0 - LEFT;
const TOP: f32 = 54.0;
/// Where blocks end; the footer stands below.
pub const BOTTOM: f32 = PAGE.1 - 68.0;
const WIDTH: f32 = RIGHT - LEFT;

/// Of a line, in em: room for the marks above and below Devanagari.
const LEADING: f32 = 1.42;
/// From the top of a line to its baseline, in em: the fonts' ascent and half of what is free.
const ASCENT: f32 = 1.098;

pub type Color = [u8; 3];
// The colours of the web client (frontend/src/styles.css), on white.
const INK: Color = [0x0f, 0x17, 0x28];
const MUTED: Color = [0x51, 0x5b, 0x6d];
const RULE: Color = [0xe1, 0xe5, 0xeb];
const TILE: Color = [0xf6, 0xf7, 0xf9];
const TRACK: Color = [0xf0, 0xf2, 0xf5];
const ACCENT: Color = [0x1d, 0x4e, 0xd8];

#[derive(Clone, Copy)]
struct Style {
    size: f32,
    weight: Weight,
    color: Color,
}

const TITLE: Style = Style { size: 22.0, weight: Weight::Bold, color: INK };
const SUBTITLE: Style = Style { size: 11.0, weight: Weight::Regular, color: MUTED };
const HEADING: Style = Style { size: 13.0, weight: Weight::Bold, color: INK };
const BODY: Style = Style { size: 10.0, weight: Weight::Regular, color: INK };
const VALUE: Style = Style { size: 17.0, weight: Weight::Bold, color: INK };
const SMALL: Style = Style { size: 8.5, weight: Weight::Regular, color: MUTED };
const HEAD: Style = Style { size: 8.5, weight: Weight::Bold, color: MUTED };
const CELL: Style = Style { size: 9.0, weight: Weight::Regular, color: INK };
const FOOTER: Style = Style { size: 8.0, weight: Weight::Regular, color: MUTED };

impl Style {
    fn height(self) -> f32 {
        self.size * LEADING
    }

    fn scaled(self, factor: f32) -> Self {
        Self { size: self.size * factor, ..self }
    }
}

/// In the order in which it is read.
pub enum Item {
    /// `element` is an index into [`Layout::elements`].
    Text {
        x: f32,
        baseline: f32,
        size: f32,
        color: Color,
        line: Line,
        element: Option<usize>,
    },
    Area {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        radius: f32,
        color: Color,
    },
}

/// Parents stand before their children.
pub struct Element {
    pub kind: TagKind,
    pub parent: Option<usize>,
}

pub struct Layout {
    pub pages: Vec<Vec<Item>>,
    pub elements: Vec<Element>,
    /// Text, page and top of each heading.
    pub outline: Vec<(String, usize, f32)>,
}

pub fn lay_out(document: &Document, fonts: &Fonts) -> Layout {
    let layout = Layout { pages: vec![Vec::new()], elements: Vec::new(), outline: Vec::new() };
    let mut setter = Setter { fonts, layout, page: 0, y: TOP };
    setter.title(document);
    for (index, block) in document.blocks.iter().enumerate() {
        setter.block(block, document.blocks.get(index + 1));
    }
    setter.footers(document);
    setter.layout
}

struct Setter<'a> {
    fonts: &'a Fonts,
    layout: Layout,
    /// Where the next item goes.
    page: usize,
    /// The top of what comes next.
    y: f32,
}

impl Setter<'_> {
    fn element(&mut self, kind: impl Into<TagKind>, parent: Option<usize>) -> usize {
        self.layout.elements.push(Element { kind: kind.into(), parent });
        self.layout.elements.len() - 1
    }

    fn item(&mut self, item: Item) {
        self.layout.pages[self.page].push(item);
    }

    fn area(&mut self, [x, y, width, height]: [f32; 4], radius: f32, color: Color) {
        self.item(Item::Area { x, y, width, height, radius, color });
    }

    fn rule(&mut self, y: f32, color: Color) {
        self.area([LEFT, y, WIDTH, 0.6], 0.0, color);
    }

    /// One line whose top left is at `x` and `y`.
    fn put(&mut self, line: Line, style: Style, [x, y]: [f32; 2], element: Option<usize>) {
        if line.glyphs.is_empty() {
            return;
        }
        let baseline = y + style.size * ASCENT;
        let Style { size, color, .. } = style;
        self.item(Item::Text { x, baseline, size, color, line, element });
    }

    fn wrap(&self, text: &str, style: Style, width: f32, lines_max: usize) -> Vec<Line> {
        self.fonts.wrap(text, style.weight, width / style.size, lines_max)
    }

    /// Goes to a new page unless so much fits on this one, or nothing is on it yet.
    fn room_for(&mut self, height: f32) -> bool {
        let fits = self.y + height <= BOTTOM || self.y <= TOP;
        if !fits {
            self.layout.pages.push(Vec::new());
            self.page += 1;
            self.y = TOP;
        }
        fits
    }

    /// Lines over the whole width.
    fn lines(&mut self, text: &str, style: Style, element: usize) {
        for line in self.wrap(text, style, WIDTH, usize::MAX) {
            self.room_for(style.height());
            self.put(line, style, [LEFT, self.y], Some(element));
            self.y += style.height();
        }
    }

    fn title(&mut self, document: &Document) {
        self.area([LEFT, TOP, 28.0, 3.0], 1.5, ACCENT);
        self.y += 12.0;
        if !document.title.trim().is_empty() {
            let kind = Tag::Hn(NonZeroU16::MIN, Some(document.title.clone()));
            let element = self.element(kind, None);
            self.lines(&document.title, TITLE, element);
        }
        if !document.subtitle.trim().is_empty() {
            let element = self.element(Tag::P, None);
            self.lines(&document.subtitle, SUBTITLE, element);
        }
        self.y += 14.0;
    }

    fn block(&mut self, block: &Block, next: Option<&Block>) {
        match block {
            Block::Heading(text) => self.heading(text, next),
            Block::Paragraph(text) => {
                let element = self.element(Tag::P, None);
                self.lines(text, BODY, element);
                self.y += 14.0;
            }
            Block::Facts(facts) => self.facts(facts),
            Block::Table { columns, rows } => self.table(columns, rows),
            Block::Bars { rows } => self.bars(rows),
        }
    }

    /// A heading stays with the start of what it is above, a chart with all of it if it can.
    fn heading(&mut self, text: &str, next: Option<&Block>) {
        if text.trim().is_empty() {
            return;
        }
        let lead = match next {
            Some(Block::Facts(_)) => 70.0,
            Some(Block::Table { .. }) => 80.0,
            Some(Block::Bars { rows }) => Some(count(rows.len()) * BAR_STEP)
                .filter(|height| *height < (BOTTOM - TOP) * 0.7)
                .unwrap_or(80.0),
            Some(_) => 2.0 * BODY.height(),
            None => 0.0,
        };
        self.room_for(12.0 + HEADING.height() + 6.0 + lead);
        if self.y > TOP {
            self.y += 12.0;
        }
        self.layout.outline.push((text.to_owned(), self.page, self.y));
        let level = NonZeroU16::MIN.saturating_add(1);
        let element = self.element(Tag::Hn(level, Some(text.to_owned())), None);
        self.lines(text, HEADING, element);
        self.y += 6.0;
    }
}

const TILE_GAP: f32 = 10.0;
const TILE_PADDING: f32 = 10.0;

/// The width of one of so many tiles in a row.
fn tile_width(tiles: usize) -> f32 {
    (WIDTH - TILE_GAP * (count(tiles) - 1.0)) / count(tiles)
}

impl Setter<'_> {
    fn facts(&mut self, facts: &[Fact]) {
        let values = facts.iter().map(|fact| self.fonts.line(&fact.value, VALUE.weight).width());
        let widest = values.fold(0.0, f32::max);
        // The size at which each value fits into one of so many tiles in a row.
        let fitting = |tiles| (tile_width(tiles) - 2.0 * TILE_PADDING) / widest;
        let tiles = [4, 3].into_iter().find(|tiles| fitting(*tiles) >= VALUE.size * 0.8);
        let tiles = tiles.unwrap_or(2);
        let rows = facts.len().div_ceil(tiles).max(1);
        // Five are three and two, not four and one.
        let tiles = facts.len().div_ceil(rows).max(2);
        let size = fitting(tiles).clamp(VALUE.size * 0.5, VALUE.size);
        let list = self.element(Tag::L(ListNumbering::None), None);
        for row in facts.chunks(tiles) {
            self.fact_row(row, tile_width(tiles), Style { size, ..VALUE }, list);
        }
        self.y += 6.0;
    }

    fn fact_row(&mut self, facts: &[Fact], width: f32, value_style: Style, list: usize) {
        let inner = width - 2.0 * TILE_PADDING;
        let lines: Vec<_> = facts
            .iter()
            .map(|fact| {
                let note = fact.note.as_deref().unwrap_or_default();
                [
                    self.wrap(&fact.label, SMALL, inner, 2),
                    self.wrap(&fact.value, value_style, inner, 1),
                    self.wrap(note, SMALL, inner, 2),
                ]
            })
            .collect();
        let most =
            |part: usize| count(lines.iter().map(|tile| tile[part].len()).max().unwrap_or(0));
        let (label_height, note_height) = (most(0) * SMALL.height(), most(2) * SMALL.height());
        let value_height = value_style.height();
        let height = label_height + value_height + note_height + 2.0 * TILE_PADDING - 3.0;
        self.room_for(height);
        let mut x = LEFT;
        for tile in lines {
            self.area([x, self.y, width, height], 5.0, TILE);
            let item = self.element(Tag::LI, Some(list));
            let [label, body] =
                [self.element(Tag::Lbl, Some(item)), self.element(Tag::LBody, Some(item))];
            let top = self.y + TILE_PADDING - 2.0;
            let parts = [
                (top, SMALL, label),
                (top + label_height, value_style, body),
                (top + label_height + value_height, SMALL, body),
            ];
            for (lines, (mut y, style, element)) in tile.into_iter().zip(parts) {
                for line in lines {
                    self.put(line, style, [x + TILE_PADDING, y], Some(element));
                    y += style.height();
                }
            }
            x += width + TILE_GAP;
        }
        self.y += height + TILE_GAP * 0.8;
    }
}

const ROW_PADDING: f32 = 3.6;
/// A cell ends in an ellipsis after so many lines.
const CELL_LINES_MAX: usize = 3;

impl Setter<'_> {
    fn table(&mut self, columns: &[Column], rows: &[Vec<String>]) {
        if columns.is_empty() {
            return;
        }
        let titles = columns.iter().map(|column| self.fonts.line(&column.title, HEAD.weight));
        let titles: Vec<_> = titles.collect();
        let cells = |row: &Vec<String>| -> Vec<Line> {
            let cell = |index| row.get(index).map_or("", String::as_str);
            (0..columns.len()).map(|index| self.fonts.line(cell(index), CELL.weight)).collect()
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        let grid = Grid::new(columns, (&titles, HEAD.size), (&rows, CELL.size), WIDTH);
        let (head_style, cell_style) = (HEAD.scaled(grid.scale), CELL.scaled(grid.scale));
        let header = self.folded(&grid, &titles, head_style);
        let rows: Vec<_> = rows.iter().map(|row| self.folded(&grid, row, cell_style)).collect();

        // A header alone at the foot of a page heads nothing.
        let first = rows.first().map_or(0.0, |row| row_height(row, cell_style));
        self.room_for(row_height(&header, head_style) + first);
        let table = self.element(Tag::Table, None);
        let head = self.element(Tag::THead, Some(table));
        let elements = self.row_elements(columns, head, &Tag::TH(TableHeaderScope::Column).into());
        self.row(&grid, header.clone(), head_style, &elements);
        let body = self.element(Tag::TBody, Some(table));
        for row in rows {
            if !self.room_for(row_height(&row, cell_style)) {
                // The structure has the header once.
                self.row(&grid, header.clone(), head_style, &vec![None; columns.len()]);
            }
            let elements = self.row_elements(columns, body, &Tag::TD.into());
            self.row(&grid, row, cell_style, &elements);
        }
        self.y += 12.0;
    }

    fn row_elements(
        &mut self,
        columns: &[Column],
        parent: usize,
        kind: &TagKind,
    ) -> Vec<Option<usize>> {
        let row = self.element(Tag::TR, Some(parent));
        columns.iter().map(|_| Some(self.element(kind.clone(), Some(row)))).collect()
    }

    fn folded(&self, grid: &Grid, cells: &[Line], style: Style) -> Vec<Vec<Line>> {
        let fold = |(cell, width): (&Line, &f32)| {
            // Rounding must not break what was measured to fit.
            self.fonts.fold(cell, width / style.size + 0.001, CELL_LINES_MAX)
        };
        cells.iter().zip(&grid.widths).map(fold).collect()
    }

    fn row(
        &mut self,
        grid: &Grid,
        cells: Vec<Vec<Line>>,
        style: Style,
        elements: &[Option<usize>],
    ) {
        let height = row_height(&cells, style);
        let mut x = LEFT;
        for (index, lines) in cells.into_iter().enumerate() {
            let width = grid.widths[index];
            let mut y = self.y + ROW_PADDING;
            for line in lines {
                let indent = match grid.aligns[index] {
                    Align::Left => 0.0,
                    Align::Right => width - line.width() * style.size,
                };
                self.put(line, style, [x + indent, y], elements[index]);
                y += style.height();
            }
            x += width + grid.gap;
        }
        self.y += height;
        self.rule(self.y, if style.weight == Weight::Bold { MUTED } else { RULE });
    }
}

fn row_height(cells: &[Vec<Line>], style: Style) -> f32 {
    let lines = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    count(lines) * style.height() + 2.0 * ROW_PADDING
}

/// From one bar to the next.
const BAR_STEP: f32 = 13.8;
const BAR_HEIGHT: f32 = 7.0;
const BAR_GAP: f32 = 10.0;

impl Setter<'_> {
    fn bars(&mut self, rows: &[Bar]) {
        let widest = |part: fn(&Bar) -> &str, most: f32| {
            let lines = rows.iter().map(|row| self.fonts.line(part(row), SMALL.weight).width());
            (lines.fold(0.0, f32::max) * SMALL.size + 0.01).min(most)
        };
        let label_width = widest(|row| &row.label, WIDTH * 0.3);
        let text_width = widest(|row| &row.text, WIDTH * 0.25);
        let left = LEFT + label_width + BAR_GAP;
        let full = RIGHT - text_width - BAR_GAP - left;
        let largest = rows.iter().map(|row| row.value).filter(|value| value.is_finite());
        let largest = largest.fold(0.0, f64::max);
        let table = self.element(Tag::Table, None);
        for row in rows {
            self.room_for(BAR_STEP);
            let element = self.element(Tag::TR, Some(table));
            let label = self.element(Tag::TH(TableHeaderScope::Row), Some(element));
            let text = self.element(Tag::TD, Some(element));
            let top = self.y + (BAR_STEP - SMALL.height()) / 2.0;
            for line in self.wrap(&row.label, SMALL, label_width, 1) {
                self.put(line, SMALL, [LEFT, top], Some(label));
            }
            let bar_top = self.y + (BAR_STEP - BAR_HEIGHT) / 2.0;
            self.area([left, bar_top, full, BAR_HEIGHT], 2.0, TRACK);
            let width = full * part_of(row.value, largest);
            self.area([left, bar_top, width, BAR_HEIGHT], 2.0, ACCENT);
            let style = Style { color: INK, ..SMALL };
            for line in self.wrap(&row.text, style, text_width, 1) {
                let x = RIGHT - line.width() * style.size;
                self.put(line, style, [x, top], Some(text));
            }
            self.y += BAR_STEP;
        }
        self.y += 12.0;
    }

    /// Only now is known how many pages there are.
    fn footers(&mut self, document: &Document) {
        let total = self.layout.pages.len().to_string();
        let y = PAGE.1 - 46.0;
        for page in 0..self.layout.pages.len() {
            let label = document.page_label.replace("{n}", &(page + 1).to_string());
            let label = self.wrap(&label.replace("{m}", &total), FOOTER, WIDTH * 0.3, 1);
            let left = self.wrap(&document.footer, FOOTER, WIDTH * 0.65, 1);
            self.page = page;
            self.rule(y - 7.0, RULE);
            for line in left {
                self.put(line, FOOTER, [LEFT, y], None);
            }
            for line in label {
                let x = RIGHT - line.width() * FOOTER.size;
                self.put(line, FOOTER, [x, y], None);
            }
        }
    }
}

/// 0 for what is no part of it.
#[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
fn part_of(value: f64, largest: f64) -> f32 {
    if value > 0.0 && largest > 0.0 { (value / largest).min(1.0) as f32 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "lines and columns, far below 2^24")]
pub fn count(things: usize) -> f32 {
    things as f32
}
