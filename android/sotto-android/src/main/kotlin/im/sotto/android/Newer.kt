package im.sotto.android

import android.app.Notification
import android.app.Person
import android.content.LocusId
import android.content.pm.ShortcutInfo
import android.content.pm.ShortcutManager
import android.graphics.drawable.Icon
import android.os.Build
import android.security.KeyStoreException
import android.security.keystore.KeyGenParameterSpec
import java.security.ProviderException

/** Marks code with names that Android 8 lacks: the guard of API use in scripts/check-mobile skips it. */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.CLASS)
internal annotation class NewerApi

/**
 * All that is newer than Android 8 (API 26), each call behind a check of the version. It stands apart, because an older
 * Android must not load a class that names it.
 */
@NewerApi
internal object Newer {
    /** Runs [make] with StrongBox; null if the secure chip is full, does not take such a key, or fails. */
    fun <T> inStrongBox(make: (KeyGenParameterSpec.Builder.() -> Unit) -> T): T? = try {
        make { setIsStrongBoxBacked(true) }
    } catch (_: ProviderException) {
        null
    }

    /** Whether this failure passes by itself; null if the key store does not say so, as before Android 13. */
    fun isTransient(error: Throwable): Boolean? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return null
        var cause: Throwable? = error
        while (cause != null) {
            if (cause is KeyStoreException) return cause.isTransientFailure
            cause = cause.cause
        }
        return null
    }

    /** A conversation's style, with people; null before Android 9. */
    fun messaging(
        you: String,
        name: String,
        key: String,
        lines: List<Pair<String, Long>>,
    ): Notification.MessagingStyle? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.P) return null
        val author = Person.Builder().setName(name).setKey(key).build()
        val style = Notification.MessagingStyle(Person.Builder().setName(you).build())
        for ((text, time) in lines) style.addMessage(text, time, author)
        return style
    }

    /** Lets the phone learn which conversations matter; nothing before Android 10. */
    fun place(builder: Notification.Builder, id: String) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) builder.setLocusId(LocusId(id))
    }

    /** Lets the action of a notification work on an unlocked phone only; nothing before Android 12. */
    fun unlocked(builder: Notification.Action.Builder): Notification.Action.Builder = builder.apply {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) setAuthenticationRequired(true)
    }

    /** Makes a shortcut one of a conversation, which outlives its notification; nothing before Android 10. */
    fun person(builder: ShortcutInfo.Builder, id: String, name: String, icon: Icon?) {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return
        val person = Person.Builder().setName(name).setKey(id).setIcon(icon).build()
        builder.setLongLived(true).setPerson(person).setLocusId(LocusId(id))
    }

    /** Adds a shortcut, which takes the place of the least used one; false before Android 11. */
    fun push(manager: ShortcutManager, shortcut: ShortcutInfo): Boolean {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return false
        manager.pushDynamicShortcut(shortcut)
        return true
    }

    /** Removes shortcuts also from where the phone keeps them; nothing before Android 11. */
    fun remove(manager: ShortcutManager, ids: List<String>) {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) manager.removeLongLivedShortcuts(ids)
    }
}
