//! Which calls take a key, and what is answered where it is missing or not good.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi, RefOr, ResponseBuilder};

const IN_HEADER: &str = "key";
const IN_ADDRESS: &str = "key_in_address";
/// Calls that are answered to everybody, whatever the server's settings.
const FOR_EVERYBODY: [&str; 3] = ["healthz", "readyz", "openapi"];
/// The call that is answered to everybody or to who runs the server.
const METRICS: &str = "metrics";
const OF_OPERATORS: [&str; 12] = [
    "add_note",
    "void_reports",
    "create_source",
    "list_sources",
    "change_source",
    "source_series",
    "create_key",
    "list_keys",
    "rotate_key",
    "revoke_key",
    "list_audit",
    "set_privacy",
];
const REPORTS: [&str; 2] = ["submit_report", "submit_reports"];

/// Describes where a key goes.
pub fn describe(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("gsk_IIIIIIII_… (51 characters)")
        .description(Some("The key of an app. What everybody may do without one is a setting"))
        .build();
    components.add_security_scheme(IN_HEADER, SecurityScheme::Http(bearer));
    let in_address = ApiKeyValue::with_description(
        "key",
        "The same in the address, where no header can be set: only keys that do nothing but \
         read, and keys with origins",
    );
    components.add_security_scheme(IN_ADDRESS, SecurityScheme::ApiKey(ApiKey::Query(in_address)));
}

/// Says of a call which key it takes, and how it refuses others.
pub fn add_to(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    if FOR_EVERYBODY.contains(&id.as_str()) {
        return;
    }
    let scope = match id.as_str() {
        METRICS => "admin",
        id if OF_OPERATORS.contains(&id) => "admin",
        id if REPORTS.contains(&id) => "report",
        _ => "read",
    };
    let none: [&str; 0] = [];
    let mut ways = vec![SecurityRequirement::default(), SecurityRequirement::new(IN_HEADER, none)];
    if scope != "admin" {
        ways.push(SecurityRequirement::new(IN_ADDRESS, none));
    }
    operation.security = Some(ways);
    let exact = if scope == "read" { " (`exact`, where that is asked for)" } else { "" };
    let refused = format!("The key lacks the scope `{scope}`{exact}, or is not for this page");
    let answers = [
        (
            "401",
            "A key is needed, or the key is not good: `not a key`, `unknown`, `expired`, \
             `revoked`"
                .to_owned(),
        ),
        ("403", refused),
        ("429", "More than this caller may ask for: retry after `Retry-After`".to_owned()),
    ];
    for (status, description) in answers {
        if (id == METRICS && status == "429") || operation.responses.responses.contains_key(status)
        {
            continue;
        }
        let response = ResponseBuilder::new().description(description).build();
        operation.responses.responses.insert(status.to_owned(), RefOr::T(response));
    }
}
