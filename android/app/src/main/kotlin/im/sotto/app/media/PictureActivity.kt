package im.sotto.app.media

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.widget.ImageView
import im.sotto.FileId
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.app.R
import im.sotto.app.Screen

/** One picture, as large as the screen. A double tap enlarges it, a finger moves it. */
class PictureActivity : Screen(R.layout.media_viewer, R.string.media_picture) {
    override suspend fun follow(sotto: Sotto) {
        val file = sotto.files.get(FileId(intent.getStringExtra(FILE).orEmpty()))
        title = FileViews.nameOf(this, file)
        val image = findViewById<ImageView>(R.id.image)
        FileViews.showPicture(image, file, MOST_PIXELS) { act(it) }
    }

    override fun build(state: Bundle?) {
        findViewById<ImageView>(R.id.image).setOnTouchListener(Zoom(findViewById(R.id.image)))
    }

    companion object {
        private const val FILE = "file"
        private const val MOST_PIXELS = 2048

        fun of(from: Activity, file: MessageFile): Intent =
            Intent(from, PictureActivity::class.java).putExtra(FILE, file.id.value)
    }
}
