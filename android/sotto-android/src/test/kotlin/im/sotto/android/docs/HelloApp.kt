package im.sotto.android.docs

import android.Manifest
import android.app.Activity
import android.app.Application
import android.os.Build
import android.os.Bundle
import android.util.Log
import android.widget.TextView
import im.sotto.Folder
import im.sotto.Notice
import im.sotto.Preset
import im.sotto.SottoException
import im.sotto.android.NotificationStyle
import im.sotto.android.Notifier
import im.sotto.android.PeerText
import im.sotto.android.SottoHost
import im.sotto.android.SottoProcess
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

class HelloApp : Application(), SottoHost {
    override val process by lazy { SottoProcess(this, Preset.LOCAL, NODES) }
    override val notifier by lazy { Notifier(this, NotificationStyle(android.R.drawable.stat_notify_chat)) }
    override fun onNotice(notice: Notice) { Log.i("hello", notice.code.text) }
}

class HelloActivity : Activity() {
    private val scope = MainScope()

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        if (Build.VERSION.SDK_INT >= 33) requestPermissions(arrayOf(Manifest.permission.POST_NOTIFICATIONS), 1)
        val view = TextView(this).also(::setContentView)
        scope.launch {
            try {
                val sotto = (application as HelloApp).process.sotto()
                if (sotto.account.get() == null) sotto.account.create("Alice")
                sotto.conversations.list(Folder.INBOX).items.collect { all ->
                    view.text = all.joinToString("\n") { PeerText.line("${it.name}: ${it.last?.text.orEmpty()}") }
                }
            } catch (e: SottoException) {
                view.text = e.code.text // key.lost: offer to restore from the phrase
            }
        }
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }
}
