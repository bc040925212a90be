package im.sotto.app.chat

import android.view.View
import android.widget.ListView
import android.widget.TextView
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.testing.Json
import im.sotto.testing.Person

/** Two people talk: Alice taps and types in the app, Bob is a process. */
abstract class ChatStory : AppTest() {
    protected lateinit var bob: Person
    protected lateinit var place: String

    protected fun meet() {
        alice()
        bob = person("Bob", BOB)
        at(DAY_MS)
        place = befriend(bob, "Hello Alice, it is Bob from the choir")
        phone.tap("Bob")
        phone.on<ChatActivity>()
        phone.sees("Hello Alice, it is Bob from the choir")
    }

    /** Times of messages are whole seconds. */
    protected fun at(agoMs: Long) {
        app.times.at(agoMs)
        Thread.sleep(SECOND_MS - System.currentTimeMillis() % SECOND_MS)
    }

    /** A message of Bob's page, once it is there. */
    protected fun theirs(text: String, look: (Json) -> Boolean = { true }): Json =
        bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
            page["messages"].list.firstOrNull { !it["text"].isNull && it["text"].text == text && look(it) }
        }

    /** The state that the bubble of a text shows. */
    protected fun state(text: String): String? =
        row(text)?.findViewById<View>(R.id.state)?.takeIf(View::isShown)?.contentDescription?.toString()

    /** The row of a text, if it is on screen. */
    protected fun row(text: String): View? {
        val bodies = phone.views().filter { it.id == R.id.body }
        val body = bodies.firstOrNull { (it as TextView).text.toString() == text }
        return generateSequence(body) { it.parent as? View }.firstOrNull { it is SwipeRow }
    }

    protected fun list(): ListView = phone.screen.findViewById(R.id.messages)

    private companion object {
        const val DAY_MS = 86_400_000L
        const val SECOND_MS = 1_000L
    }
}
