package im.sotto.testing

import java.io.File

/** Another person: a process of `sotto rpc` with an account. One thread uses it at a time. */
class Person(name: String, val folder: File, nodes: List<String>) : AutoCloseable {
    private val program = Program("rpc", "--data", folder.path, *nodes.flatMap { listOf("--node", it) }.toTypedArray())
    private var last = 0
    private val early = HashMap<Int, Json>()

    init {
        if (call("account").isNull) {
            call("account_create", "name" to name)
            call("settings", "set" to mapOf("receipt_delay_ms" to 0))
        }
    }

    /** Calls a method of `docs/rpc.md`; its result. */
    fun call(method: String, vararg params: Pair<String, Any?>): Json {
        val answer = ask(method, *params)
        check(answer.has("result")) { "$method: $answer" }
        return answer["result"]
    }

    /** The dotted code with which a call fails. */
    fun refusal(method: String, vararg params: Pair<String, Any?>): String =
        ask(method, *params)["error"]["data"]["code"].text

    /** Calls again after each event until [look] finds what it wants. */
    fun <T : Any> until(method: String, vararg params: Pair<String, Any?>, look: (Json) -> T?): T {
        val end = System.nanoTime() + PATIENCE_S * 1_000_000_000
        while (true) {
            val answer = call(method, *params)
            look(answer)?.let { return it }
            check(System.nanoTime() < end) { "$method still says $answer" }
            call("next_events", "max" to 64, "wait_ms" to 500)
        }
    }

    /** A link to this person. */
    fun invite(): String = call("invite")["link"].text

    /** Waits for a contact in this state (`incoming`, `accepted`); its object. */
    fun contact(state: String): Json =
        until("contacts") { answer -> answer["contacts"].list.firstOrNull { it["state"].text == state } }

    /** Accepts the next request; the conversation's id. */
    fun accept(): String {
        val contact = contact("incoming")
        call("contact_answer", "contact" to contact["id"].text, "action" to "accept")
        return contact["conversation"].text
    }

    /** Sends a text; the message's id. */
    fun send(conversation: String, text: String): String =
        call("send", "conversation" to conversation, "text" to text)["message"].text

    /** Waits until the page of a conversation, oldest first, has these texts. */
    fun waitFor(conversation: String, vararg texts: String) {
        until("messages", "conversation" to conversation, "limit" to 500) { answer ->
            val there = answer["messages"].list.reversed().mapNotNull { it["text"].takeUnless(Json::isNull)?.text }
            texts.toList().takeIf { it == there }
        }
    }

    /** Ends it cleanly. */
    fun leave() {
        call("close")
        check(program.finish() == 0) { "sotto rpc fails at its end" }
    }

    override fun close() = program.close()

    private fun ask(method: String, vararg params: Pair<String, Any?>): Json {
        val id = ++last
        val request = mapOf("jsonrpc" to "2.0", "id" to id, "method" to method, "params" to params.toMap())
        program.write(Json.write(request))
        while (true) {
            early.remove(id)?.let { return it }
            val answer = Json.parse(program.line())
            early[answer["id"].int] = answer
        }
    }
}
