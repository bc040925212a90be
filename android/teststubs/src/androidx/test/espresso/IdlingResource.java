package androidx.test.espresso;

/** Something to wait for. */
public interface IdlingResource {
    String getName();

    boolean isIdleNow();

    void registerIdleTransitionCallback(ResourceCallback callback);

    /** Told when the resource becomes idle. */
    interface ResourceCallback {
        void onTransitionToIdle();
    }
}
