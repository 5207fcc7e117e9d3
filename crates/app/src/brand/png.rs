//! PNG files: every chunk is walked and checked, and only those that draw the picture are kept.

use keybearer_core::{Error, Result};

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
/// Widest and highest picture.
const SIDE: u32 = 2048;
/// Chunks that draw; texts, dates, profiles and animations are left out.
const KEPT: [&[u8]; 8] = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"pHYs"];

/// Whether a file says that it is a PNG.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// The file with nothing but its picture.
///
/// # Errors
/// `InvalidArgument` at `field` for everything that is no sound PNG.
pub(super) fn clean(field: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    kept(bytes).map_err(|what| Error::field(field, format!("must be a sound PNG: {what}")))
}

fn kept(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut rest = bytes.strip_prefix(&SIGNATURE).ok_or("it does not begin as one")?;
    let mut out = SIGNATURE.to_vec();
    let (mut number, mut pictures) = (0_usize, 0_usize);
    loop {
        let (chunk, after) = chunk(rest)?;
        if (number == 0) != (chunk.kind == b"IHDR") {
            return Err("its header is not in its place");
        }
        if number == 0 {
            header(chunk.data)?;
        }
        pictures += usize::from(chunk.kind == b"IDAT");
        if KEPT.contains(&chunk.kind) {
            out.extend_from_slice(chunk.whole);
        } else if chunk.kind.first().is_some_and(u8::is_ascii_uppercase) {
            return Err("it has a part that we do not know");
        }
        if chunk.kind == b"IEND" {
            return if pictures == 0 { Err("it has no picture") } else { Ok(out) };
        }
        (rest, number) = (after, number + 1);
    }
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    whole: &'a [u8],
}

fn chunk(bytes: &[u8]) -> Result<(Chunk<'_>, &[u8]), &'static str> {
    let short = "it ends too early";
    let (length, _) = bytes.split_first_chunk::<4>().ok_or(short)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short)?;
    let whole = length.checked_add(12).and_then(|end| bytes.split_at_checked(end)).ok_or(short)?;
    let (whole, after) = whole;
    let body = whole.get(4..length + 8).ok_or(short)?;
    let (kind, data) = body.split_at_checked(4).ok_or(short)?;
    let sum = whole.last_chunk::<4>().ok_or(short)?;
    if crc(body) != u32::from_be_bytes(*sum) || !kind.iter().all(u8::is_ascii_alphabetic) {
        return Err("a checksum is wrong");
    }
    Ok((Chunk { kind, data, whole }, after))
}

fn header(data: &[u8]) -> Result<(), &'static str> {
    let Ok([w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, compression, filter, interlace]) =
        <[u8; 13]>::try_from(data)
    else {
        return Err("its header has another length");
    };
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    if !(1..=SIDE).contains(&width) || !(1..=SIDE).contains(&height) {
        return Err("it must be 1 to 2048 pixels wide and high");
    }
    let known = match colour {
        0 => [1, 2, 4, 8, 16].contains(&depth),
        3 => [1, 2, 4, 8].contains(&depth),
        2 | 4 | 6 => [8, 16].contains(&depth),
        _ => false,
    };
    if known && compression == 0 && filter == 0 && interlace <= 1 {
        Ok(())
    } else {
        Err("its header is strange")
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 },
        )
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [kind, data].concat();
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], &body, &crc(&body).to_be_bytes()].concat()
    }

    fn picture(width: u32, more: &[Vec<u8>]) -> Vec<u8> {
        let mut header = [width.to_be_bytes(), 1_u32.to_be_bytes()].concat();
        header.extend([8, 6, 0, 0, 0]);
        let mut all = SIGNATURE.to_vec();
        all.extend(part(b"IHDR", &header));
        more.iter().for_each(|part| all.extend(part));
        all.extend(part(b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 5, 0, 1]));
        all.extend(part(b"IEND", &[]));
        all
    }

    #[test]
    fn only_the_picture_is_kept() {
        let plain = picture(1, &[]);
        assert_eq!(kept(&plain).unwrap(), plain);
        let talkative =
            picture(1, &[part(b"tEXt", b"Comment\0<script>alert(1)</script>"), part(b"eXIf", b"gps")]);
        assert_eq!(kept(&talkative).unwrap(), plain);
        assert_eq!(kept(&[plain.clone(), b"<script>alert(1)</script>".to_vec()].concat()).unwrap(), plain);
    }

    #[test]
    fn a_file_that_is_no_sound_png_is_refused() {
        let mut broken = picture(1, &[]);
        broken[20] ^= 1;
        let without_end = &picture(1, &[])[..40];
        let unknown = picture(1, &[part(b"EVIL", b"x")]);
        let again = picture(1, &[part(b"IHDR", &[0; 13])]);
        for bad in [
            &broken[..],
            without_end,
            b"GIF89a",
            b"",
            &SIGNATURE,
            &picture(0, &[]),
            &picture(5000, &[]),
            &unknown,
            &again,
        ] {
            assert!(kept(bad).is_err());
        }
        let endless = [&SIGNATURE[..], &[0xff; 40]].concat();
        assert!(kept(&endless).is_err());
    }
}
