package im.sotto.docs

import im.sotto.ContactAction
import im.sotto.ContactState
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File
import java.security.SecureRandom

fun main(args: Array<String>) = runBlocking {
    val dir = File(args[0]).apply { mkdirs() }
    val key = File(dir, "key").apply { if (!exists()) writeBytes(SecureRandom().generateSeed(32)) }
    val cursor = File(dir, "cursor").apply { if (!exists()) writeText("0") }
    val bot = Sotto.open(SottoConfig(File(dir, "account"), Preset.LOCAL, args.drop(1)), key.readBytes())
    if (bot.account.get() == null) bot.account.create("Echo")
    println(bot.contacts.invite().link)
    launch {
        bot.contacts.observeAll().collect { all ->
            val asking = all.filter { it.state == ContactState.INCOMING }
            asking.forEach { bot.contacts.answer(it.id, ContactAction.ACCEPT) }
        }
    }
    bot.messages.arrivals(after = cursor.readText().toLong()).collect { came ->
        came.message.text?.let { bot.messages.answer(came.arrival, it) }
        cursor.writeText("${came.arrival}")
    }
}
