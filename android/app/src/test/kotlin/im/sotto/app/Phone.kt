package im.sotto.app

import android.app.Activity
import android.app.Dialog
import android.content.Intent
import android.os.Bundle
import android.os.Looper
import android.os.Parcel
import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import android.widget.Toolbar
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowDialog
import java.time.Duration

/** A phone with this app, as a person holds it: the visible screen, its back stack, taps and typing. */
class Phone {
    /** A screen; [saved] is what it left when its process died, until somebody comes back to it. */
    private class Opened(var controller: ActivityController<out Activity>, val request: Int, var saved: Bundle? = null)

    private val stack = ArrayDeque<Opened>()

    /** Started activities of other apps, as a person would see them open. */
    val left = ArrayDeque<Intent>()

    val screen: Activity get() = stack.last().controller.get()

    fun open(screen: Class<out Activity> = StartActivity::class.java) =
        open(Intent(RuntimeEnvironment.getApplication(), screen))

    /** Another app, a notification or the launcher opens a screen. */
    fun open(intent: Intent) {
        stack.lastOrNull()?.controller?.pause()?.stop()
        start(intent, -1)
    }

    /** Lets the app work until the condition holds. */
    fun until(what: String, condition: () -> Boolean) {
        val end = System.nanoTime() + PATIENCE.toNanos()
        while (true) {
            settle()
            if (condition()) return
            if (System.nanoTime() > end) throw AssertionError("waited in vain for: $what, on $screen: ${texts()}")
            Thread.sleep(STEP_MS)
            sleep(STEP_MS)
        }
    }

    inline fun <reified T : Activity> on(): T {
        until("the screen ${T::class.simpleName}") { screen is T }
        return screen as T
    }

    fun sees(text: String) = until("\"$text\"") { texts().any { text in it } }

    fun tap(id: Int) {
        until("something to tap: ${name(id)}") { find(id)?.let { it.isShown && it.isEnabled } == true }
        tap(find(id) ?: error("it went away: ${name(id)}"))
    }

    fun tap(text: String) {
        until("\"$text\" to tap") { labelled(text) != null }
        tap(labelled(text) ?: error("it went away: $text"))
    }

    /** A button of the row with this text. */
    fun tapIn(row: String, id: Int) {
        until("\"$row\" in the list") { labelled(row) != null }
        val views = generateSequence(labelled(row)) { it.parent as? View }
        tap(views.firstNotNullOf { it.findViewById<View>(id) })
    }

    private fun tap(view: View) {
        val target = generateSequence(view) { it.parent as? View }.firstOrNull(View::isClickable)
        val row = generateSequence(view) { it.parent as? View }.firstOrNull { it.parent is ListView }
        if (target == null || (row != null && !isIn(target, row))) {
            val list = row?.parent as? ListView ?: error("nothing to tap at $view")
            val position = list.getPositionForView(row)
            list.performItemClick(row, position, list.getItemIdAtPosition(position))
        } else {
            target.performClick()
        }
        settle()
    }

    private fun isIn(view: View, row: View) = generateSequence(view) { it.parent as? View }.any { it === row }

    /** A long press on a row of a list, or on what in it takes long presses itself. */
    fun hold(text: String) {
        until("\"$text\" to hold") { labelled(text) != null }
        val view = labelled(text) ?: error("it went away: $text")
        val parents = generateSequence(view) { it.parent as? View }.toList()
        val row = parents.first { it.parent is ListView }
        val target = parents.subList(0, parents.indexOf(row) + 1).firstOrNull(View::isLongClickable)
        val list = row.parent as ListView
        val position = list.getPositionForView(row)
        target?.performLongClick()
            ?: list.onItemLongClickListener?.onItemLongClick(list, row, position, list.getItemIdAtPosition(position))
        settle()
    }

    fun type(id: Int, text: String) {
        until("a field ${name(id)}") { find(id)?.isShown == true }
        (find(id) as EditText).setText(text)
        (find(id) as EditText).run { setSelection(length()) }
        settle()
    }

    /** A choice of the menu, in the toolbar or behind its three dots. */
    fun menu(id: Int) {
        shadowOf(screen).clickMenuItem(id)
        settle()
    }

    /** Whether the toolbar shows a choice. */
    fun offers(id: Int): Boolean = screen.findViewById<Toolbar>(R.id.toolbar).menu.findItem(id)?.isVisible == true

    fun back() {
        val dialog = dialog()
        @Suppress("DEPRECATION")
        if (dialog != null) dialog.onBackPressed() else screen.onBackPressed()
        settle()
    }

    /** The process dies in the background. Then Android makes each screen that is seen again from what it saved. */
    fun die() {
        val top = stack.last()
        val app = top.controller.get().application as TestApp
        top.controller.pause().stop()
        for (one in stack.filter { it.saved == null }) {
            val saved = Bundle().also(one.controller::saveInstanceState)
            val size = Parcel.obtain().apply { writeBundle(saved) }.dataSize()
            check(size < MOST_SAVED) { "Android ends an app that saves $size bytes" }
            one.saved = saved
            one.controller.destroy()
        }
        app.await {
            app.finished()
            app.process.close()
        }
        revive(top)
        settle()
    }

    /** Whether the screen had to be made again. */
    private fun revive(one: Opened): Boolean {
        val saved = one.saved ?: return false
        one.saved = null
        one.controller = Robolectric.buildActivity(one.controller.get().javaClass, one.controller.get().intent)
        one.controller.setup(saved)
        return true
    }

    /** Turned round, or another language: the screen is made again with what it saved. */
    fun recreate() {
        stack.last().controller.recreate()
        settle()
    }

    fun close() {
        while (stack.isNotEmpty()) end(stack.removeLast().controller)
    }

    /** Another app that was opened gives its result back. */
    fun answer(data: Intent) {
        shadowOf(screen).receiveResult(left.removeLast(), Activity.RESULT_OK, data)
        settle()
    }

    fun text(id: Int): String = (find(id) as TextView).text.toString()

    fun enabled(id: Int): Boolean = find(id)?.isEnabled == true

    /** Whether something on the screen says this to a screen reader. */
    fun described(text: String): Boolean = views().any { it.isShown && it.contentDescription == text }

    /** Time passes on the main thread's clock. */
    fun sleep(ms: Long) = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(ms))

    fun dialog(): Dialog? = ShadowDialog.getLatestDialog()?.takeIf(Dialog::isShowing)

    fun find(id: Int): View? = dialog()?.findViewById(id) ?: screen.findViewById(id)

    /** What can be tapped is large enough for a finger, and says to a screen reader what it is. */
    fun checkTargets() {
        val least = (48 * screen.resources.displayMetrics.density).toInt() - 1
        for (view in views().filter { it.isShown && it.isClickable && it !is ListView && it.id != R.id.toolbar }) {
            check(view.width >= least && view.height >= least) { "$view is ${view.width} × ${view.height}" }
            val isLabelled = flat(view).any {
                !it.contentDescription.isNullOrEmpty() || !(it as? TextView)?.text.isNullOrEmpty() || it is EditText
            }
            check(isLabelled) { "$view has no label" }
        }
    }

    /** All that can be read now, in the order of the views. */
    fun texts(but: List<Int> = emptyList()): List<String> =
        views().filterIsInstance<TextView>().filter { it.isShown && it.id !in but && it.text.isNotEmpty() }
            .map { it.text.toString() }

    fun views(): List<View> = flat(dialog()?.window?.decorView ?: screen.window.decorView)

    private fun labelled(text: String): View? = views().firstOrNull {
        it.isShown && it.isEnabled && ((it as? TextView)?.text?.toString() == text || it.contentDescription == text)
    }

    private fun flat(view: View): List<View> = listOf(view) +
        if (view is ViewGroup) (0 until view.childCount).flatMap { flat(view.getChildAt(it)) } else emptyList()

    private fun name(id: Int) = screen.resources.getResourceEntryName(id)

    /** Runs what waits on the main thread, and follows the app to other screens and back. */
    fun settle() {
        shadowOf(Looper.getMainLooper()).idle()
        while (follow()) shadowOf(Looper.getMainLooper()).idle()
    }

    private fun follow(): Boolean {
        val top = stack.lastOrNull() ?: return false
        val activity = top.controller.get()
        // The shadow gives the latest first.
        val started = generateSequence { shadowOf(activity).nextStartedActivityForResult }.toList().asReversed()
        if (started.isEmpty()) return activity.isFinishing && leave()
        for (one in started) {
            if (one.intent.component?.packageName != activity.packageName) {
                if (one.intent.action != ASK) left.addLast(one.intent)
                continue
            }
            if (one.intent.flags and Intent.FLAG_ACTIVITY_CLEAR_TASK != 0) {
                while (stack.isNotEmpty()) end(stack.removeLast().controller)
            } else if (one.intent.flags and Intent.FLAG_ACTIVITY_CLEAR_TOP != 0 && comeBack(one.intent)) {
                continue
            } else if (stack.last().controller.get().isFinishing) {
                end(stack.removeLast().controller)
            } else {
                stack.last().controller.pause().stop()
            }
            start(one.intent, one.requestCode)
        }
        return true
    }

    /** A screen that is open already gets the intent, and those above it end. */
    private fun comeBack(intent: Intent): Boolean {
        val at = stack.indexOfLast {
            val screen = it.controller.get()
            !screen.isFinishing && screen.javaClass.name == intent.component?.className
        }
        if (at < 0) return false
        val isTop = at == stack.lastIndex
        while (stack.lastIndex > at) end(stack.removeLast().controller)
        if (isTop || revive(stack[at])) stack[at].controller.pause() else stack[at].controller.restart().start()
        stack[at].controller.newIntent(intent).resume()
        return true
    }

    /** Something lies over the screen for a moment, and goes. */
    fun cover() {
        stack.last().controller.pause()
        settle()
        stack.last().controller.resume()
        settle()
    }

    private fun start(intent: Intent, request: Int) {
        @Suppress("UNCHECKED_CAST")
        val screen = Class.forName(intent.component?.className ?: error("no screen: $intent")) as Class<out Activity>
        val controller = Robolectric.buildActivity(screen, intent)
        stack.addLast(Opened(controller, request))
        controller.setup()
    }

    private fun end(controller: ActivityController<out Activity>) {
        val activity = controller.get()
        if (!activity.isDestroyed) controller.pause().stop().destroy()
    }

    private fun leave(): Boolean {
        val gone = stack.removeLast()
        val activity = gone.controller.get()
        val shadow = shadowOf(activity)
        end(gone.controller)
        val below = stack.lastOrNull() ?: return false
        if (!revive(below)) below.controller.restart().start().resume()
        if (gone.request >= 0) {
            val asked = shadowOf(below.controller.get())
            asked.callOnActivityResult(gone.request, shadow.resultCode, shadow.resultIntent)
        }
        return true
    }

    private companion object {
        val PATIENCE: Duration = Duration.ofSeconds(60)
        const val STEP_MS = 10L
        const val MOST_SAVED = 500_000

        /** Android's own dialog that asks for a permission. */
        const val ASK = "android.content.pm.action.REQUEST_PERMISSIONS"
    }
}
