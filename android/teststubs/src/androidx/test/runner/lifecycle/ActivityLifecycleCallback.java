package androidx.test.runner.lifecycle;

import android.app.Activity;

/** Hears of each change of stage. */
public interface ActivityLifecycleCallback {
    void onActivityLifecycleChanged(Activity activity, Stage stage);
}
