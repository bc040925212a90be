package im.sotto.app.media

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.widget.Toast
import im.sotto.MessageFile
import im.sotto.android.FilesProvider
import im.sotto.app.R

/** Shows a file in another app, which reads it through the core. */
fun Activity.open(file: MessageFile) {
    val uri = FilesProvider.uri(this, file.id)
    val intent = Intent(Intent.ACTION_VIEW)
        .setDataAndType(uri, contentResolver.getType(uri))
        .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
    leave(intent)
}

/** Opens a link in a browser. */
fun Activity.browse(url: String) =
    leave(Intent(Intent.ACTION_VIEW, Uri.parse(url)).addCategory(Intent.CATEGORY_BROWSABLE))

private fun Activity.leave(intent: Intent) {
    try {
        startActivity(intent)
    } catch (_: ActivityNotFoundException) {
        Toast.makeText(this, R.string.chat_no_app, Toast.LENGTH_LONG).show()
    }
}
