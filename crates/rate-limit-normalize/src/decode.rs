//! Undoes content codings for the look, never to more than a given number of bytes.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::media::Coding;

/// RFC 9659: a zstd frame in HTTP needs no larger window than this.
const ZSTD_WINDOW: u64 = 8 * 1024 * 1024;

/// What came out, and whether it is all of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) bytes: Bytes,
    pub(crate) complete: bool,
}

/// Undoes `codings` (listed as they were applied) over `bytes`, of which `complete` says whether
/// they are all. What breaks off midway gives what had come out until then; what is not of that
/// coding at all gives `None`.
pub(crate) fn decode(
    bytes: Bytes,
    complete: bool,
    codings: &[Coding],
    limit: usize,
) -> Option<Decoded> {
    let mut decoded = Decoded { bytes, complete };
    for coding in codings.iter().rev() {
        // The decoders are other people's, the bytes anybody's: a panic there is no match here.
        let (out, whole) = catch_unwind(AssertUnwindSafe(|| match coding {
            Coding::Gzip => read(MultiGzDecoder::new(&*decoded.bytes), limit),
            Coding::Deflate => deflate(&decoded.bytes, limit),
            Coding::Brotli => brotli(&decoded.bytes, limit),
            Coding::Zstd => zstd(&decoded.bytes, limit),
        }))
        .ok()?;
        if out.is_empty() && !whole {
            return None;
        }
        decoded = Decoded {
            bytes: out.into(),
            complete: decoded.complete && whole,
        };
    }
    Some(decoded)
}

fn read(mut from: impl Read, limit: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let mut chunk = [0; 8 * 1024];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return (out, true),
            Ok(n) => {
                out.extend_from_slice(chunk.get(..n).unwrap_or_default());
                if out.len() > limit {
                    out.truncate(limit);
                    return (out, false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return (out, false),
        }
    }
}

/// RFC 9110 section 8.4.1.2 means zlib; some servers send bare deflate, as the note there says.
fn deflate(bytes: &[u8], limit: usize) -> (Vec<u8>, bool) {
    match read(ZlibDecoder::new(bytes), limit) {
        (out, false) if out.is_empty() => read(DeflateDecoder::new(bytes), limit),
        decoded => decoded,
    }
}

fn brotli(bytes: &[u8], limit: usize) -> (Vec<u8>, bool) {
    let alloc = StandardAlloc::default;
    // Strict: windows of up to 16 MiB, as RFC 7932 has them, not the 1 GiB of the extension.
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut out = Vec::new();
    let mut chunk = [0; 8 * 1024];
    let (mut left, mut at, mut total) = (bytes.len(), 0, 0);
    loop {
        let (mut room, mut written) = (chunk.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            bytes,
            &mut room,
            &mut written,
            &mut chunk,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(chunk.get(..written).unwrap_or_default());
        if out.len() > limit {
            out.truncate(limit);
            return (out, false);
        }
        match result {
            BrotliResult::ResultSuccess => return (out, true),
            BrotliResult::NeedsMoreOutput if written > 0 => {}
            _ => return (out, false),
        }
    }
}

/// One frame, block by block: a block makes at most 128 KiB, and a window holds back at most
/// [`ZSTD_WINDOW`], so that is the most that a hostile frame can make us hold.
fn zstd(mut bytes: &[u8], limit: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    if zstd_window(bytes).is_none_or(|window| window > ZSTD_WINDOW) {
        return (out, false);
    }
    let mut decoder = FrameDecoder::new();
    if decoder.init(&mut bytes).is_err() {
        return (out, false);
    }
    loop {
        let step = decoder.decode_blocks(&mut bytes, BlockDecodingStrategy::UptoBlocks(1));
        if let Some(block) = decoder.collect() {
            out.extend_from_slice(&block);
        }
        if out.len() > limit {
            out.truncate(limit);
            return (out, false);
        }
        match step {
            Ok(true) => return (out, true),
            Ok(false) => {}
            Err(_) => return (out, false),
        }
    }
}

/// The window that a frame's header asks for (RFC 8878 section 3.1.1.1).
fn zstd_window(frame: &[u8]) -> Option<u64> {
    let header = frame.strip_prefix(&[0x28, 0xB5, 0x2F, 0xFD])?;
    let (descriptor, rest) = header.split_first()?;
    let single_segment = descriptor & 0b0010_0000 != 0;
    if !single_segment {
        let window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
    let width = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let size = rest.get(dictionary..dictionary + width)?;
    let size = size
        .iter()
        .rev()
        .fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    Some(if width == 2 { size + 256 } else { size })
}

#[cfg(test)]
mod tests;
