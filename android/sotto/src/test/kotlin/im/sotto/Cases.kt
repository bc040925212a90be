package im.sotto

import im.sotto.testing.Json
import java.io.File

/** One row of `bindings/tests/cases.json`: a call, its arguments, and the code of its error or null. */
class Case(val call: String, private val arguments: Json, val code: String?) {
    /** Whether a text is among the arguments. */
    val hasText: Boolean get() = Regex("\"(\"|@)").containsMatchIn("$arguments".substringAfter(':'))

    override fun toString(): String = "$call $arguments"

    /** Makes the call; [text] says what a text of the table stands for. */
    suspend fun on(sotto: Sotto, text: (String) -> String = ::meant): Any? =
        Arguments(arguments, text).call(sotto, call)

    companion object {
        private val BIG = "x".repeat(10_000_000)

        /** All cases. */
        val all: List<Case> = Json.parse(File(REPO, "bindings/tests/cases.json").readText())["cases"].list.map {
            Case(it[0].text, it[1], it[2].takeUnless(Json::isNull)?.text)
        }

        private fun meant(text: String): String = when (text) {
            "@big" -> BIG
            "@control" -> "\u0000\u0007\u001b[2J\u202e\u2066\ufeff"
            "@unknown" -> NO_ID
            else -> text
        }
    }
}

private class Arguments(private val given: Json, private val meant: (String) -> String) {
    private fun text(key: String, of: Json = given) = meant(of[key].text)
    private fun textOrNull(key: String) = given[key].takeUnless(Json::isNull)?.let { meant(it.text) }
    private fun texts(key: String, of: Json = given) = of[key].list.map { meant(it.text) }
    private fun on() = given["on"].isTrue
    private fun place() = ConversationId(text("conversation"))
    private fun placeOrNull() = textOrNull("conversation")?.let(::ConversationId)
    private fun message() = MessageId(text("message"))
    private fun contact() = ContactId(text("contact"))
    private fun file() = FileId(text("file"))
    private fun limit() = given["limit"].int
    private fun long(key: String) = given[key].takeUnless(Json::isNull)?.long

    /** The texts of cases with mentions are ASCII: a byte is a char. */
    private fun mentions() = list("mentions").map {
        val from = it["offset"].int
        NewMention(from..from + it["length"].int - 1, null)
    }

    private fun list(key: String) = if (given.has(key)) given[key].list else emptyList()

    private fun files() = list("files").map {
        NewFile(File(text("path", it)), width = if (it.has("width")) it["width"].int else 0)
    }

    private fun preview() = given["preview"].takeUnless(Json::isNull)?.let {
        LinkPreview(text("url", it), text("title", it), text("text", it))
    }

    private fun limits() = NetworkLimits(0, 0, 0).let { none ->
        val bytes = given["all"]["file"].long
        AutoDownload(none, none, none, NetworkLimits(bytes, bytes, bytes))
    }

    suspend fun call(sotto: Sotto, name: String): Any? = with(sotto) {
        when (name) {
            "account" -> account.get()
            "account_create" -> account.create(text("name"))
            "account_restore" -> account.restore(text("phrase"))
            "answer" -> messages.answer(given["arrival"].long, text("text"))
            "archive" -> conversations.archive(place(), on())
            "auto_download" -> files.autoDownload()
            "auto_download_set" -> files.setAutoDownload(limits())
            "avatar_set" -> account.setPicture(File(text("path")))
            "contact" -> contacts.get(ContactId(text("id")))
            "contact_add" -> contacts.add(text("link"), textOrNull("text"))
            "contact_answer" -> contacts.answer(contact(), ContactAction.valueOf(given["action"].text))
            "contact_remove" -> contacts.remove(contact())
            "contact_scan" -> contacts.scan(contact(), bytes("qr"))
            "contact_verify" -> contacts.verify(contact(), textOrNull("devices")?.let(::DevicesId))
            "contacts" -> contacts.all()
            "conversation" -> conversations.get(ConversationId(text("id")))
            "conversation_delete" -> conversations.delete(place())
            "conversation_pin" -> conversations.pin(place(), on())
            "conversations" -> conversations.page(Folder.valueOf(given["folder"].text), limit(), textOrNull("before"))
            "deliveries" -> messages.deliveries(message())
            "delete_for_everyone" -> messages.deleteForEveryone(message())
            "delete_for_me" -> messages.deleteForMe(message())
            "devices_seen" -> contacts.devicesSeen(contact(), DevicesId(text("devices")))
            "diagnostics" -> diagnostics()
            "draft_set" -> conversations.setDraft(place(), text("text"))
            "edit" -> messages.edit(message(), text("text"), mentions())
            "forward" -> messages.forward(message(), texts("to").map(::ConversationId))
            "history" -> messages.history(message())
            "incoming" -> messages.incoming(limit(), long("after") ?: 0)
            "mark_read" -> conversations.markRead(place(), message())
            "mark_unread" -> conversations.markUnread(place(), on())
            "message" -> messages.get(MessageId(text("id")))
            "messages" -> messages.page(place(), limit(), textOrNull("before"))
            "messages_around" -> messages.around(MessageId(text("id")), limit())
            "mute" -> conversations.mute(place(), long("until_ms"))
            "phrase" -> account.phrase()
            "pin" -> messages.pin(message(), on())
            "pins" -> messages.pins(place())
            "profile_set" -> account.setName(text("name"))
            "react" -> messages.react(message(), text("emoji"), on())
            "reactions" -> messages.reactions(message())
            "retry" -> messages.retry(message())
            "search" -> messages.search(text("query"), limit(), placeOrNull(), textOrNull("before"))
            "send" -> textOrNull("reply_to")?.let(::MessageId).let { reply ->
                messages.send(place(), text("text"), reply, mentions(), preview(), files = files())
            }
            "timer_set" -> conversations.setTimer(place(), given["seconds"].int)
            "typing" -> conversations.typing(place())
            "unread" -> conversations.unread()
            "vote" -> messages.vote(message(), given["choices"].list.map { it.int })
            else -> if (name.startsWith("group")) group(name) else rest(name)
        }
    }

    private suspend fun Sotto.group(name: String): Any? = when (name) {
        "group" -> groups.get(place())
        "group_answer" -> groups.answer(place(), given["accept"].isTrue)
        "group_close" -> groups.close(place())
        "group_create" -> groups.create(text("name"), texts("members").map(::ContactId))
        "group_invite" -> groups.invite(place(), texts("contacts").map(::ContactId))
        "group_leave" -> groups.leave(place())
        "group_members" -> groups.members(place(), limit(), textOrNull("before"))
        "group_remove" -> groups.remove(place(), MemberId(text("member")), given["ban"].isTrue)
        "group_role" -> groups.setRole(place(), MemberId(text("member")), GroupRole.valueOf(given["role"].text))
        "group_set" -> given["patch"].let {
            val timer = if (it.has("timer_s")) it["timer_s"].int else null
            groups.set(place(), optional("name", it), optional("text", it), timer)
        }
        else -> error("$name of cases.json is unknown here")
    }

    private fun optional(key: String, of: Json) = if (of.has(key)) text(key, of) else null

    private suspend fun Sotto.rest(name: String): Any? = when (name) {
        "file" -> files.get(file())
        "file_cancel" -> files.cancel(file())
        "file_export" -> files.export(file(), File(text("path")))
        "file_fetch" -> files.fetch(file())
        "file_read" -> files.read(file(), given["offset"].long, given["length"].int)
        "files" -> files.page(place(), limit(), before = textOrNull("before"))
        "invite" -> contacts.invite()
        "invite_close" -> contacts.closeInvite(InviteId(text("invite")))
        "invite_preview" -> contacts.previewInvite(text("link"))
        "invites" -> contacts.invites()
        "network_changed" -> networkChanged(NetworkState(texts("dns_servers", given["network"]), isMetered = false))
        "nickname_set" -> contacts.setNickname(contact(), textOrNull("nickname"))
        "poll_create" -> given["poll"].let {
            messages.createPoll(place(), NewPoll(text("question", it), texts("choices", it)))
        }
        "power_changed" -> powerChanged(given["charging"].isTrue)
        "safety_number" -> contacts.safetyNumber(contact())
        "session_reset" -> contacts.resetSession(contact())
        "set_foreground" -> setForeground(on())
        "settings" -> settings()
        "settings_set" -> updateSettings(receiptDelayMs = given["patch"]["receipt_delay_ms"].int)
        "storage" -> files.storage()
        "storage_free" -> files.freeStorage(place(), long("older_than_ms"))
        "sync_once" -> syncOnce(given["deadline_ms"].long)
        else -> error("$name of cases.json is unknown here")
    }

    private fun bytes(key: String) = Bytes.of(given[key].list.map { it.int.toByte() }.toByteArray())
}
