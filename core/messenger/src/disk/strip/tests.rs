use std::io::{Seek as _, Write as _};

use proptest::prelude::*;

use super::*;
use crate::disk::Disk;

const SECRET: &[u8] = b"54.32N 13.08E, phone 0815";

fn stripped(picture: &[u8]) -> (Vec<u8>, Metadata) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(picture).unwrap();
    file.rewind().unwrap();
    let (pieces, metadata) = strip(&file, picture.len() as u64);
    assert_eq!(pieces.is_some(), metadata == Metadata::Removed);
    let pieces = pieces.unwrap_or_else(|| vec![Piece::Copy(0..picture.len() as u64)]);
    let bytes = pieces.iter().flat_map(|piece| match piece {
        Piece::Copy(range) => picture[range.start as usize..range.end as usize].to_vec(),
        Piece::Bytes(bytes) => bytes.clone(),
    });
    (bytes.collect(), metadata)
}

/// EXIF with an orientation among other tags, and a secret behind them.
fn exif(value: u16, big: bool) -> Vec<u8> {
    let u16s = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32s = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let entry = |tag: u16, value: u16| [&u16s(tag)[..], &u16s(3), &u32s(1), &u16s(value), &[0; 2]].concat();
    let magic: &[u8] = if big { b"MM\0*" } else { b"II*\0" };
    [magic, &u32s(12), &[0; 4], &u16s(3), &entry(0x0100, 7), &entry(0x0112, value), &entry(0x0213, 1), SECRET].concat()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, marker], &u16::try_from(content.len() + 2).unwrap().to_be_bytes()[..], content].concat()
}

/// A progressive picture: tables between two scans, stuffed bytes and restart markers in them.
fn jpeg(with: &[Vec<u8>]) -> Vec<u8> {
    let scan = [1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0, 0xff, 0xd7];
    let head = [&[0xff, 0xd8][..], &segment(0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0")].concat();
    [
        head,
        with.concat(),
        segment(0xdb, &[1; 65]),
        segment(0xc2, &[2; 15]),
        segment(0xc4, &[3; 20]),
        segment(0xda, &[4; 10]),
        scan.to_vec(),
        segment(0xc4, &[5; 20]),
        segment(0xda, &[6; 10]),
        scan.to_vec(),
        vec![0xff, 0xd9],
    ]
    .concat()
}

fn png(before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let head = [&PNG[..], &png_chunk(b"IHDR", &[1; 13]), &png_chunk(b"sRGB", &[0]), &png_chunk(b"iCCP", b"icc\0\0x")];
    let data = [png_chunk(b"IDAT", &[7; 100]), png_chunk(b"IDAT", &[8; 100])].concat();
    [head.concat(), before.concat(), data, after.concat(), png_chunk(b"IEND", b"")].concat()
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap().to_le_bytes();
    [kind, &len[..], content, &[0][..content.len() % 2]].concat()
}

fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    let content = chunks.concat();
    [b"RIFF", &u32::try_from(content.len() + 4).unwrap().to_le_bytes()[..], b"WEBP", &content].concat()
}

fn jpeg_exif(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[EXIF, tiff].concat())
}

#[test]
fn of_a_jpeg_the_picture_the_profile_and_the_orientation_stay() {
    let profile = segment(0xe2, b"ICC_PROFILE\0\x01\x01the profile");
    let adobe = segment(0xee, b"Adobe\0d\0\0\0\0\x01");
    let secret = |marker: u8, prefix: &[u8]| segment(marker, &[prefix, SECRET].concat());
    for (value, big) in [(6, true), (6, false), (8, false), (1, true), (9, true), (0, false)] {
        let with = [
            jpeg_exif(&exif(value, big)),
            secret(0xe1, b"http://ns.adobe.com/xap/1.0/\0"),
            profile.clone(),
            secret(0xe0, b"JFXX\0\x10"),
            secret(0xe2, b"MPF\0"),
            secret(0xed, b"Photoshop 3.0\0"),
            adobe.clone(),
            secret(0xe5, b""),
            secret(0xfe, b""),
        ];
        // A film behind the picture, as phones add it.
        let picture = [jpeg(&with), b"\0\0\0\x18ftypmp42".to_vec(), SECRET.to_vec()].concat();
        let kept = (2..=8).contains(&value).then(|| jpeg_exif(&orientation_alone(value as u8)));
        let expected = jpeg(&[kept.unwrap_or_default(), profile.clone(), adobe.clone()]);
        assert_eq!(stripped(&picture), (expected, Metadata::Removed), "{value} {big}");
    }
    // Nothing to remove, and nothing left to remove.
    for with in [vec![], vec![profile, adobe], vec![jpeg_exif(&orientation_alone(3))]] {
        assert_eq!(stripped(&jpeg(&with)), (jpeg(&with), Metadata::None));
    }
    // A thumbnail in the first segment may show what was cropped.
    let thumbnail = segment(0xe0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01", SECRET].concat());
    let (bytes, metadata) = stripped(&jpeg(&[thumbnail]));
    assert_eq!((bytes, metadata), (jpeg(&[]), Metadata::Removed));
}

#[test]
fn the_shortest_picture_is_known_as_one() {
    let short = [&[0xff, 0xd8][..], &segment(0xda, b""), &[0xff, 0xd9]].concat();
    assert_eq!(stripped(&[&short, SECRET].concat()), (short.clone(), Metadata::Removed));
    assert_eq!(stripped(&short), (short.clone(), Metadata::None));
}

#[test]
fn a_jpeg_with_fill_bytes_keeps_them_out_of_the_way() {
    let mut picture = jpeg(&[segment(0xfe, SECRET)]);
    let at = picture.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
    picture.insert(at, 0xff);
    let (bytes, metadata) = stripped(&picture);
    assert_eq!((bytes, metadata), (jpeg(&[]), Metadata::Removed));
}

#[test]
fn of_a_png_what_shows_it_stays() {
    let secret = |kind| png_chunk(kind, SECRET);
    let orientation = png_chunk(b"eXIf", &orientation_alone(5));
    let before = [secret(b"tEXt"), secret(b"zTXt"), secret(b"iTXt"), secret(b"tIME"), png_chunk(b"pHYs", &[2; 9])];
    let after = [png_chunk(b"eXIf", &exif(5, true)), secret(b"prVt"), secret(b"tEXt")];
    let picture = [png(&before, &after), SECRET.to_vec()].concat();
    let expected = png(&before[4..], std::slice::from_ref(&orientation));
    assert_eq!(stripped(&picture), (expected.clone(), Metadata::Removed));
    assert_eq!(stripped(&expected), (expected, Metadata::None));
    assert_eq!(stripped(&png(&[png_chunk(b"eXIf", &exif(1, false))], &[])), (png(&[], &[]), Metadata::Removed));
    // From the specification, the end of every PNG.
    assert_eq!(png_chunk(b"IEND", b""), *b"\0\0\0\0IEND\xae\x42\x60\x82");
}

#[test]
fn of_a_webp_what_shows_it_stays() {
    let extended = |flags: u8| chunk(b"VP8X", &[flags, 0, 0, 0, 9, 0, 0, 9, 0, 0]);
    let (profile, pixels) = (chunk(b"ICCP", b"a profile"), chunk(b"VP8 ", &[7; 99]));
    let xmp = chunk(b"XMP ", SECRET);
    for tiff in [exif(6, false), [EXIF, &exif(6, true)].concat()] {
        let chunks = [
            extended(0x2c),
            profile.clone(),
            pixels.clone(),
            chunk(b"EXIF", &tiff),
            xmp.clone(),
            chunk(b"mine", SECRET),
        ];
        let picture = [webp(&chunks), SECRET.to_vec()].concat();
        let alone = chunk(b"EXIF", &orientation_alone(6));
        let expected = webp(&[extended(0x28), profile.clone(), pixels.clone(), alone]);
        assert_eq!(stripped(&picture), (expected, Metadata::Removed));
    }
    let plain = chunk(b"EXIF", &exif(1, true));
    let picture = webp(&[extended(0x3c), profile.clone(), pixels.clone(), plain, xmp]);
    assert_eq!(stripped(&picture), (webp(&[extended(0x30), profile, pixels.clone()]), Metadata::Removed));
    assert_eq!(stripped(&webp(std::slice::from_ref(&pixels))), (webp(&[pixels]), Metadata::None));
}

#[test]
fn what_is_cut_short_or_no_picture_is_kept_and_told() {
    let tag = jpeg_exif(&exif(6, true));
    let pictures = [
        jpeg(&[tag]),
        png(&[png_chunk(b"eXIf", &exif(6, true))], &[]),
        webp(&[chunk(b"VP8 ", &[7; 98]), chunk(b"XMP ", SECRET)]),
    ];
    for picture in pictures {
        for len in 0..picture.len() {
            assert_eq!(stripped(&picture[..len]), (picture[..len].to_vec(), Metadata::Kept), "{len}");
        }
        assert_eq!(stripped(&picture).1, Metadata::Removed);
    }
    // The head of an extended picture comes first, once, and whole.
    let (extended, secret) = (chunk(b"VP8X", &[4; 10]), chunk(b"XMP ", SECRET));
    for heads in [[extended.clone(), extended.clone()], [secret.clone(), extended], [chunk(b"VP8X", &[4; 9]), secret]] {
        assert_eq!(stripped(&webp(&heads)), (webp(&heads), Metadata::Kept));
    }
    for other in [&b"GIF89a and so on"[..], b"\0\0\0\x1cftypheic and so on", b"a text of some length"] {
        assert_eq!(stripped(other), (other.to_vec(), Metadata::Kept));
    }
}

/// A picture that would take a list of pieces longer than what it saves.
#[test]
fn a_picture_of_very_many_segments_is_kept() {
    let comments: Vec<Vec<u8>> = (0..MOST_SEGMENTS).map(|_| segment(0xfe, b"")).collect();
    assert_eq!(stripped(&jpeg(&comments)).1, Metadata::Kept);
    let mixed: Vec<Vec<u8>> = (0..MOST_PIECES).flat_map(|_| [segment(0xfe, b""), segment(0xdb, b"")]).collect();
    assert_eq!(stripped(&jpeg(&mixed)).1, Metadata::Kept);
    assert_eq!(stripped(&jpeg(&mixed[..2000])).1, Metadata::Removed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Total; and stripping again finds nothing.
    #[test]
    fn mutated_pictures_are_stripped_or_kept(
        which in 0..3usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        tail in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let mut picture = match which {
            0 => jpeg(&[jpeg_exif(&exif(6, true)), segment(0xfe, SECRET)]),
            1 => png(&[png_chunk(b"eXIf", &exif(6, false)), png_chunk(b"tEXt", SECRET)], &[]),
            _ => webp(&[chunk(b"VP8X", &[0x0c; 10]), chunk(b"VP8L", &[7; 33]), chunk(b"EXIF", &exif(6, true))]),
        };
        for (at, byte) in changes {
            let at = at.index(picture.len());
            picture[at] = byte;
        }
        if let Some(cut) = cut {
            picture.truncate(cut.index(picture.len()));
        }
        picture.extend(tail);
        let (bytes, metadata) = stripped(&picture);
        if metadata == Metadata::Kept {
            prop_assert_eq!(bytes, picture);
        } else {
            prop_assert!(bytes.len() <= picture.len() + 64);
            prop_assert_eq!(stripped(&bytes), (bytes.clone(), Metadata::None));
        }
    }

    #[test]
    fn garbage_is_kept(magic in 0..4usize, garbage in prop::collection::vec(any::<u8>(), 0..300)) {
        let magic: &[u8] = [&b"\xff\xd8\xff"[..], &PNG, b"RIFF\x40\0\0\0WEBP", b""][magic];
        let picture = [magic, &garbage].concat();
        let (bytes, metadata) = stripped(&picture);
        prop_assert!(metadata != Metadata::Kept || bytes == picture);
    }
}

/// What is sent is the stripped picture, and only if that is wished.
#[test]
fn an_import_strips_the_copy() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    // Several chunks, with what is removed across a border.
    let tables: Vec<Vec<u8>> = (0..40).map(|i| segment(0xdb, &[i; 2000])).collect();
    let comments: Vec<Vec<u8>> = (0..10).map(|_| segment(0xfe, &SECRET.repeat(40))).collect();
    let picture = jpeg(&[tables.clone(), comments, vec![jpeg_exif(&exif(6, true))], tables.clone()].concat());
    let expected = jpeg(&[tables.clone(), vec![jpeg_exif(&orientation_alone(6))], tables].concat());
    std::fs::write(&source, &picture).unwrap();
    let mut disk = Disk::new(dir.path().join("files"), rand_core::UnwrapErr(getrandom::SysRng));
    for (strip, content, metadata) in [(true, expected, Metadata::Removed), (false, picture, Metadata::None)] {
        let imported = disk.import(&source, strip).unwrap();
        assert_eq!((imported.place.size, imported.metadata), (content.len() as u64, metadata));
        assert!(disk.read(&imported.place, 0, content.len()).unwrap() == content);
    }
}
