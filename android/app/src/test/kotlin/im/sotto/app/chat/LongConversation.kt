package im.sotto.app.chat

import im.sotto.android.DatabaseKey
import im.sotto.android.SottoProcess
import im.sotto.app.AppTest
import im.sotto.app.ChatsActivity
import im.sotto.app.R
import org.junit.Assert.assertTrue
import org.junit.Test

/** A conversation of 100,000 messages. `./scripts/test long` runs it: making the messages takes a minute. */
class LongConversation : ChatStory() {
    @Test
    fun itOpensWithItsPageAndScrollsWithoutLoadingAll() {
        val page = checkNotNull(System.getProperty("sotto.page")) { "set the system property sotto.page" }
        val key = DatabaseKey(app).read(databaseExists = false).joinToString("") { "%02x".format(it) }
        val making = ProcessBuilder(page, SottoProcess.dir(app).path, key).inheritIO().start()
        check(making.waitFor() == 0) { "no conversation was made" }
        phone.open()
        phone.on<ChatsActivity>()
        phone.sees("message 99999")
        phone.tap("Bob")
        phone.on<ChatActivity>()
        phone.until("its newest messages") { bodies().any { "message 99999" in it } }
        assertTrue("one page", list().adapter.count < ONE_PAGE)
        phone.until("a thousand messages further up") {
            list().setSelection(0)
            bodies().any { (NUMBER.find(it)?.groupValues?.get(1)?.toInt() ?: NEWEST) < NEWEST - 1_000 }
        }
        assertTrue("a window, not all", list().adapter.count < WINDOW)
        phone.tap(R.id.jump)
        phone.until("the newest again") { bodies().any { "message 99999" in it } }
    }

    private companion object {
        val NUMBER = Regex("message (\\d+)")
        const val NEWEST = 99_999
        const val ONE_PAGE = 110
        const val WINDOW = 260
    }
}
