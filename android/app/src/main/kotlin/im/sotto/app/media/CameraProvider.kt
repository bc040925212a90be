package im.sotto.app.media

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import java.io.File

/** Where the camera app writes the one photo that was asked for: not in the gallery, and deleted once it is sent. */
class CameraProvider : ContentProvider() {
    override fun onCreate() = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor =
        ParcelFileDescriptor.open(file(requireNotNull(context)), ParcelFileDescriptor.parseMode(mode))

    override fun getType(uri: Uri) = "image/jpeg"

    override fun query(
        uri: Uri,
        columns: Array<String>?,
        where: String?,
        args: Array<String>?,
        order: String?,
    ): Cursor? = null

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, where: String?, args: Array<String>?) = 0

    override fun delete(uri: Uri, where: String?, args: Array<String>?) = 0

    companion object {
        /** Its name in the cache folder. */
        const val NAME = "photo.jpg"

        fun file(context: Context) = File(context.cacheDir, NAME)

        fun uri(context: Context): Uri = Uri.parse("content://${context.packageName}.camera/$NAME")

        /** Puts the photo aside, so that the camera can take the next one. */
        fun take(context: Context): File = File.createTempFile("photo-", ".jpg", context.cacheDir).also {
            file(context).renameTo(it)
        }
    }
}
