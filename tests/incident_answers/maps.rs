//! Maps of incidents and spikes as GeoJSON.

use super::{only, outage_in, start};
use geo::{Area, MultiPolygon, Validation};
use serde_json::json;

#[test]
fn maps_are_valid_and_say_the_same_as_lists() {
    // Taveuni lies on the antimeridian.
    let server = start();
    outage_in(&server, "alpha", (-16.85, 179.999), 60);
    let list = only(&server);
    let text = server.get("/v1/incidents.geojson");
    assert_eq!(text.header("content-type"), Some("application/geo+json"));
    let map: geojson::FeatureCollection =
        text.text().parse::<geojson::GeoJson>().unwrap().try_into().unwrap();
    let feature = &map.features[0];
    let outline: MultiPolygon =
        geo::Geometry::try_from(feature.geometry.clone().unwrap()).unwrap().try_into().unwrap();
    assert!(
        outline.is_valid()
            && outline.iter().all(|part| part.signed_area() > 0.0)
            && outline.0.len() >= 2,
        "{outline:?}"
    );
    let bbox = feature.bbox.clone().unwrap();
    assert!(
        bbox[0] > 179.0 && bbox[2] < -179.0 && bbox[1] < bbox[3],
        "west is greater than east over the antimeridian: {bbox:?}"
    );
    assert_eq!(map.bbox, feature.bbox);
    let property = |name: &str| feature.property(name).unwrap().clone();
    assert!(
        feature
            .properties
            .as_ref()
            .unwrap()
            .values()
            .all(|value| !value.is_object() && !value.is_array()),
        "properties are flat"
    );
    for name in [
        "id",
        "revision",
        "state",
        "network",
        "onset",
        "detected_at",
        "resolved_at",
        "lead_seconds",
    ] {
        assert_eq!(property(name), list[name], "{name}");
    }
    for name in ["reports", "area_km2", "expected", "duration_seconds"] {
        assert_eq!(property(name), list["severity"][name], "{name}");
    }
    assert_eq!(
        (property("providers"), property("countries")),
        (json!("alpha"), list["place"]["countries"][0].clone())
    );
    let spikes: geojson::FeatureCollection = server
        .get("/v1/spikes.geojson")
        .text()
        .parse::<geojson::GeoJson>()
        .unwrap()
        .try_into()
        .unwrap();
    for spike in spikes.features.iter().filter(|spike| !spike.property("centre").unwrap().is_null())
    {
        let outline: MultiPolygon =
            geo::Geometry::try_from(spike.geometry.clone().unwrap()).unwrap().try_into().unwrap();
        assert!(outline.is_valid(), "{outline:?}");
    }
    assert!(spikes.features.len() >= 2);
}
