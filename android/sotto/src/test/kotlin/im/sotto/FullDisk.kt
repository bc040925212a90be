package im.sotto

import java.io.File

/** Fills the disk of `args[0]` under an open account, says what its calls say, and frees it again. */
fun main(args: Array<String>) = test {
    val folder = File(args[0])
    val filler = File(folder, "filler")
    phone(File(folder, "carol"), "Carol").use { sotto ->
        val link = File(folder, "link")
        phone(File(folder, "dave"), "Dave").use { link.writeText(it.contacts.invite().link) }
        sotto.contacts.add(link.readText())
        val place = sotto.conversations.page(Folder.INBOX, 1).single().id
        filler.outputStream().use { out ->
            try {
                while (true) out.write(ByteArray(4096))
            } catch (_: java.io.IOException) {
                // Full.
            }
        }
        val draft = "draft ".repeat(100_000)
        val error = fails<SottoException.Storage>(SottoCode.STORAGE_FULL) {
            repeat(5) { sotto.conversations.setDraft(place, draft + it) }
        }
        check(error.isRetryable)
        println("full")
        filler.delete()
        sotto.conversations.setDraft(place, draft)
        check(sotto.conversations.get(place).draft == draft)
        println("whole again")
    }
}
