use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::{Decoded, decode};
use crate::media::Coding;

const TEXT: &[u8] = br#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}"#;
const LIMIT: usize = 64 * 1024;

/// `TEXT`, by `brotli -q 11`.
const BROTLI: &[u8] = include_bytes!("../../tests/data/throttled.json.br");

/// 32 MiB of zeros.
const BROTLI_BOMB: &[u8] = include_bytes!("../../tests/data/zeros.br");

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

fn zlib(bytes: &[u8]) -> Bytes {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

fn raw_deflate(bytes: &[u8]) -> Bytes {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

fn zstd(bytes: &[u8]) -> Bytes {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest).into()
}

fn whole(bytes: Bytes, codings: &[Coding]) -> Option<(Bytes, bool)> {
    decode(bytes, true, codings, LIMIT).map(|Decoded { bytes, complete }| (bytes, complete))
}

#[test]
fn each_coding_is_undone() {
    let text = Some((Bytes::from_static(TEXT), true));
    assert_eq!(whole(gzip(TEXT), &[Coding::Gzip]), text);
    assert_eq!(whole(zlib(TEXT), &[Coding::Deflate]), text);
    assert_eq!(whole(raw_deflate(TEXT), &[Coding::Deflate]), text);
    assert_eq!(whole(Bytes::from_static(BROTLI), &[Coding::Brotli]), text);
    assert_eq!(whole(zstd(TEXT), &[Coding::Zstd]), text);
    assert_eq!(
        whole(gzip(&zlib(TEXT)), &[Coding::Deflate, Coding::Gzip]),
        text
    );
    assert_eq!(whole(Bytes::from_static(TEXT), &[]), text);
}

#[test]
fn a_lie_about_the_coding_matches_nothing() {
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
        assert_eq!(
            whole(Bytes::from_static(b"<html>no</html>"), &[coding]),
            None,
            "{coding:?}"
        );
    }
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let zeros = vec![0; 8 * 1024 * 1024];
    for (bomb, coding) in [
        (Bytes::from_static(BROTLI_BOMB), Coding::Brotli),
        (gzip(&zeros), Coding::Gzip),
        (zlib(&zeros), Coding::Deflate),
        (zstd(&zeros), Coding::Zstd),
    ] {
        let (bytes, complete) = whole(bomb, &[coding]).unwrap();
        assert_eq!((bytes.len(), complete), (LIMIT, false), "{coding:?}");
    }
}

/// 64 KiB of run-length blocks of 128 KiB each, in a frame that claims a window of 8 MiB: 2 GiB for
/// a decoder that collects them all.
#[test]
fn a_bomb_of_run_length_blocks_ends_early() {
    for window in [13 << 3, 20 << 3] {
        let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0, window];
        let header: u32 = (128 * 1024) << 3 | 1 << 1;
        while frame.len() < 64 * 1024 {
            frame.extend_from_slice(&header.to_le_bytes()[..3]);
            frame.push(b'x');
        }
        let decoded = whole(frame.into(), &[Coding::Zstd]);
        assert!(decoded.is_none_or(|(bytes, complete)| bytes.len() == LIMIT && !complete));
    }
}

#[test]
fn what_was_cut_off_gives_its_beginning() {
    let noise: Vec<u8> = (0..200_000_u32)
        .map(|i| b'a' + (i * 7919 % 26) as u8)
        .collect();
    let packed = gzip(&noise);
    let half = packed.slice(..packed.len() / 2);
    let decoded = decode(half, false, &[Coding::Gzip], LIMIT).unwrap();
    assert!(!decoded.complete);
    assert!(noise.starts_with(&decoded.bytes) && !decoded.bytes.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_panic_or_pass_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..80, flip in any::<u8>()) {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let packed = match coding {
                Coding::Gzip => gzip(TEXT),
                Coding::Deflate => zlib(TEXT),
                Coding::Brotli => Bytes::from_static(BROTLI),
                Coding::Zstd => zstd(TEXT),
            };
            let mut broken = packed.to_vec();
            let at = cut % broken.len();
            broken[at] ^= flip;
            broken.extend_from_slice(&bytes);
            for bytes in [Bytes::from(bytes.clone()), Bytes::from(broken)] {
                if let Some(decoded) = decode(bytes, true, &[coding], 100) {
                    prop_assert!(decoded.bytes.len() <= 100);
                }
            }
        }
    }
}
