package im.sotto.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/**
 * Whether an activity of the app is on screen. [FilesProvider] begins to watch before the first activity is made, so no
 * app needs to. Without the provider the first activity is seen when it resumes again.
 */
internal object Screens : Application.ActivityLifecycleCallbacks {
    private val visible = HashSet<Activity>()
    private val shown = MutableStateFlow(false)
    private var app: Application? = null
    val isShown: StateFlow<Boolean> = shown.asStateFlow()

    @Synchronized
    fun watch(app: Application) {
        if (app === this.app) return
        this.app = app
        visible.clear()
        shown.value = false
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
        if (shown.compareAndSet(expect = false, update = true)) AlwaysOn.resume(activity.applicationContext)
    }

    override fun onActivityCreated(activity: Activity, savedInstanceState: Bundle?) = Unit

    override fun onActivityPaused(activity: Activity) = Unit

    override fun onActivitySaveInstanceState(activity: Activity, outState: Bundle) = Unit

    override fun onActivityDestroyed(activity: Activity) = Unit
}
