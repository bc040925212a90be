//! The colours of a picture before it is there, in at most 32 bytes (ThumbHash).

use crate::error::{Code, Error};

/// Longest side of a picture that a placeholder is made from, pixels.
const MOST_PIXELS: u32 = 100;

/// The placeholder of a small picture, whose pixels are 4 bytes each (red, green, blue, alpha), row by row.
///
/// # Errors
/// `input.setting` unless both sides have 1 to 100 pixels and `rgba` has as many.
pub fn placeholder(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<u8>, Error> {
    let side = |pixels| match pixels {
        1..=MOST_PIXELS => usize::try_from(pixels).map_err(|_| Code::BadSetting),
        _ => Err(Code::BadSetting),
    };
    let (width, height) = (side(width)?, side(height)?);
    if rgba.len() != width * height * 4 {
        return Err(Code::BadSetting.into());
    }
    Ok(thumbhash::rgba_to_thumb_hash(width, height, rgba))
}

/// The average colour of a placeholder (red, green, blue); `None` if it is cut short.
pub fn colour(placeholder: &[u8]) -> Option<[u8; 3]> {
    // The crate reads a sixth byte of pictures with alpha, and checks five.
    placeholder.get(..6)?;
    let (red, green, blue, _) = thumbhash::thumb_hash_to_average_rgba(placeholder).ok()?;
    // Clamped to 0 to 1 by the crate; a float saturates.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    Some([red, green, blue].map(|part| (part * 255.0).round() as u8))
}
