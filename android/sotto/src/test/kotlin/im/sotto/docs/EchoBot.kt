package im.sotto.docs

import im.sotto.ContactState
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import im.sotto.SottoException
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File
import java.security.SecureRandom
import kotlin.io.path.moveTo

fun main(args: Array<String>) = runBlocking {
    val dir = File(args[0]).apply { mkdirs() }
    fun write(name: String, bytes: ByteArray) = // the file is whole, or as it was
        File(dir, "$name.part").apply { writeBytes(bytes) }.toPath().moveTo(File(dir, name).toPath(), overwrite = true)
    val key = File(dir, "key").apply { if (!exists()) write(name, ByteArray(32).also(SecureRandom()::nextBytes)) }
    val cursor = File(dir, "cursor").apply { if (!exists()) write(name, "0".toByteArray()) }
    val config = SottoConfig(File(dir, "account"), Preset.LOCAL, args.drop(1), counterFile = File(dir, "counter"))
    val bot = Sotto.open(config, key.readBytes())
    if (bot.account.get() == null) bot.account.create("Echo") // the phrase: bot.account.phrase()
    launch {
        bot.contacts.observeAll().map { all ->
            all.filter { it.state == ContactState.INCOMING }.forEach { bot.contacts.accept(it.id) }
            try {
                (bot.contacts.invites().firstOrNull() ?: bot.contacts.invite()).link // admits one person
            } catch (e: SottoException) {
                "no link: ${e.code.text}"
            }
        }.distinctUntilChanged().collect { println(it) }
    }
    bot.messages.arrivals(after = cursor.readText().toLong()).collect { came ->
        came.message.text?.let { bot.messages.answer(came.arrival, it) }
        write("cursor", "${came.arrival}".toByteArray())
    }
}
