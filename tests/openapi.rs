//! The committed OpenAPI document is the one the code describes.

#[test]
fn the_committed_document_is_the_one_the_code_describes() {
    let emitted = groundswell::http::openapi::document().to_pretty_json().unwrap();
    let committed = include_str!("../openapi/openapi.json");
    assert!(
        committed.trim_end() == emitted,
        "the HTTP interface changed: run `make openapi` and commit openapi/openapi.json with the \
         change"
    );
}
