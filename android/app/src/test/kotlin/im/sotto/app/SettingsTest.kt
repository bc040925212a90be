package im.sotto.app

import android.Manifest
import android.content.Intent
import android.view.WindowManager
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf

/** Everything that can be set, and the pages that tell the truth about cost. */
class SettingsTest : AppTest() {
    private fun settings() = app.await { app.sotto().settings() }

    @Test
    fun switchesSetWhatTheySay() {
        alice()
        phone.menu(R.id.settings)
        phone.on<SettingsActivity>()
        phone.sees(app.getString(R.string.settings_receipts))
        draw("settings")
        val before = settings()
        phone.tap(R.id.receipts)
        phone.until("receipts") { settings().readReceipts != before.readReceipts }
        phone.tap(R.id.typing)
        phone.until("typing") { settings().typing != before.typing }
        phone.tap(R.id.log)
        phone.tap(app.getString(R.string.log_debug))
        phone.until("the level") { settings().log == im.sotto.LogLevel.DEBUG }
        assertFalse(isHidden())
        phone.tap(R.id.screen_security)
        phone.until("hidden screens") { isHidden() }
        phone.tap(R.id.log_export)
        phone.until("a report") { phone.left.isNotEmpty() }
        val report = phone.left.removeLast().getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java)
        val text = report?.getStringExtra(Intent.EXTRA_TEXT).orEmpty()
        assertTrue(text, "Sotto" in text && "contacts=0" in text && "Alice" !in text)

        phone.tap(R.id.phrase)
        phone.tap(app.getString(R.string.settings_phrase_show))
        phone.on<PhraseActivity>()
        phone.until("the words") { phone.texts().containsAll(ALICE.split(' ')) }
        draw("phrase")
        phone.back()
        phone.tap(R.id.profile)
        phone.on<ProfileActivity>()
        phone.until("the name") { phone.text(R.id.name) == "Alice" }
        phone.type(R.id.name, "Alice B.")
        phone.tap(R.id.save)
        phone.on<SettingsActivity>()
        phone.sees("Alice B.")
        phone.tap(R.id.delete)
        phone.tap(app.getString(R.string.cancel))
        assertEquals("Alice B.", app.await { app.sotto().account.get() }?.name)
        phone.tap(R.id.delete)
        phone.tap(app.getString(R.string.start_wipe_yes))
        phone.sees(app.getString(R.string.start_title))
        assertEquals(null, app.await { app.sotto().account.get() })
    }

    /** What goes to another app crosses processes, which take less than 1 MB. */
    @Test
    fun theReportTakesTheNewestLinesOfTheCoreOnly() {
        fun line(tag: String, number: Int, size: Int) =
            "11-30 06:42:45.000  1234  1240 I $tag: $number ".padEnd(size, 'x')
        val long = Report.newest(sequence { for (n in 1..5_000) yield(line("sotto_net::client", n, 4_000)) })
        assertEquals(100_000, long.length)
        assertTrue(long.endsWith(line("sotto_net::client", 5_000, 4_000)))
        val mixed = sequence {
            for (n in 1..5_000) {
                yield(line("sotto_db", n, 60))
                yield(line("OkHttp", n, 60))
                yield("    at sotto: no line of a log")
            }
        }
        val short = Report.newest(mixed).lines()
        assertEquals((4_501..5_000).map { line("sotto_db", it, 60) }, short)
    }

    private fun isHidden() = phone.screen.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0

    @Test
    fun thePagesOfCost() {
        alice()
        val bob = person("Bob", BOB)
        val place = befriend(bob, "It is Bob")
        val file = folder.resolve("notes.txt").apply { writeText("x".repeat(20_000)) }
        bob.call("send", "conversation" to place, "text" to "", "files" to listOf(mapOf("path" to file.path)))
        phone.until("the file") {
            app.await { app.sotto().files.page(app.sotto().contacts.all()[0].conversation, 1) }.isNotEmpty()
        }
        app.await {
            val sotto = app.sotto()
            sotto.files.fetch(sotto.files.page(sotto.contacts.all()[0].conversation, 1)[0].id)
        }
        phone.until("all of the file") { app.await { app.sotto().files.storage().bytes } > 0 }
        phone.menu(R.id.settings)
        phone.tap(R.id.storage)
        phone.sees(app.getString(R.string.storage_by_chat))
        draw("storage", R.id.value)
        phone.tap("Bob")
        phone.tap(app.getString(R.string.storage_free))
        phone.until("nothing left") { app.await { app.sotto().files.storage().bytes } == 0L }
        phone.back()

        phone.tap(R.id.network)
        phone.sees(app.getString(R.string.network_good))
        draw("network", R.id.value)
        phone.back()
        phone.tap(R.id.downloads)
        phone.sees(app.getString(R.string.kind_voice))
        draw("downloads")
        phone.tap(app.getString(R.string.network_roaming))
        phone.tap(app.getString(R.string.downloads_always))
        phone.until("voice notes abroad") {
            app.await { app.sotto().files.autoDownload().voice.roaming } == 100_000_000L
        }
    }

    @Test
    fun noticesAreKeptAndPointedAt() {
        alice()
        assertFalse(phone.offers(R.id.new_notices))
        app.times.at(3_600_000)
        app.preferences.notice("clock.skewed", System.currentTimeMillis())
        app.times.at(0)
        app.preferences.notice("device.replaced", System.currentTimeMillis())
        phone.recreate()
        phone.until("a sign") { phone.offers(R.id.new_notices) }
        phone.menu(R.id.notices)
        phone.sees(app.getString(R.string.error_clock))
        val texts = phone.texts()
        val notices = listOf(R.string.error_device_replaced, R.string.error_clock)
        val places = notices.map { texts.indexOf(app.getString(it)) }
        assertTrue("the latest first: $texts", places[0] in 0 until places[1])
        draw("notices")
        assertTrue(app.preferences.noticesSeen)
    }

    @Test
    fun aPhoneWithoutACameraOffersAPicture() {
        alice()
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        phone.tap(R.id.add)
        phone.tap(R.id.scan)
        phone.on<ScanActivity>()
        phone.sees(app.getString(R.string.add_no_camera))
        val code = Bitmaps.code("sotto".toByteArray())
        phone.tap(R.id.picture)
        phone.answer(Intent().setData(offer(code)))
        phone.on<AddActivity>()
        phone.sees(app.getString(R.string.error_invite_truncated))
    }
}
