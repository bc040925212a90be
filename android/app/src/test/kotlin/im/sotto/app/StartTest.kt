package im.sotto.app

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.widget.TextView
import im.sotto.Sotto
import im.sotto.android.SottoProcess
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

/** The way in: a new account, an old one from its phrase, and one that does not open. */
class StartTest : AppTest() {
    @Test
    fun aNewPersonStartsWritesThePhraseDownAndSeesNoChats() {
        phone.open()
        phone.sees(app.getString(R.string.start_title))
        draw("start")
        phone.tap(R.id.create)
        phone.on<ProfileActivity>()
        assertFalse(phone.enabled(R.id.save))
        assertFalse(hasInitial())
        phone.type(R.id.name, "Alice")
        phone.until("the initial of what was typed", ::hasInitial)
        phone.tap(R.id.picture)
        val picture = Bitmap.createBitmap(600, 400, Bitmap.Config.ARGB_8888)
        picture.eraseColor(Color.rgb(200, 120, 40))
        phone.answer(Intent().setData(offer(picture)))
        phone.until("the chosen picture") { app.cacheDir.resolve("avatar.jpg").exists() }
        phone.die()
        phone.until("the typed name") { phone.text(R.id.name) == "Alice" && phone.enabled(R.id.save) }
        phone.sees(app.getString(R.string.profile_create))
        draw("profile")
        phone.tap(R.id.save)
        phone.on<PhraseActivity>()
        phone.until("twelve words") { words().size == 12 }
        assertEquals(app.await { app.sotto().account.phrase() }.split(' ').toSet(), words().toSet())
        val own = app.await { app.sotto().account.get() }
        assertEquals("Alice", own?.name)
        assertTrue("the picture is set", own?.picture != null)
        assertFalse(app.preferences.phraseWritten)
        draw("phrase-first", R.id.word)
        phone.tap(R.id.written)
        phone.on<ChatsActivity>()
        phone.sees(app.getString(R.string.chats_empty_title))
        assertTrue(app.preferences.phraseWritten)
        draw("chats-empty")
    }

    /** Whether white letters stand on the person's colour. */
    private fun hasInitial(): Boolean {
        val avatar = checkNotNull(phone.find(R.id.avatar))
        val drawn = Bitmap.createBitmap(avatar.width, avatar.height, Bitmap.Config.ARGB_8888)
        avatar.draw(Canvas(drawn))
        val pixels = IntArray(drawn.width * drawn.height)
        drawn.getPixels(pixels, 0, drawn.width, 0, 0, drawn.width, drawn.height)
        return Color.WHITE in pixels
    }

    private fun words() = phone.views().filter { it.id == R.id.word }.map { (it as TextView).text.toString() }

    @Test
    fun aWrongWordIsNamedAndTheRightOneOffered() {
        phone.open()
        phone.tap(R.id.restore)
        phone.on<RestoreActivity>()
        phone.type(R.id.phrase, OLD.replace(" about", ""))
        phone.sees("11 words")
        assertFalse(phone.enabled(R.id.restore))
        phone.type(R.id.phrase, OLD.replace("about", "abuot"))
        phone.sees(app.getString(R.string.restore_wrong, 12, "abuot"))
        phone.until("the right word") { "about" in phone.texts() }
        draw("restore-wrong-word")
        phone.die()
        phone.sees(app.getString(R.string.restore_wrong, 12, "abuot"))
        phone.tap("about")
        phone.sees(app.getString(R.string.restore_good))
        phone.type(R.id.phrase, OLD.replace("about", "zoo"))
        phone.sees(app.getString(R.string.restore_swapped))
        phone.type(R.id.phrase, OLD)
        phone.tap(R.id.restore)
        phone.on<ProfileActivity>()
        phone.type(R.id.name, "Alice")
        phone.tap(R.id.save)
        phone.on<ChatsActivity>()
        assertEquals("Alice", app.await { app.sotto().account.get() }?.name)
        assertEquals(OLD, app.await { app.sotto().account.phrase() })
    }

    @Test
    fun aDatabaseThatDoesNotOpenIsKeptUntilThePersonGivesItUp() {
        app.await {
            app.sotto().account.create("Alice")
            app.process.close()
        }
        app.loseTheKey()
        phone.open()
        phone.sees(app.getString(R.string.error_wrong_key))
        draw("start-failed")
        phone.tap(R.id.wipe)
        phone.tap(app.getString(R.string.cancel))
        assertTrue(app.await { Sotto.databaseExists(SottoProcess.dir(app)) })
        phone.tap(app.getString(R.string.start_restore))
        phone.tap(app.getString(R.string.start_wipe_yes))
        phone.on<RestoreActivity>()
        phone.back()
        phone.sees(app.getString(R.string.start_title))
        assertNull(app.await { app.sotto().account.get() })
    }

    private companion object {
        const val OLD = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    }
}
