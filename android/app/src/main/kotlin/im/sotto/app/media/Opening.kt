package im.sotto.app.media

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.provider.DocumentsContract
import android.widget.Toast
import im.sotto.FileId
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.android.Documents
import im.sotto.android.FilesProvider
import im.sotto.app.R
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.io.IOException

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

/** Opens another app, which may not be there. With a [request] it returns something. */
fun Activity.leave(intent: Intent, request: Int = -1) {
    try {
        @Suppress("DEPRECATION")
        startActivityForResult(intent, request)
    } catch (_: ActivityNotFoundException) {
        Toast.makeText(this, R.string.chat_no_app, Toast.LENGTH_LONG).show()
    }
}

/** Writes a file where the person wants it; whether all of it stands there. A part is deleted. */
suspend fun Context.save(sotto: Sotto, file: FileId, to: Uri): Boolean {
    var isSaved = false
    try {
        Documents.save(this, sotto, file, to)
        isSaved = true
    } catch (_: IOException) {
        // The caller says it.
    } finally {
        if (!isSaved) delete(to)
    }
    return isSaved
}

private suspend fun Context.delete(part: Uri) = withContext(NonCancellable + Dispatchers.IO) {
    try {
        DocumentsContract.deleteDocument(contentResolver, part)
    } catch (_: IOException) {
        // It is not there.
    } catch (_: RuntimeException) {
        // The other app does not let us.
    }
}
