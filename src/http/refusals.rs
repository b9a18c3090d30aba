//! What any operation may be refused with, in the OpenAPI document: said once, not at each.

use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response};

/// Adds to each operation the refusals that follow from what it takes; one that says them with its
/// own codes keeps its words.
pub fn describe(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            let admin = path.starts_with("/api/admin/");
            let known = &mut operation.responses.responses;
            let is_open = operation.security.is_none();
            let has_body = operation.request_body.is_some();
            let mut may = |status: u16, why: &str| {
                known.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(why)));
            };
            if !is_open {
                may(401, "no token, or none that is good");
            }
            if admin {
                may(403, "`forbidden`: only the admin may");
            }
            if has_body {
                may(400, "`malformed`: the body is no JSON");
                may(413, "`too_large`");
                may(415, "`unsupported_media_type`: the body is not `application/json`");
            }
            let parameters = operation.parameters.iter().flatten();
            let parameters = parameters.filter_map(|one| match one {
                RefOr::T(parameter) => Some(parameter),
                RefOr::Ref(_) => None,
            });
            let parameters: Vec<_> = parameters.collect();
            let in_path_or_query = |place: &ParameterIn| *place != ParameterIn::Header;
            if has_body || parameters.iter().any(|one| in_path_or_query(&one.parameter_in)) {
                may(422, "`validation_failed`: a field or a parameter is not valid");
            }
            if parameters.iter().any(|one| one.name.eq_ignore_ascii_case("idempotency-key")) {
                may(409, "`idempotency_key_in_flight`");
                may(422, "`idempotency_key_reused`");
            }
            if path.starts_with("/api/") {
                may(503, "`storage_unavailable`, `busy`: nothing was changed, try again");
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn problem(why: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(why).content("application/problem+json", content).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_problem_and_nothing_else_is() {
        for (path, mut item) in crate::http::openapi().paths.paths {
            for operation in operations(&mut item) {
                for (status, response) in &operation.responses.responses {
                    let RefOr::T(response) = response else { panic!("{path} {status}") };
                    let is_problem = response.content.contains_key("application/problem+json");
                    // What a probe reads is its status.
                    let refused = status.as_str() >= "400" && path != "/health/ready";
                    assert_eq!(is_problem, refused, "{path} {status}");
                }
            }
        }
    }
}
