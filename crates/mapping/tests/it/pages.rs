//! Cursors and limits through the layer.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use leeward_mapping::{BoxError, MappedBody, MappingError, Operation, Resources};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    at, cursor_pages, expr, json_answer, list, mapping_error, offset_pages, through, unified,
};

fn query(request: &Request<MappedBody<Full<Bytes>>>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
}

/// Numbers up to `count`, in pages as `cursor_pages` wants them; `obeys` its limit or sends five.
fn by_cursor(
    count: usize,
    obeys: bool,
) -> impl Fn(&Request<MappedBody<Full<Bytes>>>) -> Response<Full<Bytes>> + Clone + Send + 'static {
    move |request| {
        let start: usize = query(request, "after").map_or(0, |after| after.parse().unwrap());
        let limit = query(request, "limit").unwrap().parse().unwrap();
        let end = (start + if obeys { limit } else { 5 }).min(count);
        let results: Vec<usize> = (start..end).collect();
        let next = (end < count).then_some(end);
        json_answer(&json!({"results": results, "next": next}))
    }
}

fn by_offset(
    count: usize,
) -> impl Fn(&Request<MappedBody<Full<Bytes>>>) -> Response<Full<Bytes>> + Clone + Send + 'static {
    move |request| {
        let start: usize = query(request, "start").unwrap().parse().unwrap();
        let size: usize = query(request, "count").unwrap().parse().unwrap();
        let people: Vec<usize> = (start.min(count)..(start + size).min(count)).collect();
        json_answer(&json!({"people": people}))
    }
}

fn numbers(paging: leeward_pagination::Paging) -> Resources {
    list(Operation {
        item: expr(r#"{"n": $}"#),
        paging: Some(paging),
        ..at("/c")
    })
}

async fn page(
    resources: Resources,
    vendor: impl Fn(&Request<MappedBody<Full<Bytes>>>) -> Response<Full<Bytes>> + Clone + Send + 'static,
    rest: &str,
) -> Result<Value, BoxError> {
    let response = through(resources, vendor, unified(rest)).await?;
    assert_eq!(response.status(), 200);
    Ok(serde_json::from_slice(response.body())?)
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_alone() {
    let resources = || numbers(cursor_pages());
    let first = page(resources(), by_cursor(30, true), "m/r?q=1&limit=4")
        .await
        .unwrap();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();

    let same = format!("m/r?cursor={cursor}&limit=2&q=1&source=live");
    let next = page(resources(), by_cursor(30, true), &same).await.unwrap();
    assert_eq!(next["data"], json!([{"n": 4}, {"n": 5}]));

    let mut tampered = cursor.clone();
    tampered.replace_range(20..21, if &cursor[20..21] == "A" { "B" } else { "A" });
    for rest in [
        format!("m/r?cursor={cursor}"),
        format!("m/r?cursor={cursor}&q=2"),
        format!("m/r?cursor={cursor}&q=1&q=1"),
        format!("m/r?cursor={cursor}&cursor={cursor}&q=1"),
        format!("m/r?cursor={tampered}&q=1"),
        "m/r?cursor=".to_owned(),
        "m/r?cursor=5".to_owned(),
    ] {
        let error = page(resources(), by_cursor(30, true), &rest)
            .await
            .unwrap_err();
        assert!(
            matches!(mapping_error(error), MappingError::InvalidRequest(_)),
            "{rest}"
        );
    }

    let mut other = unified(&same);
    other
        .headers_mut()
        .insert("x-account", "other".parse().unwrap());
    let error = through(resources(), by_cursor(30, true), other)
        .await
        .unwrap_err();
    assert!(matches!(
        mapping_error(error),
        MappingError::InvalidRequest(_)
    ));
}

#[tokio::test]
async fn a_position_that_comes_again_is_a_failure() {
    let stuck = |_: &_| json_answer(&json!({"results": [1], "next": "same"}));
    let first = page(numbers(cursor_pages()), stuck, "m/r").await.unwrap();
    let cursor = first["next_cursor"].as_str().unwrap();
    let error = page(
        numbers(cursor_pages()),
        stuck,
        &format!("m/r?cursor={cursor}"),
    )
    .await
    .unwrap_err();
    assert!(matches!(mapping_error(error), MappingError::Pagination(_)));
}

#[tokio::test]
async fn a_list_that_comes_whole_is_cut_into_pages() {
    let whole = |_: &_| json_answer(&json!([{"id": 1}, {"id": 2}, {"id": 3}]));
    let resources = || list(at("/c"));
    let first = page(resources(), whole, "m/r?limit=2").await.unwrap();
    assert_eq!(first["data"], json!([{"id": 1}, {"id": 2}]));
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = page(resources(), whole, &format!("m/r?cursor={cursor}"))
        .await
        .unwrap();
    assert_eq!(
        (&last["data"], &last["next_cursor"]),
        (&json!([{"id": 3}]), &Value::Null)
    );
}

/// Follows the cursors with these limits, and gives the numbers that came.
async fn walk(vendor: u8, count: usize, limits: Vec<u32>) -> Vec<usize> {
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    for limit in limits.iter().cycle().take(count + 10) {
        let rest = match &cursor {
            None => format!("m/r?limit={limit}"),
            Some(cursor) => format!("m/r?limit={limit}&cursor={cursor}"),
        };
        let page = match vendor {
            0 => page(numbers(cursor_pages()), by_cursor(count, true), &rest).await,
            1 => page(numbers(cursor_pages()), by_cursor(count, false), &rest).await,
            _ => page(numbers(offset_pages()), by_offset(count), &rest).await,
        }
        .unwrap();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= *limit as usize);
        seen.extend(
            data.iter()
                .map(|record| usize::try_from(record["n"].as_u64().unwrap()).unwrap()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return seen,
        }
    }
    panic!("the walk does not end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_record_comes_exactly_once(
        vendor in 0..3_u8,
        count in 0..30_usize,
        limits in proptest::collection::vec(1..12_u32, 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen = runtime.block_on(walk(vendor, count, limits));
        prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }
}
