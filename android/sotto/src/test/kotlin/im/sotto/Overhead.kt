package im.sotto

import im.sotto.ffi.SottoConversationId
import im.sotto.ffi.SottoCore
import im.sotto.ffi.SottoMode
import im.sotto.ffi.SottoPreset
import kotlinx.coroutines.runBlocking
import java.io.File
import kotlin.io.path.createTempDirectory
import im.sotto.ffi.SottoConfig as FfiConfig

/**
 * What calls cost, for docs/budgets.md: milliseconds, the median of 300 of each, without a network. The library is the
 * one on `jna.library.path`.
 */
fun main() = runBlocking {
    val folder = createTempDirectory("overhead").toFile()
    val place = prepared(folder)
    Sotto.open(config(File(folder, "carol")), KEY).use { sotto ->
        println("page of 50 messages, SDK: %.2f".format(median { sotto.messages.page(place, 50) }))
        println("send, SDK: %.2f".format(median { sotto.messages.send(place, "text") }))
        println("one setting, SDK: %.3f".format(median { sotto.settings() }))
    }
    val config = FfiConfig(File(folder, "carol").path, SottoPreset.LOCAL, SottoMode.LIGHT)
    val core = SottoCore.open(config, KEY)
    val id = SottoConversationId(place.value)
    println("page of 50 messages, generated code: %.2f".format(median { core.messages(id, 50) }))
    println("send, generated code: %.2f".format(median { core.send(id, "text") }))
    core.shutdown()
    core.destroy()
    folder.deleteRecursively()
    Unit
}

private suspend fun prepared(folder: File): ConversationId {
    val link = phone(File(folder, "dave"), "Dave").use { it.contacts.invite().link }
    return phone(File(folder, "carol"), "Carol").use { sotto ->
        val place = sotto.contacts.get(sotto.contacts.add(link)).conversation
        repeat(60) { sotto.messages.send(place, "a message of a usual length, about as long as this one is, $it") }
        place
    }
}

private suspend fun median(call: suspend () -> Any?): Double {
    repeat(300) { call() }
    val times = List(300) {
        val begin = System.nanoTime()
        call()
        (System.nanoTime() - begin) / 1e6
    }
    return times.sorted()[times.size / 2]
}
