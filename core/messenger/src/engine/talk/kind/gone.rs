//! Gone: messages we asked for that their author no longer has.

use sotto_wire::content::Prefix;

use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::error::Error;

pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, prefixes: &[Prefix]) -> Result<(), Error> {
    for prefix in prefixes {
        step.holes.remove(&came.conversation, prefix)?;
    }
    Ok(())
}
