package androidx.test.runner.intent;

/** Nobody here listens to intents. */
public final class IntentMonitorRegistry {
    private IntentMonitorRegistry() {}

    public static void registerInstance(IntentMonitor instance) {}
}
