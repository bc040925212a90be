package im.sotto.app.chat

import android.view.View
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.testing.Json
import im.sotto.testing.Person
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.concurrent.TimeUnit

/** Alice asks, and both vote. */
class PollTest : AppTest() {
    private lateinit var bob: Person
    private lateinit var place: String

    private fun meet() {
        alice()
        bob = person("Bob", BOB)
        app.times.at(TimeUnit.HOURS.toMillis(2))
        place = befriend(bob, "When do we rehearse?")
        phone.tap("Bob")
        phone.sees("When do we rehearse?")
    }

    private fun begin() {
        phone.tap(R.id.attach)
        phone.tap(string(R.string.poll_title))
        phone.on<PollActivity>()
    }

    private fun fields() = (phone.find(R.id.choices) as LinearLayout).let { box ->
        (0 until box.childCount).map { box.getChildAt(it) as EditText }
    }

    private fun texts() = fields().map { it.text.toString() }

    private fun choose(at: Int, text: String) {
        fields()[at].setText(text)
        phone.settle()
    }

    private fun theirs(question: String): Json = bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
        page["messages"].list.firstOrNull { !it["text"].isNull && it["text"].text == question && it.has("poll") }
    }

    /** The choices of the newest poll on screen: text, votes, and whether the own one is among them. */
    private fun shown() = phone.views().filter { it.id == R.id.choice && it.isShown }.map { choice ->
        val row = choice.parent as View
        val count = row.findViewById<TextView>(R.id.choice_count).text.toString()
        Triple((choice as TextView).text.toString(), count, row.isSelected)
    }

    @Test
    fun aPollIsWrittenAskedAndAnswered() {
        meet()
        begin()
        assertEquals(listOf("", ""), texts())
        phone.type(R.id.question, "Which evening suits you for the long rehearsal?")
        choose(0, "Thursday")
        assertFalse("one choice is none", phone.enabled(R.id.ask))
        choose(1, " ")
        assertFalse("a blank is no choice", phone.enabled(R.id.ask))
        choose(1, "Friday, but only after eight because of the train")
        assertEquals("a line for the next", 3, texts().size)
        choose(2, "Sunday")
        phone.tap(R.id.multiple)
        val written = texts()
        draw("poll")
        phone.die()
        phone.until("what was typed") { texts() == written && phone.enabled(R.id.ask) }
        assertEquals("Which evening suits you for the long rehearsal?", phone.text(R.id.question))
        app.times.at(TimeUnit.MINUTES.toMillis(5))
        phone.tap(R.id.ask)
        phone.on<ChatActivity>()
        val poll = theirs("Which evening suits you for the long rehearsal?")
        assertTrue(poll["poll"]["multiple"].isTrue)
        assertEquals(written.dropLast(1), poll["poll"]["choices"].list.map { it["text"].text })

        phone.until("the poll") { shown().map { it.first } == written.dropLast(1) }
        phone.sees(string(R.string.poll_several))
        bob.call("vote", "message" to poll["id"].text, "choices" to listOf(0, 2))
        phone.until("Bob's votes") { shown().map { it.second } == listOf("1", "0", "1") }
        phone.tap("Sunday")
        phone.until("both votes") { shown()[2] == Triple("Sunday", "2", true) }
        phone.tap("Thursday")
        phone.until("both of Alice") { shown().map { it.second } == listOf("2", "0", "2") }
        phone.tap("Thursday")
        phone.until("one taken back") { shown().map { it.second } == listOf("1", "0", "2") }
        bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
            page["messages"].list.firstOrNull { it["id"].text == poll["id"].text && votes(it) == listOf(1, 0, 2) }
        }
        phone.until("delivered") { phone.described(string(R.string.state_delivered)) }
        draw("chat-poll")
    }

    private fun votes(message: Json) = message["poll"]["choices"].list.map { it["voters"].list.size }

    @Test
    fun aPollKeepsTheLimitsOfTheCore() {
        meet()
        begin()
        val long = "Frage 😀 ".repeat(200)
        phone.type(R.id.question, long)
        for (at in 0 until 10) choose(at, "$at $long")
        assertEquals("ten and no more", 10, texts().size)
        assertTrue(phone.text(R.id.question).toByteArray().size in 290..300)
        assertTrue(texts().all { it.toByteArray().size in 90..100 && '\uFFFD' !in it && '?' !in it })
        phone.tap(R.id.ask)
        phone.on<ChatActivity>()
        phone.until("the poll") { shown().size == 10 }
        phone.sees(string(R.string.poll_one))
        phone.views().first { it.id == R.id.choice && it.isShown }.let { (it.parent as View).performClick() }
        phone.until("a vote") { shown()[0].second == "1" }
        (phone.views().filter { it.id == R.id.choice && it.isShown }[1].parent as View).performClick()
        phone.until("another instead") { shown().map { it.second }.take(2) == listOf("0", "1") }

        begin()
        phone.type(R.id.question, "Nobody is asked this")
        choose(0, "Yes")
        choose(1, "No")
        val id = app.await { app.sotto().contacts.all().single().id }
        app.await { app.sotto().contacts.answer(id, im.sotto.ContactAction.BLOCK) }
        phone.tap(R.id.ask)
        phone.sees(string(R.string.error_contact_blocked))
        assertEquals("what was typed stays", listOf("Yes", "No", ""), texts())
        assertTrue("and can be asked again", phone.enabled(R.id.ask))
    }
}
