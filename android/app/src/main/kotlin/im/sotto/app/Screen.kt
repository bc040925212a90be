package im.sotto.app

import android.app.Activity
import android.app.AlertDialog
import android.content.res.Configuration.UI_MODE_NIGHT_MASK
import android.content.res.Configuration.UI_MODE_NIGHT_YES
import android.os.Bundle
import android.view.MenuItem
import android.view.View
import android.view.WindowManager
import android.widget.TextView
import android.widget.Toolbar
import im.sotto.Sotto
import im.sotto.SottoException
import kotlinx.coroutines.Job
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope

/**
 * A screen of the app: a toolbar, the content of [layout], and a line for short notices. It lies edge to edge. What a
 * person typed is kept by the views themselves, so process death loses nothing.
 */
abstract class Screen(private val layout: Int, private val heading: Int = 0) : Activity() {
    protected val app: SottoApp get() = application as SottoApp
    protected val scope = MainScope()
    protected val toolbar: Toolbar get() = findViewById(R.id.toolbar)

    /** Whether the person can go up from here. */
    protected open val hasBack get() = true

    /** Whether it is always hidden from screenshots and from the list of recent apps. */
    protected open val isSecret get() = false
    private var shown: Job? = null
    private var notice: Job? = null
    private val dialogs = ArrayList<AlertDialog>()

    /** Sets up the views. The core may still be opening. */
    protected open fun build(state: Bundle?) = Unit

    /** Runs while the screen is visible: reads, and follows changes. */
    protected open suspend fun follow(sotto: Sotto) = Unit

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        keepSecret()
        setContentView(R.layout.screen)
        layoutInflater.inflate(layout, findViewById(R.id.content))
        setActionBar(toolbar)
        title = if (heading == 0) "" else getString(heading)
        if (hasBack) {
            toolbar.setNavigationIcon(R.drawable.ic_back)
            toolbar.setNavigationContentDescription(R.string.back)
            toolbar.setNavigationOnClickListener { finish() }
        }
        layEdgeToEdge()
        build(state)
        state?.getString(NOTICE)?.let(::say)
    }

    /** A notice that came just before the phone was turned is read after it. */
    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        val line = findViewById<TextView>(R.id.notice)
        if (line.visibility == View.VISIBLE) state.putString(NOTICE, line.text.toString())
    }

    /** Hides the screen from screenshots and from the list of recent apps, or shows it there. */
    protected fun keepSecret() {
        val secret = WindowManager.LayoutParams.FLAG_SECURE
        window.setFlags(if (isSecret || app.preferences.screenSecurity) secret else 0, secret)
    }

    /** Other screens may have changed what is hidden. */
    override fun onStart() {
        super.onStart()
        app.front = this
        keepSecret()
        shown = act(::follow)
    }

    override fun onStop() {
        shown?.cancel()
        if (app.front === this) app.front = null
        super.onStop()
    }

    override fun onDestroy() {
        scope.cancel()
        dialogs.forEach(AlertDialog::dismiss)
        super.onDestroy()
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean =
        onMenu(item.itemId) || super.onOptionsItemSelected(item)

    /** A tap on the menu. */
    protected open fun onMenu(id: Int) = false

    /** Does what a person asked for. A failure is said on the notice line. */
    protected fun act(task: suspend (Sotto) -> Unit): Job = attempt { task(app.sotto()) }

    /** As [act], without the core. */
    protected fun attempt(task: suspend () -> Unit): Job = scope.launch { guarded(task) }

    private suspend fun guarded(task: suspend () -> Unit) {
        try {
            task()
        } catch (error: SottoException) {
            failed(error)
        }
    }

    /**
     * Runs the parts of [follow] beside each other. One that fails says so; the others go on. It begins again where
     * that may help.
     */
    protected suspend fun beside(vararg parts: suspend () -> Unit) = supervisorScope {
        for (part in parts) launch { again(part) }
    }

    private suspend fun again(part: suspend () -> Unit) {
        while (true) {
            try {
                return part()
            } catch (error: SottoException) {
                failed(error)
                if (!error.isRetryable) return
                delay(AGAIN_MS)
            }
        }
    }

    /** A call failed. */
    protected open fun failed(error: SottoException) = say(textOf(error))

    protected fun onTap(id: Int, action: () -> Unit) = findViewById<View>(id).setOnClickListener { action() }

    protected fun setText(id: Int, text: CharSequence?) = findViewById<TextView>(id).showText(text)

    /** Shows one line for five seconds, and reads it aloud. */
    fun say(text: String) {
        val line = findViewById<TextView>(R.id.notice)
        line.text = text
        line.visibility = View.VISIBLE
        notice?.cancel()
        notice = scope.launch {
            delay(NOTICE_MS)
            line.visibility = View.GONE
        }
    }

    /** Shows a dialog, which ends with the screen. Null if the screen ended before. */
    fun present(builder: AlertDialog.Builder): AlertDialog? = builder.create().takeIf(::present)

    /** As above; whether it is shown. */
    fun present(dialog: AlertDialog): Boolean {
        if (isFinishing || isDestroyed) return false
        dialogs.removeAll { !it.isShowing }
        dialogs += dialog
        dialog.show()
        return true
    }

    /** Asks before something that cannot be undone. */
    protected fun confirm(title: String, text: String, yes: Int, action: () -> Unit) {
        present(
            AlertDialog.Builder(this)
                .setTitle(title)
                .setMessage(text)
                .setNegativeButton(R.string.cancel, null)
                .setPositiveButton(yes) { _, _ -> action() },
        )
    }

    /** Offers choices. */
    protected fun choose(title: String?, choices: List<Pair<Int, () -> Unit>>) =
        chooseText(title, choices.map { getString(it.first) }) { choices[it].second() }

    /** Offers texts, and tells the place of the chosen one. */
    protected fun chooseText(title: String?, texts: List<String>, action: (Int) -> Unit) {
        present(
            AlertDialog.Builder(this)
                .setTitle(title)
                .setItems(texts.toTypedArray()) { _, index -> action(index) },
        )
    }

    private fun layEdgeToEdge() {
        val root = findViewById<View>(R.id.screen)
        val content = findViewById<View>(R.id.content)
        val scroller = findViewById<View>(R.id.scroll) ?: findViewById<View>(R.id.list)
        val under = scroller?.paddingBottom ?: 0
        val floating = findViewById<View>(R.id.add)
        val isNight = resources.configuration.uiMode and UI_MODE_NIGHT_MASK == UI_MODE_NIGHT_YES
        @Suppress("DEPRECATION")
        window.decorView.systemUiVisibility = window.decorView.systemUiVisibility or
            View.SYSTEM_UI_FLAG_LAYOUT_STABLE or View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN or
            View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION or
            if (isNight) 0 else View.SYSTEM_UI_FLAG_LIGHT_NAVIGATION_BAR
        root.setOnApplyWindowInsetsListener { _, insets ->
            val bars = Bars.of(insets)
            root.setPadding(bars.left, bars.top, bars.right, bars.keyboard)
            val bottom = if (bars.keyboard > 0) 0 else bars.bottom
            if (scroller != null) {
                scroller.setPadding(scroller.paddingLeft, scroller.paddingTop, scroller.paddingRight, under + bottom)
            } else {
                content.setPadding(0, 0, 0, bottom)
            }
            if (scroller != null) floating?.translationY = -bottom.toFloat()
            insets
        }
    }

    private companion object {
        const val NOTICE = "notice"
        const val NOTICE_MS = 5_000L
        const val AGAIN_MS = 10_000L
    }
}
