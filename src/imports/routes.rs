//! The import of lots over HTTP, with a preview.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::lots::{LineProblem, Outcome, PlannedLot, REQUIRED, check};
use super::{File, Table, check_name, store};
use crate::app::App;
use crate::auth::extract::{Admin, ClientAddress};
use crate::error::{Error, FieldError, Problem, Result};
use crate::http::body::{Csv, Json, Query};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import_lots))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Options {
    /// Only says what would become of each line.
    #[serde(default)]
    dry_run: bool,
    /// Of new lots that have none in the file.
    price_per_hour_minor: Option<i64>,
    /// As the audit log is to name it, 255 characters at most.
    file_name: Option<String>,
}

/// What became of a file of lots, or what would.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct LotImport {
    /// Nothing was changed.
    dry_run: bool,
    #[serde(flatten)]
    outcome: Outcome,
    /// In the order of the file.
    lots: Vec<PlannedLot>,
    /// Lines that are wrong; while there are any, the file is not imported.
    problems: Vec<LineProblem>,
    at: Timestamp,
}

/// Create and change lots from a CSV file, all or nothing
///
/// Columns `lot` (a key of your own, by which a later file finds the lot again), `name`,
/// `number_of_spots`, and where known `address`, `city`, `pin_code`, `latitude`, `longitude`,
/// `time_zone`, `currency`, `price_per_hour_minor`, `free_minutes`, `increment_minutes`,
/// `daily_cap_minor`. Of a lot that is there, what the file has no column for stays as it is.
#[utoipa::path(post, path = "/api/admin/imports/lots", tag = "admin", operation_id = "import_lots", params(Options),
    request_body(content = String, content_type = "text/csv"), responses(
    (status = 200, body = LotImport),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 415, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "the lines that are wrong; of a dry run only when the file is none of lots"),
), security(("bearer" = [])))]
async fn import_lots(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Query(options): Query<Options>,
    Csv(bytes): Csv,
) -> Result<Json<LotImport>> {
    let Options { dry_run, price_per_hour_minor, file_name } = options;
    let file_name = file_name.unwrap_or_else(|| "lots.csv".into());
    check_name(&file_name).map_err(|message| Error::invalid("file_name", message))?;
    let not_lots = |message: String| Error::invalid("file", message);
    let table = Table::parse(&bytes, REQUIRED).map_err(not_lots)?;
    let (lots, wrong) = check(&table, &app.lot_defaults(), price_per_hour_minor);
    let at = app.clock.now();
    if dry_run {
        let planned = app.db.read(move |tx| store::plan_lots(tx, &lots)).await?;
        let (lots, mut problems) = planned;
        problems.extend(wrong);
        problems.sort_by_key(|problem| problem.line);
        return Ok(Json(LotImport { dry_run, outcome: Outcome::of(&lots), lots, problems, at }));
    }
    if !wrong.is_empty() {
        let field =
            |wrong: LineProblem| FieldError::new(format!("line {}", wrong.line), wrong.message);
        return Err(Error::Invalid(wrong.into_iter().map(field).collect()));
    }
    let file = File { name: file_name, sha256: table.sha256 };
    let (actor, catalogue) = (client.actor(Some(&admin)), app.catalogue.clone());
    let write = app.db.write(Uuid::nil(), move |tx| {
        store::write_lots(tx, at, &actor, &file, &lots, &catalogue, || {})
    });
    let lots = write.await?;
    app.reread().await?;
    Ok(Json(LotImport { dry_run, outcome: Outcome::of(&lots), lots, problems: Vec::new(), at }))
}
