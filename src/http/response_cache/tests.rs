use super::*;
use crate::domain::time::Timestamp;
use std::cell::Cell;
use std::convert::Infallible;

const T0: Timestamp = Timestamp(1_000_000_000_000);

/// Text that was known at some instant.
struct Text(&'static str, Timestamp);

impl Content for Text {
    fn digest(&self) -> u64 {
        crate::render::digest_of(self.0.as_bytes())
    }

    fn as_of(&self) -> Timestamp {
        self.1
    }

    fn render(self) -> Vec<u8> {
        self.0.repeat(1_000).into_bytes()
    }
}

fn key(request: &str, version: u64) -> Key {
    Key::new("/path", &request, &version)
}

async fn get(
    cache: &ResponseCache,
    (request, version): (&str, u64),
    content: Text,
) -> Arc<Response> {
    let render = async |content, before| Ok::<_, Infallible>(Response::of(content, before));
    let made = cache.get(&key(request, version), async { Ok(content) }, render).await;
    made.unwrap_or_else(|never| match never {})
}

#[actix_web::test]
async fn a_response_is_made_once_however_many_ask() {
    let (cache, made) = (ResponseCache::default(), Cell::new(0));
    let ask = || {
        let content = async {
            made.set(made.get() + 1);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Text("a", T0))
        };
        let render = async |content, before| Ok(Response::of(content, before));
        let cache = &cache;
        async move { cache.get(&key("a", 1), content, render).await }
    };
    let answers = futures_util::future::join_all((0..50).map(|_| ask())).await;
    assert_eq!((answers.len(), made.get()), (50, 1));
}

#[actix_web::test]
async fn equal_content_of_a_new_version_keeps_the_response_and_its_encodings() {
    let cache = ResponseCache::default();
    let first = get(&cache, ("a", 1), Text("a", T0)).await;
    cache.encoded(&first, ContentEncoding::Gzip).await;
    let again = get(&cache, ("a", 2), Text("a", T0.plus_ms(4_999))).await;
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(again.encoded(ContentEncoding::Gzip).await.2, 0, "compressed once");
    let later = get(&cache, ("a", 3), Text("a", T0.plus_ms(5_000))).await;
    assert!(!Arc::ptr_eq(&first, &later), "dated anew");
    assert_eq!(first.etag, later.etag);
    let earlier = get(&cache, ("a", 4), Text("a", T0)).await;
    assert!(!Arc::ptr_eq(&later, &earlier), "of before the clock was set back");
    let other = get(&cache, ("a", 5), Text("b", T0)).await;
    assert_ne!(earlier.etag, other.etag);
}

#[actix_web::test]
async fn readers_of_the_version_before_do_not_drive_out_the_latest() {
    let cache = ResponseCache::default();
    let first = get(&cache, ("a", 1), Text("a", T0)).await;
    let second = get(&cache, ("a", 2), Text("b", T0)).await;
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&first, &get(&cache, ("a", 1), Text("c", T0)).await));
        assert!(Arc::ptr_eq(&second, &get(&cache, ("a", 2), Text("c", T0)).await));
    }
}

#[actix_web::test]
async fn a_content_that_fails_is_tried_again() {
    let cache = ResponseCache::default();
    let render = async |content, before| Ok(Response::of(content, before));
    let failed = cache.get(&key("a", 1), async { Err::<Text, _>("away") }, render).await;
    assert_eq!(failed.unwrap_err(), "away");
    assert_eq!(get(&cache, ("a", 1), Text("a", T0)).await.bytes(), 1_000);
}

#[actix_web::test]
async fn responses_are_bounded_in_number_and_bytes() {
    const REQUESTS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    for cache in [ResponseCache::with_bounds(4, 1 << 20), ResponseCache::with_bounds(100, 4_000)] {
        for request in REQUESTS {
            get(&cache, ("kept", 1), Text("z", T0)).await;
            get(&cache, (request, 1), Text(request, T0)).await;
            let slots = cache.slots();
            assert!(slots.by_request.len() <= 4 && slots.bytes <= 4_000);
            assert_eq!(slots.bytes, slots.by_request.values().map(Slot::bytes).sum::<usize>());
            assert!(slots.by_request.contains_key(&key("kept", 1).request));
        }
    }
}
