//! Writes what is laid out as a file.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Node, SpanTag, TagGroup, TagTree};
use krilla::{Document as Pdf, SerializeSettings};

use super::Document;
use super::layout::{Color, Item, Layout, PAGE};
use super::text::Fonts;

pub fn write(
    document: &Document,
    layout: &Layout,
    fonts: &Fonts,
    settings: SerializeSettings,
) -> Result<Vec<u8>, String> {
    let mut pdf = Pdf::new_with(settings);
    let mut groups: Vec<_> =
        layout.elements.iter().map(|element| TagGroup::new(element.kind.clone())).collect();
    for items in &layout.pages {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or("the page has no size")?;
        let mut page = pdf.start_page_with(size);
        let mut surface = page.surface();
        for item in items {
            paint(item, &mut surface, fonts, &mut groups);
        }
        surface.finish();
        page.finish();
    }
    pdf.set_tag_tree(tree(layout, groups));
    pdf.set_outline(outline(layout));
    pdf.set_metadata(metadata(document));
    pdf.finish().map_err(|error| error.to_string())
}

fn paint(item: &Item, surface: &mut Surface, fonts: &Fonts, groups: &mut [TagGroup]) {
    let decoration = ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout));
    match item {
        Item::Text { x, baseline, size, color, line, element } => {
            let tag = element.map_or(decoration, |_| ContentTag::Span(SpanTag::empty()));
            let content = surface.start_tagged(tag);
            surface.set_fill(Some(fill(*color)));
            let start = Point::from_xy(*x, *baseline);
            let font = fonts.font(line.weight);
            surface.draw_glyphs(start, &line.glyphs, font, &line.text, *size, false);
            surface.end_tagged();
            if let Some(element) = element {
                groups[*element].push(content);
            }
        }
        Item::Area { x, y, width, height, radius, color } => {
            let Some(path) = rounded([*x, *y, *width, *height], *radius) else { return };
            surface.start_tagged(decoration);
            surface.set_fill(Some(fill(*color)));
            surface.draw_path(&path);
            surface.end_tagged();
        }
    }
}

fn fill([red, green, blue]: Color) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

/// `None` for one without an area.
fn rounded([x, y, width, height]: [f32; 4], radius: f32) -> Option<Path> {
    if width <= 0.0 || height <= 0.0 {
        return None;
    }
    let radius = radius.min(width / 2.0).min(height / 2.0);
    let mut path = PathBuilder::new();
    if radius <= 0.0 {
        path.push_rect(Rect::from_xywh(x, y, width, height)?);
        return path.finish();
    }
    let (right, bottom) = (x + width, y + height);
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.quad_to(x, bottom, x, bottom - radius);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.close();
    path.finish()
}

/// Hands each group to its parent, the last first: by then a group has all of its own.
fn tree(layout: &Layout, mut groups: Vec<TagGroup>) -> TagTree {
    let mut roots: Vec<Node> = Vec::new();
    for element in layout.elements.iter().rev() {
        let Some(mut group) = groups.pop() else { break };
        if holds_groups(&group) {
            group.children.reverse();
        }
        // What has no content is left out, but an empty cell keeps its place in the row.
        match element.parent {
            Some(parent) => groups[parent].push(group),
            None if group.children.is_empty() => {}
            None => roots.push(group.into()),
        }
    }
    let mut tree = TagTree::new();
    roots.into_iter().rev().for_each(|root| tree.push(root));
    tree
}

fn holds_groups(group: &TagGroup) -> bool {
    matches!(group.children.first(), Some(Node::Group(_)))
}

fn outline(layout: &Layout) -> Outline {
    let mut outline = Outline::new();
    for (text, page, y) in &layout.outline {
        let place = XyzDestination::new(*page, Point::from_xy(0.0, *y));
        outline.push_child(OutlineNode::new(text.clone(), place));
    }
    outline
}

fn metadata(document: &Document) -> Metadata {
    let metadata = Metadata::new().title(document.title.clone());
    let metadata = match document.language {
        "" => metadata,
        language => metadata.language(language.to_owned()),
    };
    match document.created {
        Some(created) => metadata.creation_date(date(created)),
        None => metadata,
    }
}

fn date(instant: Timestamp) -> DateTime {
    let utc = instant.to_zoned(TimeZone::UTC);
    DateTime::new(u16::try_from(utc.year()).unwrap_or_default())
        .month(utc.month().unsigned_abs())
        .day(utc.day().unsigned_abs())
        .hour(utc.hour().unsigned_abs())
        .minute(utc.minute().unsigned_abs())
        .second(utc.second().unsigned_abs())
        .utc_offset_hour(0)
}
