package im.sotto.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** Whether an activity of the app is on screen. Made after the first one started, it learns of it when it resumes. */
internal class Screens(app: Application, private val onShown: () -> Unit) : Application.ActivityLifecycleCallbacks {
    private val visible = HashSet<Activity>()
    private val shown = MutableStateFlow(false)
    val isShown: StateFlow<Boolean> = shown.asStateFlow()

    init {
        app.registerActivityLifecycleCallbacks(this)
    }

    override fun onActivityStarted(activity: Activity) = add(activity)

    override fun onActivityResumed(activity: Activity) = add(activity)

    override fun onActivityStopped(activity: Activity) {
        visible.remove(activity)
        // An activity that is made again, because the phone was turned, is back at once.
        if (visible.isEmpty() && !activity.isChangingConfigurations) shown.value = false
    }

    private fun add(activity: Activity) {
        visible.add(activity)
        if (shown.compareAndSet(expect = false, update = true)) onShown()
    }

    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?) = Unit

    override fun onActivityPaused(activity: Activity) = Unit

    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle) = Unit

    override fun onActivityDestroyed(activity: Activity) = Unit
}
