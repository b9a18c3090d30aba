//! Text as glyphs: shaped in runs of one script, measured, and broken into lines.
//!
//! Widths here are in em: times the size they are points.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

use harfrust::{
    BufferClusterLevel, Direction, FontRef, Language, Script, ShapeOptions, ShapePlan, Shaper,
    ShaperData, UnicodeBuffer, script,
};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rust_embed::RustEmbed;

/// Latin, Greek, Cyrillic and Devanagari in one design, under the Open Font License.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/frontend/node_modules/@expo-google-fonts/noto-sans"]
#[include = "400Regular/*.ttf"]
#[include = "600SemiBold/*.ttf"]
#[allow_missing = true]
struct Files;

type File = LazyLock<Option<Cow<'static, [u8]>>>;

static REGULAR: File = LazyLock::new(|| read("400Regular/NotoSans_400Regular.ttf"));
static BOLD: File = LazyLock::new(|| read("600SemiBold/NotoSans_600SemiBold.ttf"));

fn read(path: &str) -> Option<Cow<'static, [u8]>> {
    Files::get(path).map(|file| file.data)
}

/// The fonts have no script that runs to the left.
const DIRECTION: Direction = Direction::LeftToRight;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

pub struct Fonts {
    regular: Face,
    bold: Face,
    language: Option<Language>,
}

struct Face {
    font: Font,
    raw: FontRef<'static>,
    data: ShaperData,
    /// What to do for a script, worked out once: that takes longer than doing it.
    plans: RefCell<Vec<(Script, Rc<ShapePlan>)>>,
}

/// Glyphs in a row, and the text that they show: what a reader copies.
#[derive(Clone)]
pub struct Line {
    pub text: Rc<str>,
    pub glyphs: Vec<KrillaGlyph>,
    pub weight: Weight,
}

/// What must stay together: a letter with its marks, a Devanagari syllable.
struct Cluster {
    glyphs: Range<usize>,
    advance: f32,
    is_space: bool,
}

impl Fonts {
    /// The fonts in this binary. The language chooses between regional forms of letters.
    pub fn embedded(language: &str) -> Result<Self, String> {
        let face = |file: &'static File| -> Option<Face> {
            let data: &'static [u8] = file.as_deref()?;
            let raw = FontRef::new(data).ok()?;
            let shaping = ShaperData::new(&raw);
            Some(Face {
                font: Font::new(data.into(), 0)?,
                raw,
                data: shaping,
                plans: RefCell::default(),
            })
        };
        match (face(&REGULAR), face(&BOLD)) {
            (Some(regular), Some(bold)) => {
                Ok(Self { regular, bold, language: language.parse().ok() })
            }
            _ => Err("This binary holds no fonts for documents. Build it with: make build".into()),
        }
    }

    pub fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    fn plan(&self, face: &Face, shaper: &Shaper, script: Script) -> Rc<ShapePlan> {
        let mut plans = face.plans.borrow_mut();
        if let Some((_, plan)) = plans.iter().find(|(known, _)| *known == script) {
            return Rc::clone(plan);
        }
        let language = self.language.as_ref();
        let plan = Rc::new(ShapePlan::new(shaper, DIRECTION, Some(script), language, &[]));
        plans.push((script, Rc::clone(&plan)));
        plan
    }

    /// All of `text` in one line.
    pub fn line(&self, text: &str, weight: Weight) -> Line {
        // A control character has no glyph and would show as a box.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let face = self.face(weight);
        let shaper = face.data.shaper(&face.raw).build();
        let mut glyphs = Vec::with_capacity(text.len());
        for (run, script) in runs(&text) {
            let plan = self.plan(face, &shaper, script);
            let mut buffer = UnicodeBuffer::new();
            // The finest pieces that still stand in the order of the text: a reader that only
            // knows one text per glyph then copies most of it right.
            buffer.set_cluster_level(BufferClusterLevel::MonotoneCharacters);
            buffer.push_str(&text[run.clone()]);
            buffer.set_direction(DIRECTION);
            buffer.set_script(script);
            if let Some(language) = self.language.clone() {
                buffer.set_language(language);
            }
            let output = shaper.shape(buffer, ShapeOptions::new().plan(Some(&plan)));
            let infos = output.glyph_infos();
            let em = |units: i32| in_em(units, shaper.units_per_em());
            for (index, (info, position)) in infos.iter().zip(output.glyph_positions()).enumerate()
            {
                let next = infos[index..].iter().find(|next| next.cluster != info.cluster);
                let end = next.map_or(run.end, |next| run.start + next.cluster as usize);
                glyphs.push(KrillaGlyph {
                    glyph_id: GlyphId::new(info.glyph_id),
                    text_range: run.start + info.cluster as usize..end,
                    x_advance: em(position.x_advance),
                    x_offset: em(position.x_offset),
                    y_offset: em(position.y_offset),
                    y_advance: em(position.y_advance),
                    location: None,
                });
            }
        }
        Line { text: text.into(), glyphs, weight }
    }

    /// `text` in lines of at most `width`, broken at spaces, in words only where one is too
    /// long. What does not fit into `lines_max` lines ends in an ellipsis.
    pub fn wrap(&self, text: &str, weight: Weight, width: f32, lines_max: usize) -> Vec<Line> {
        let lines = text.lines().flat_map(|text| self.line(text, weight).broken(width)).collect();
        self.bounded(lines, width, lines_max)
    }

    /// The same for a line that is shaped already.
    pub fn fold(&self, line: &Line, width: f32, lines_max: usize) -> Vec<Line> {
        self.bounded(line.broken(width), width, lines_max)
    }

    fn bounded(&self, mut lines: Vec<Line>, width: f32, lines_max: usize) -> Vec<Line> {
        if lines.len() > lines_max {
            lines.truncate(lines_max);
            if let Some(last) = lines.pop() {
                lines.push(self.cut(&last, width));
            }
        }
        lines
    }

    /// As much of `line` as fits before an ellipsis.
    fn cut(&self, line: &Line, width: f32) -> Line {
        let width = width - self.line("…", line.weight).width();
        let parts = line.broken(width);
        let start = parts.first().map_or("", Line::shown);
        self.line(&format!("{}…", start.trim_end()), line.weight)
    }
}

impl Line {
    /// Without the spaces at its end.
    pub fn width(&self) -> f32 {
        visible_width(&self.clusters())
    }

    pub fn longest_word(&self) -> f32 {
        let clusters = self.clusters();
        let words = clusters.split(|cluster| cluster.is_space);
        words.map(visible_width).fold(0.0, f32::max)
    }

    /// The text of these glyphs alone.
    pub fn shown(&self) -> &str {
        match (self.glyphs.first(), self.glyphs.last()) {
            (Some(first), Some(last)) => &self.text[first.text_range.start..last.text_range.end],
            _ => "",
        }
    }

    fn clusters(&self) -> Vec<Cluster> {
        let mut clusters = Vec::<Cluster>::with_capacity(self.glyphs.len());
        let mut text_before = 0..0;
        for (index, glyph) in self.glyphs.iter().enumerate() {
            let text = &self.text[glyph.text_range.clone()];
            let joined = glyph.text_range == text_before
                || text.starts_with(is_mark)
                || self.text[text_before].ends_with(VIRAMA);
            match clusters.last_mut() {
                Some(last) if joined => {
                    last.glyphs.end = index + 1;
                    last.advance += glyph.x_advance;
                }
                _ => clusters.push(Cluster {
                    glyphs: index..index + 1,
                    advance: glyph.x_advance,
                    is_space: text == " ",
                }),
            }
            text_before = glyph.text_range.clone();
        }
        clusters
    }

    fn broken(&self, width: f32) -> Vec<Self> {
        let clusters = self.clusters();
        let mut lines = Vec::new();
        let (mut start, mut after_space, mut filled) = (0, None, 0.0);
        for (index, cluster) in clusters.iter().enumerate() {
            if !cluster.is_space && filled + cluster.advance > width && index > start {
                let end = after_space.take().unwrap_or(index);
                lines.push(self.part(&clusters[start..end]));
                start = end;
                filled = clusters[start..index].iter().map(|cluster| cluster.advance).sum();
            }
            filled += cluster.advance;
            if cluster.is_space {
                after_space = Some(index + 1);
            }
        }
        lines.push(self.part(&clusters[start..]));
        lines
    }

    fn part(&self, clusters: &[Cluster]) -> Self {
        let glyphs = match (clusters.first(), clusters.last()) {
            (Some(first), Some(last)) => self.glyphs[first.glyphs.start..last.glyphs.end].to_vec(),
            _ => Vec::new(),
        };
        Self { text: Rc::clone(&self.text), glyphs, weight: self.weight }
    }
}

fn visible_width(clusters: &[Cluster]) -> f32 {
    let end = clusters.iter().rposition(|cluster| !cluster.is_space).map_or(0, |last| last + 1);
    clusters[..end].iter().map(|cluster| cluster.advance).sum()
}

#[expect(clippy::cast_precision_loss, reason = "font units are far below 2^24")]
fn in_em(units: i32, units_per_em: i32) -> f32 {
    units as f32 / units_per_em as f32
}

/// Each script has its own rules of shaping, so a buffer holds one. Spaces, digits and signs
/// belong to the text before them.
fn runs(text: &str) -> Vec<(Range<usize>, Script)> {
    let mut runs: Vec<(Range<usize>, Script)> = Vec::new();
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        match (runs.last_mut(), script_of(c)) {
            (Some((run, known)), script) if script.is_none_or(|script| script == *known) => {
                run.end = end;
            }
            (Some((run, known)), Some(script)) if *known == script::COMMON => {
                run.end = end;
                *known = script;
            }
            (_, script) => runs.push((start..end, script.unwrap_or(script::COMMON))),
        }
    }
    runs
}

/// Joins the letter before it to the one after it.
const VIRAMA: char = '\u{94d}';

/// What is written onto the letter before it (category M of Unicode, in the scripts of the fonts).
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}'
        | '\u{93e}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{962}' | '\u{963}' | '\u{200c}' | '\u{200d}')
}

/// Of the scripts that the fonts have (Scripts.txt of Unicode, by block).
fn script_of(c: char) -> Option<Script> {
    match c {
        // The danda ends a sentence in many scripts, but these fonts draw it for one.
        '\u{900}'..='\u{97f}' | '\u{1cd0}'..='\u{1cff}' | '\u{a8e0}'..='\u{a8ff}' => {
            Some(script::DEVANAGARI)
        }
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(script::GREEK),
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' => {
            Some(script::CYRILLIC)
        }
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
            Some(script::LATIN)
        }
        _ => None,
    }
}
